#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_state.hpp>

#include <algorithm>
#include <stdexcept>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct ApiRoute {
  std::string_view method;
  std::string_view path;  ///< ":name" stands for one part
  bool with_key;          ///< a management key is needed
  Response (*answer)(ApiState&, ApiCall&);
};

inline Response show_status(ApiState&, ApiCall&) {
  return api_json(200, {{"status", "ok"}});
}

inline constexpr std::array api_routes{
    ApiRoute{"GET", "/", false, show_status},
    ApiRoute{"POST", "/auth/register", false, register_account},
    ApiRoute{"POST", "/auth/login", false, log_in},
    ApiRoute{"GET", "/auth/me", true, show_account},
    ApiRoute{"DELETE", "/auth/me", true, remove_account},
    ApiRoute{"POST", "/auth/rotate", true, rotate_management_key},
    ApiRoute{"POST", "/auth/password", true, change_password},
    ApiRoute{"GET", "/auth/keys", true, list_management_keys},
    ApiRoute{"POST", "/auth/keys", true, add_management_key},
    ApiRoute{"DELETE", "/auth/keys/:name", true, revoke_management_key},
    ApiRoute{"POST", "/keys", true, create_key},
    ApiRoute{"GET", "/keys", true, list_keys},
    ApiRoute{"GET", "/keys/:name", true, show_key},
    ApiRoute{"PATCH", "/keys/:name", true, update_key},
    ApiRoute{"DELETE", "/keys/:name", true, revoke_key},
    ApiRoute{"POST", "/keys/:name/rotate", true, rotate_key},
    ApiRoute{"GET", "/credits", true, show_credits},
    ApiRoute{"POST", "/credits/purchase", true, buy_credits},
    ApiRoute{"GET", "/credits/history", true, list_transactions},
    ApiRoute{"GET", "/credits/auto-topup", true, show_auto_topup},
    ApiRoute{"PUT", "/credits/auto-topup", true, set_auto_topup},
    ApiRoute{"DELETE", "/credits/payment-method", true, forget_payment_method},
    ApiRoute{"GET", "/usage", true, show_usage},
    ApiRoute{"GET", "/usage/requests", true, list_requests},
    ApiRoute{"POST", "/oauth/device/code", false, begin_device_login},
    ApiRoute{"POST", "/oauth/device/token", false, poll_device_login},
    ApiRoute{"GET", "/oauth/userinfo", false, finish_device_login},
    ApiRoute{"POST", "/webhooks/stripe", false, hear_stripe},
};

/// The path without "/v1", which stands before every route but the first.
inline std::string_view api_route_of(std::string_view path) noexcept {
  return path.starts_with("/v1/") && path.size() > 4 ? path.substr(3) : path;
}

/// Whether the path is the route's; `name` becomes what stands for ":name".
inline bool api_matches(std::string_view path, std::string_view route,
                        std::string_view& name) noexcept {
  const auto colon = route.find(":name");
  if (colon == std::string_view::npos) return path == route;
  const auto tail = route.substr(colon + 5);
  if (path.size() <= colon + tail.size() || path.substr(0, colon) != route.substr(0, colon) ||
      !path.ends_with(tail))
    return false;
  name = path.substr(colon, path.size() - colon - tail.size());
  return name.find('/') == std::string_view::npos;
}

/// What stands before the second "/" of the routes.
inline constexpr std::array<std::string_view, 7> api_route_heads{
    "/", "/auth", "/keys", "/credits", "/usage", "/oauth", "/webhooks"};
constexpr bool is_api_route_head(std::string_view route) noexcept {
  return std::ranges::find(api_route_heads, route.substr(0, route.find('/', 1))) !=
         api_route_heads.end();
}
static_assert(std::ranges::all_of(api_routes, is_api_route_head, &ApiRoute::path));

inline bool is_any_api_route(std::string_view path) noexcept {
  const auto route = api_route_of(path);
  if (!is_api_route_head(route)) return false;  // most paths are of the proxy
  std::string_view name;
  return std::any_of(api_routes.begin(), api_routes.end(),
                     [&](const ApiRoute& known) { return api_matches(route, known.path, name); });
}

/// Finds whose management key the request brings.
/// @return none when it is one; else the refusal
inline std::optional<Response> authenticate(ApiState& state, ApiCall& call) {
  const auto refused = [](std::string_view why) {
    auto answer = api_error(401, "UNAUTHORIZED", why);
    answer.headers.push_back({"WWW-Authenticate", "Bearer"});
    return answer;
  };
  std::string_view key = call.request.authorization;
  if (!key.starts_with("Bearer ") || key.size() == 7)
    return refused("Missing or invalid authorization header");
  key.remove_prefix(7);
  if (!is_management_key(key)) return refused("Invalid or revoked token");
  call.key_digest = key_digest(key);
  auto account = state.store.account_by_management_key(call.key_digest);
  if (!account) return api_store_failed(account.error());
  if (!*account) return refused("Invalid or revoked token");
  call.account = std::move(**account);
  if (const auto wait = state.accounts.take(call.account.id, call.now)) return api_too_many(*wait);
  return std::nullopt;
}

