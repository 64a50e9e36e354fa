#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/hash.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/core/time.hpp>
#include <credpool/rpc/scope.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

struct SessionRules {
  Scopes scopes = {Scope::read, Scope::operate, Scope::admin};
  Duration code_life = std::chrono::minutes{2};  ///< of a one-time code
  Duration idle = std::chrono::hours{12};        ///< a session ends when it is not used so long
  Duration life = std::chrono::hours{24 * 7};    ///< and at the latest then
  std::size_t most_codes = 16;                   ///< beyond it the oldest is forgotten
  std::size_t most_sessions = 64;                ///< beyond it the one not used for longest ends
};

/// A session as its owner gets it, once.
struct NewSession {
  Secret cookie;
  /// Kept by the page for this origin alone: a cookie goes to every port of a host, this does not.
  Secret proof;
  Scopes scopes = {};
  TimePoint expires_at{};
};

/// A session that was found.
struct SessionRecord {
  std::uint64_t number = 0;
  Scopes scopes = {};
  TimePoint expires_at{};  ///< unless it is used again
};

/// The browser sessions of the gateway, and the one-time codes they begin with; digests only. The
/// sessions can be kept over a restart as text(); codes cannot.
///
/// @thread_safety safe
class SessionBook {
 public:
  explicit SessionBook(SessionRules rules = {}) : rules_{rules} {}

  /// A new code that open() takes once.
  /// @param scopes of who asks for it: its session has none that it had not, and no others than the
  ///               rules allow
  /// @errors io when the system gives no random bytes
  Result<Secret> make_code(Scopes scopes, TimePoint now);
  TimePoint code_ends(TimePoint made) const noexcept { return made + rules_.code_life; }

  /// Begins a session for a code; the code is spent.
  /// @errors unauthorized when the code is unknown, spent or too old; io
  Result<NewSession> open(std::string_view code, TimePoint now);

  /// The session that a cookie and a proof belong to, both; it lives on from here.
  std::optional<SessionRecord> use(std::string_view cookie, std::string_view proof, TimePoint now);
  /// Whether it has not ended; it does not live longer by that.
  bool is_open(std::uint64_t number, TimePoint now) const;
  void close(std::uint64_t number);
  /// Ends all sessions, and the codes that could begin others.
  /// @return how many sessions there were
  std::size_t close_all(TimePoint now);

  /// The sessions that have not ended, as JSON text for a private file: digests, scopes, and when
  /// they began and were used last.
  std::string text(TimePoint now) const;
  /// Adds the sessions that text() wrote, as far as they have not ended; none has scopes that the
  /// rules do not allow.
  /// @errors malformed: nothing was added
  Result<void> load(std::string_view text, TimePoint now);

  std::size_t count(TimePoint now) const;

 private:
  struct Code {
    Digest digest{};
    Scopes scopes = {};
    TimePoint ends{};
  };
  struct Session {
    std::uint64_t number = 0;
    Digest cookie{};
    Digest proof{};
    Scopes scopes = {};
    TimePoint begun{};
    TimePoint used{};
  };

  TimePoint end_of(const Session& session) const noexcept;
  void forget_ended(TimePoint now);
  void make_room();

  SessionRules rules_;
  mutable std::mutex mutex_;
  std::vector<Code> codes_;
  std::vector<Session> sessions_;
  std::uint64_t last_number_ = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/gateway/session_book.ipp>
#endif
