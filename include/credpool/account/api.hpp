#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/store.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/transport/message.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// How people pay.
struct StripeSettings {
  std::string api_base = "https://api.stripe.com";
  Secret secret_key;
  Secret webhook_secret;
  std::string success_url;
  std::string cancel_url;
};

/// Who vouches for people without a password.
struct GitHubSettings {
  std::string login_base = "https://github.com";
  std::string api_base = "https://api.github.com";
  std::string client_id;
  Secret client_secret;
};

/// What the accounts' HTTP interface works with.
struct AccountApiOptions {
  AccountStore* store = nullptr;  ///< must outlive the interface
  std::function<TimePoint()> now;
  /// Control-plane requests to Stripe and GitHub; may block. Empty: neither is there.
  std::function<Result<Response>(const Request&)> send = {};
  std::optional<StripeSettings> stripe = {};
  std::optional<GitHubSettings> github = {};
  /// Credits are given without a payment: an operator's explicit wish (and the mock).
  bool grant_credits = false;
  /// A login ends the account's other management keys, as the first server of this kind did.
  bool login_revokes = true;
  /// Password hashing at its least cost: for the mock and for tests.
  bool cheap_passwords = false;
  /// Answers this one client id in device logins when GitHub is not configured (the mock).
  bool mock_github = false;
};

/// One request to the accounts' interface.
struct ApiRequest {
  std::string method;
  std::string path;             ///< without the query
  std::string query;            ///< without "?"
  std::string peer;             ///< address of the caller, for rate limits
  std::string authorization;    ///< the header's value; empty: none
  std::string idempotency_key;  ///< the header's value; empty: none
  std::string stripe_signature;
  std::string body;
};

/// The accounts over HTTP, without a socket: registration and login, management keys, provisioned
/// keys, credits, device logins, Stripe's webhook, usage. docs/accounts.md lists the routes; each
/// answers at "/" and under "/v1".
///
/// @thread_safety safe; may block (password hashing, the store, Stripe, GitHub)
class AccountApi {
 public:
  explicit AccountApi(AccountApiOptions options);
  ~AccountApi();

  /// Whether a path is one of its routes, whatever the method.
  static bool has(std::string_view path) noexcept;

  /// Answers; bad input is a 4xx with {"error":{"code","message"}}, never a 500.
  Response handle(const ApiRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/api.ipp>
#endif
