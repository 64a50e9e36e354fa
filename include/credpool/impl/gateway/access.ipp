#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/access.hpp>

#include <credpool/impl/core/json.hpp>

#include <algorithm>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

inline bool has_word(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const auto blank = list.find(' ');
    if (list.substr(0, blank) == word) return true;
    list.remove_prefix(blank == std::string_view::npos ? list.size() : blank + 1);
  }
  return false;
}

inline bool stands_twice(const RequestHead& head, std::string_view name) noexcept {
  return std::count_if(head.headers.begin(), head.headers.end(), [&](const HeaderView& header) {
           return same_header_name(header.name, name);
         }) > 1;
}

inline bool is_local_peer(std::string_view peer) noexcept {
  return peer == "unix" || peer == "::1" || peer.starts_with("127.") ||
         peer.starts_with("::ffff:127.");
}

/// What is asked before anybody is: a well-formed head, a Host and an Origin of ours, the method
/// and the type of the body.
inline std::optional<Answer> refused_head(const HostRule& hosts, const GatewayRoute& route,
                                          const RequestHead& head) {
  const bool changes = head.method != "GET" && head.method != "HEAD";
  if (route.door != GatewayDoor::open) {
    for (const std::string_view name :
         {std::string_view{"host"}, std::string_view{"origin"}, std::string_view{"authorization"},
          gateway_proof_header, std::string_view{"content-type"}})
      if (stands_twice(head, name))
        return gateway_error(400, "BAD_REQUEST", "a header stands twice");
    const auto host = head.header("host");
    if (!host) return gateway_error(400, "BAD_REQUEST", "the Host header is missing");
    if (!hosts.allows(*host))
      return gateway_error(421, "WRONG_HOST",
                           "the Host header does not name this server; --allow-host allows more");
    // Pages and their parts may be linked to from anywhere; what changes or tells something not.
    if (const auto origin = head.header("origin"); origin &&
                                                   (changes || route.door != GatewayDoor::page) &&
                                                   !hosts.is_own_origin(*origin, *host))
      return gateway_error(403, "WRONG_ORIGIN", "requests of other sites' pages are refused");
    if (const auto site = head.header("sec-fetch-site");
        site && route.door != GatewayDoor::page && *site != "same-origin" && *site != "none")
      return gateway_error(403, "WRONG_ORIGIN", "requests of other sites' pages are refused");
    if (route.door == GatewayDoor::entrance && !head.header("origin"))
      return gateway_error(403, "WRONG_ORIGIN", "a page of ours sends its Origin");
  }
  if (!has_word(route.methods, head.method)) {
    auto answer = gateway_error(405, "METHOD_NOT_ALLOWED", "this path takes other methods");
    std::string allow;
    for (const char c : route.methods) allow += c == ' ' ? std::string{", "} : std::string{c};
    answer.headers.emplace_back("allow", std::move(allow));
    return answer;
  }
  if (route.json && !is_json_type(head.header("content-type").value_or(std::string_view{})))
    return gateway_error(415, "UNSUPPORTED_MEDIA_TYPE", "the body must be application/json");
  return std::nullopt;
}

/// The one answer to a credential that is missing or not good.
inline Answer unauthorised() {
  auto answer = gateway_error(401, "UNAUTHORIZED",
                              "show a token of the gateway as a bearer, or open a page with the "
                              "link that `credpool ui` prints");
  answer.headers.emplace_back("www-authenticate", "Bearer");
  return answer;
}

inline Answer missing_scope(Scope scope) {
  return gateway_error(403, "FORBIDDEN", "this needs the scope " + std::string{to_string(scope)});
}

}  // namespace detail

CREDPOOL_INLINE void add_security_headers(Answer& answer, bool files) {
  constexpr std::string_view policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
      "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
      "trusted-types 'none'";
  auto& headers = answer.headers;
  headers.emplace_back("content-security-policy",
                       files ? policy : "default-src 'none'; frame-ancestors 'none'");
  headers.emplace_back("x-content-type-options", "nosniff");
  headers.emplace_back("x-frame-options", "DENY");
  headers.emplace_back("referrer-policy", "no-referrer");
  headers.emplace_back("cross-origin-opener-policy", "same-origin");
  headers.emplace_back("cross-origin-resource-policy", "same-origin");
  headers.emplace_back("cache-control", files ? "no-cache" : "no-store");
}

CREDPOOL_INLINE Answer gateway_error(int status, std::string_view code, std::string_view message) {
  Answer answer;
  answer.status = status;
  answer.headers.emplace_back("content-type", "application/json");
  answer.body = detail::dump_json(detail::OrderedJson{
      {"error", {{"code", std::string{code}}, {"message", std::string{message}}}}});
  add_security_headers(answer);
  return answer;
}

CREDPOOL_INLINE std::vector<std::string_view> cookie_values(std::string_view header,
                                                            std::string_view name) {
  constexpr std::size_t most = 8;
  std::vector<std::string_view> values;
  while (!header.empty() && values.size() < most) {
    const auto end = header.find(';');
    const auto pair = detail::trimmed(header.substr(0, end));
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name)
      values.push_back(pair.substr(equals + 1));
  }
  return values;
}