inline Response api_route(ApiState& state, ApiCall& call) {
  std::string methods;
  for (const auto& route : api_routes) {
    if (!api_matches(call.route, route.path, call.name)) continue;
    if (route.method != call.request.method) {
      methods += (methods.empty() ? "" : ", ") + std::string{route.method};
      continue;
    }
    if (route.with_key && !call.by_operator)
      if (auto refusal = authenticate(state, call)) return std::move(*refusal);
    return route.answer(state, call);
  }
  if (methods.empty()) return api_error(404, "NOT_FOUND", "There is no such route.");
  Response answer;
  if (call.request.method == "OPTIONS")
    answer.status = 204;
  else
    answer = api_error(405, "METHOD_NOT_ALLOWED", "This route has other methods.");
  answer.headers.push_back({"Allow", methods});
  return answer;
}

inline ApiCall api_call(const ApiState& state, const ApiRequest& request) {
  return {.request = request,
          .now = state.options.now(),
          .route = api_route_of(request.path),
          .versioned = request.path.starts_with("/v1/"),
          .name = {},
          .account = {},
          .key_digest = {}};
}

/// What an operator may do for an account. Logins, passwords and payments are its owner's alone.
inline bool is_operators_route(std::string_view route) noexcept {
  return route == "/keys" || route.starts_with("/keys/") || route == "/credits" ||
         route == "/credits/history" || route == "/usage" || route == "/usage/requests";
}

/// What a browser wants to know before it lets a page see an answer or send a key.
inline void add_cors_headers(const ApiState& state, const ApiRequest& request, Response& answer) {
  const auto& origins = state.options.cors_origins;
  if (origins.empty()) return;
  answer.headers.push_back({"Vary", "Origin"});
  if (std::find(origins.begin(), origins.end(), request.origin) == origins.end()) return;
  answer.headers.push_back({"Access-Control-Allow-Origin", request.origin});
  if (request.method != "OPTIONS") return;
  answer.headers.push_back({"Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE"});
  answer.headers.push_back(
      {"Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key"});
  answer.headers.push_back({"Access-Control-Max-Age", "600"});
}

inline const AccountApiOptions& checked_api_options(const AccountApiOptions& options) {
  if (options.store == nullptr || options.passwords == nullptr || !options.now)
    throw std::invalid_argument{"AccountApi needs a store, a password hasher and a clock"};
  if ((options.stripe || options.github) && !options.send)
    throw std::invalid_argument{"AccountApi needs a way to send requests"};
  if (options.stripe && options.payments == nullptr)
    throw std::invalid_argument{"AccountApi needs a store of payments"};
  return options;
}

CREDPOOL_INLINE ApiState::ApiState(AccountApiOptions given)
    : options{checked_api_options(given)},
      store{*options.store},
      peers{options.limits.calls_per_peer},
      accounts{options.limits.calls_per_account},
      newcomers{options.limits.newcomers_per_peer},
      pair_guesses{options.limits.guesses_per_email_and_peer},
      peer_guesses{options.limits.guesses_per_peer},
      email_guesses{options.limits.guesses_per_email},
      password_turns{options.limits.passwords_at_once, options.limits.passwords_waiting} {
  if (options.stripe) {
    stripe.emplace(*options.stripe, options.send);
    options.grant_credits = false;  // who sells credits does not also give them away
  }
  if (options.github) github.emplace(*options.github, options.send);
}

CREDPOOL_INLINE std::string ApiState::day_of(TimePoint when) const {
  return options.day_of ? options.day_of(when) : format_iso8601(when).substr(0, 10);
}

}  // namespace detail

CREDPOOL_INLINE AccountApi::AccountApi(AccountApiOptions options)
    : state_{std::make_unique<detail::ApiState>(std::move(options))} {}
CREDPOOL_INLINE AccountApi::~AccountApi() = default;

CREDPOOL_INLINE bool AccountApi::has(std::string_view path) noexcept {
  return detail::is_any_api_route(path);
}

CREDPOOL_INLINE Response AccountApi::handle_for(const AccountId& account,
                                                const ApiRequest& request) {
  auto& state = *state_;
  auto call = detail::api_call(state, request);
  if (!detail::is_operators_route(call.route))
    return detail::api_error(404, "NOT_FOUND", "There is no such route.");
  auto found = state.store.account(account);
  if (!found) return detail::api_store_failed(found.error());
  if (!*found) return detail::api_error(404, "ACCOUNT_NOT_FOUND", "There is no such account.");
  call.account = std::move(**found);
  call.by_operator = true;
  return detail::api_route(state, call);
}

CREDPOOL_INLINE Response AccountApi::handle(const ApiRequest& request) {
  auto& state = *state_;
  auto call = detail::api_call(state, request);
  // Stripe's messages come from few addresses, and none may be lost.
  const bool counted = !request.peer.empty() && call.route != "/webhooks/stripe";
  const auto wait = counted ? state.peers.take(counted_peer(request.peer), call.now) : std::nullopt;
  auto answer = wait ? detail::api_too_many(*wait) : detail::api_route(state, call);
  // Answers hold keys: nobody on the way may keep them, and no page may frame or guess at them.
  for (const auto& [name, value] :
       {std::pair{"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Strict-Transport-Security", "max-age=31536000; includeSubDomains"}})
    answer.headers.push_back({name, value});
  if (auto id = new_uuid()) answer.headers.push_back({"X-Request-Id", std::move(*id)});
  detail::add_cors_headers(state, request, answer);
  return answer;
}

CREDPOOL_INLINE Result<void> AccountApi::forget_ended() {
  const auto now = state_->options.now();
  return state_->store.forget_ended(now, now - std::chrono::hours{24});
}

}  // namespace credpool::inline CREDPOOL_ABI
