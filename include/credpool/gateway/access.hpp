#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/rate_limit.hpp>
#include <credpool/core/clock.hpp>
#include <credpool/gateway/host_rule.hpp>
#include <credpool/gateway/session_book.hpp>
#include <credpool/gateway/token_book.hpp>
#include <credpool/rpc/scope.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/request_head.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Name of the cookie of a session.
inline constexpr std::string_view gateway_session_cookie = "credpool_session";
/// Name of the header that proves that a page of ours has the session, not only its browser.
inline constexpr std::string_view gateway_proof_header = "x-credpool-proof";

/// What a path of the gateway asks of who comes.
enum class GatewayDoor {
  open,      ///< nothing: is the server well?
  page,      ///< a Host of ours: files that are the same for everybody
  entrance,  ///< and an Origin of ours: where a session begins
  inside,    ///< a token or a session
};

/// One path of the gateway.
struct GatewayRoute {
  std::string_view path;     ///< exact, or everything below it when it ends with "/"
  std::string_view methods;  ///< "GET HEAD"
  GatewayDoor door = GatewayDoor::inside;
  std::optional<Scope> scope = {};  ///< that the caller must have
  bool json = false;                ///< its body must be declared as JSON
};

/// Who was let in.
struct GatewayIdentity {
  enum class Kind { token, session, socket };
  Kind kind = Kind::token;
  std::string name = {};  ///< "token:NAME", "session", "unix"
  Scopes scopes = {};
  std::optional<TimePoint> expires_at = {};
  std::uint64_t number = 0;  ///< of the session, or of the token's value
  bool local = true;         ///< from this machine
};

/// What was decided about a request's head: an answer that refuses it, or who it is from (none:
/// nobody was asked for).
using GatewayDecision = std::variant<Answer, std::optional<GatewayIdentity>>;

/// Who may talk to the gateway: Host, Origin, what is presented, and how often it was wrong.
///
/// Everything that is wrong with a credential has the same answer, whether it is missing, unknown,
/// old or revoked. After five wrong ones from a peer there is one more every twelve seconds, and
/// 429 in between; a right one is let in all the same (it cannot be guessed), so that nobody locks
/// the others of a machine out.
///
/// @thread_safety safe, once the host rule is complete
class GatewayAccess {
 public:
  using Now = std::function<TimePoint()>;

  explicit GatewayAccess(Now now, TokenBook tokens = {}, SessionRules sessions = {});

  HostRule& hosts() noexcept { return hosts_; }
  TokenBook& tokens() noexcept { return tokens_; }
  SessionBook& sessions() noexcept { return sessions_; }
  TimePoint now() const { return now_(); }

  /// Decides about a request to one of the gateway's paths.
  ///
  /// @param peer  as ServerExchange::peer() says
  /// @param first whether it is the first time for this request: failures are counted once
  GatewayDecision decide(const GatewayRoute& route, const RequestHead& head, std::string_view peer,
                         bool first = true);

  /// The same on the gateway's own Unix socket, which only its owner can open: no credential is
  /// needed there.
  GatewayDecision decide_on_socket(const GatewayRoute& route, const RequestHead& head) const;

  /// Counts a wrong one-time code.
  /// @return how to answer
  Answer wrong_code(std::string_view peer);

  /// Whether somebody who was let in would be let in now: for answers that last.
  bool is_still_good(const GatewayIdentity& identity);

  /// Attempts with something wrong, since the start.
  std::uint64_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

 private:
  Answer refuse(std::string_view peer);
  std::optional<GatewayIdentity> identify(const RequestHead& head, std::string_view peer);

  Now now_;
  HostRule hosts_;
  TokenBook tokens_;
  SessionBook sessions_;
  RateLimiter attempts_;
  std::atomic<std::uint64_t> failures_{0};
};

/// The headers that every answer of the gateway has: no sniffing, no frames, no referrer, and
/// nothing kept (`private` answers) or only after asking again (files).
/// @param files whether the answer is one of the pages' files
void add_security_headers(Answer& answer, bool files = false);

/// An answer in the gateway's error shape, with its security headers.
Answer gateway_error(int status, std::string_view code, std::string_view message);

/// The value of each cookie of that name, at most eight.
/// @source RFC 6265, section 5.4
std::vector<std::string_view> cookie_values(std::string_view header, std::string_view name);

/// The token of `Authorization: Bearer`; empty when the header is anything else.
std::string_view bearer_token(std::string_view authorization) noexcept;

/// Whether a content type is JSON, with `charset=utf-8` or nothing after it.
bool is_json_type(std::string_view content_type) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/gateway/access.ipp>
#endif