CREDPOOL_INLINE std::string_view bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size() ||
      !same_header_name(authorization.substr(0, scheme.size()), scheme))
    return {};
  const auto token = authorization.substr(scheme.size());
  return is_safe_token(token) ? token : std::string_view{};
}

CREDPOOL_INLINE bool is_json_type(std::string_view content_type) noexcept {
  const auto semicolon = content_type.find(';');
  if (!same_header_name(detail::trimmed(content_type.substr(0, semicolon)), "application/json"))
    return false;
  return semicolon == std::string_view::npos ||
         same_header_name(detail::trimmed(content_type.substr(semicolon + 1)), "charset=utf-8");
}

CREDPOOL_INLINE GatewayAccess::GatewayAccess(Now now, TokenBook tokens, SessionRules sessions)
    : now_{std::move(now)},
      tokens_{std::move(tokens)},
      sessions_{sessions},
      attempts_{{.burst = 5, .every = std::chrono::seconds{12}}} {}

CREDPOOL_INLINE GatewayDecision GatewayAccess::decide(const GatewayRoute& route,
                                                      const RequestHead& head,
                                                      std::string_view peer, bool first) {
  if (auto refused = detail::refused_head(hosts_, route, head)) return std::move(*refused);
  if (route.door != GatewayDoor::inside) return std::optional<GatewayIdentity>{};
  auto identity = identify(head, peer);
  if (!identity) {
    // Who presents nothing has guessed nothing.
    const bool tried = head.header("authorization") || head.header(gateway_proof_header);
    return tried && first ? refuse(peer) : detail::unauthorised();
  }
  if (route.scope && !identity->scopes.has(*route.scope))
    return detail::missing_scope(*route.scope);
  return identity;
}

CREDPOOL_INLINE GatewayDecision GatewayAccess::decide_on_socket(const GatewayRoute& route,
                                                                const RequestHead& head) const {
  // Its peers are no browsers; what a browser's page would send does not belong there.
  if (head.header("origin") || head.header("sec-fetch-site"))
    return gateway_error(403, "WRONG_ORIGIN", "pages do not come this way");
  auto plain = route;
  plain.door = GatewayDoor::open;
  if (auto refused = detail::refused_head(hosts_, plain, head)) return std::move(*refused);
  return std::optional{GatewayIdentity{
      .kind = GatewayIdentity::Kind::socket, .name = "unix", .scopes = Scopes::all()}};
}

CREDPOOL_INLINE std::optional<GatewayIdentity> GatewayAccess::identify(const RequestHead& head,
                                                                       std::string_view peer) {
  const auto now = now_();
  GatewayIdentity identity;
  identity.local = detail::is_local_peer(peer);
  if (const auto authorization = head.header("authorization")) {
    const auto token = tokens_.find(bearer_token(*authorization), now);
    if (!token) return std::nullopt;
    identity.name = "token:" + token->name;
    identity.scopes = token->scopes;
    identity.expires_at = token->expires_at;
    identity.number = token->number;
    return identity;
  }
  // A browser sends the cookie by itself, so what it changes must come from a page of ours.
  const bool changes = head.method != "GET" && head.method != "HEAD";
  if (changes && !head.header("origin")) return std::nullopt;
  const auto proof = head.header(gateway_proof_header).value_or(std::string_view{});
  const auto cookies = head.header("cookie").value_or(std::string_view{});
  // Other servers of this host may have set cookies of the same name.
  std::optional<SessionRecord> session;
  for (const auto value : cookie_values(cookies, gateway_session_cookie))
    if (!session) session = sessions_.use(value, proof, now);
  if (!session) return std::nullopt;
  identity.kind = GatewayIdentity::Kind::session;
  identity.name = "session";
  identity.scopes = session->scopes;
  identity.expires_at = session->expires_at;
  identity.number = session->number;
  return identity;
}

CREDPOOL_INLINE Answer GatewayAccess::refuse(std::string_view peer) {
  failures_.fetch_add(1, std::memory_order_relaxed);
  const auto wait = attempts_.take(counted_peer(peer), now_());
  if (!wait) return detail::unauthorised();
  auto answer = gateway_error(429, "TOO_MANY_ATTEMPTS", "too many wrong credentials; wait");
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
  answer.headers.emplace_back("retry-after", std::to_string(seconds));
  return answer;
}

CREDPOOL_INLINE Answer GatewayAccess::wrong_code(std::string_view peer) {
  return refuse(peer);
}

CREDPOOL_INLINE bool GatewayAccess::is_still_good(const GatewayIdentity& identity) {
  const auto now = now_();
  switch (identity.kind) {
    case GatewayIdentity::Kind::socket:
      return true;
    case GatewayIdentity::Kind::session:
      return sessions_.is_open(identity.number, now);
    case GatewayIdentity::Kind::token:
      break;
  }
  return tokens_.is_good(identity.number, now);
}

}  // namespace credpool::inline CREDPOOL_ABI
