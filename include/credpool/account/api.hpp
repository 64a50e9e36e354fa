#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/github_login.hpp>
#include <credpool/account/password.hpp>
#include <credpool/account/payments.hpp>
#include <credpool/account/rate_limit.hpp>
#include <credpool/account/store.hpp>
#include <credpool/account/stripe.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/transport/message.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {
struct ApiState;
}

/// How much one caller may ask of the accounts' interface.
struct AccountApiLimits {
  RateLimit calls_per_peer{1'200, Duration{50}};
  RateLimit calls_per_account{1'200, Duration{50}};
  /// Registrations and device logins begun.
  RateLimit newcomers_per_peer{20, Duration{60'000}};
  /// Guesses of one account's password from one address.
  BackoffRule guesses_per_email_and_peer{5, Duration{1'000}, Duration{900'000}};
  /// Guesses of any password from one address.
  BackoffRule guesses_per_peer{50, Duration{1'000}, Duration{900'000}};
  /// Guesses of one account's password from anywhere; mild, since anybody can cause it.
  BackoffRule guesses_per_email{100, Duration{1'000}, Duration{60'000}};
  std::size_t passwords_at_once = 2;  ///< hashed at the same time: each takes 64 MiB
  std::size_t passwords_waiting = 64;
  std::size_t management_keys = 50;  ///< of one account
  /// How long a duplicate waits for the answer to the first request with its idempotency key.
  Duration duplicate_wait{10'000};
};

/// What the accounts' HTTP interface works with.
struct AccountApiOptions {
  AccountStore* store = nullptr;        ///< must outlive the interface
  PasswordHasher* passwords = nullptr;  ///< must outlive the interface
  PaymentStore* payments = nullptr;     ///< with `stripe`; must outlive the interface
  std::function<TimePoint()> now;
  /// Control-plane requests to Stripe and GitHub; may block. With `stripe` or `github`.
  std::function<Result<Response>(const Request&)> send = {};
  std::optional<StripeSettings> stripe = {};
  std::optional<GitHubSettings> github = {};
  /// Credits are given without a payment: an operator's explicit wish (and the mock). With `stripe`
  /// it means nothing.
  bool grant_credits = false;
  /// A login ends the account's other management keys, as the first server of this kind did.
  bool login_revokes = true;
  /// Whether strangers may register (also by a device login).
  bool open_registration = true;
  /// Without `github`: device logins agree by themselves after three seconds (the mock).
  bool mock_github = false;
  /// Web pages of these origins ("https://console.example") may call; none: no web page may.
  std::vector<std::string> cors_origins = {};
  /// The ledger's day of a time ("2026-11-21"), in its time zone; empty: that of UTC.
  std::function<std::string(TimePoint)> day_of = {};
  /// Waits that long; empty: the calling thread sleeps.
  std::function<void(Duration)> wait = {};
  AccountApiLimits limits = {};
};

/// One request to the accounts' interface. Header values are empty when there is no such header.
struct ApiRequest {
  std::string method;
  std::string path;   ///< without the query
  std::string query;  ///< without "?"
  std::string peer;   ///< address of the caller, for rate limits; empty: the same process
  std::string authorization;
  std::string idempotency_key;   ///< Idempotency-Key
  std::string stripe_signature;  ///< Stripe-Signature
  std::string origin;            ///< Origin
  std::string body;
};

/// What AccountApi::reconcile() did.
struct Reconciled {
  std::size_t asked = 0;       ///< payments whose state was asked for
  std::size_t credited = 0;    ///< that were paid
  std::size_t ended = 0;       ///< that will never be paid
  std::size_t unanswered = 0;  ///< questions to Stripe without an answer; the next time
  std::size_t taken_back = 0;  ///< bookings of refunds and disputes of which nobody had told
  std::size_t doubtful = 0;    ///< refunds and disputes that do not fit their payment: for a person
};

/// The accounts over HTTP, without a socket: registration and login, management keys, provisioned
/// keys, credits, device logins, Stripe's webhook, usage. docs/accounts.md lists the routes; each
/// answers at "/" and under "/v1".
///
/// @thread_safety safe; may block (password hashing, the store, Stripe, GitHub)
class AccountApi {
 public:
  /// Cheap: opens nothing, draws nothing, starts no library.
  /// @throws std::invalid_argument when the options lack what they need
  explicit AccountApi(AccountApiOptions options);
  ~AccountApi();
  AccountApi(const AccountApi&) = delete;
  AccountApi& operator=(const AccountApi&) = delete;

  /// Whether a path is one of its routes, whatever the method.
  static bool has(std::string_view path) noexcept;

  /// Answers; bad input is a 4xx with {"error":{"code","message"}}, never a 500.
  Response handle(const ApiRequest& request);

  /// Answers as if the account's own management key had asked, for who runs the server: routes of
  /// keys, credits and usage. Calls are not counted.
  /// @param request without Authorization
  /// @return also 404 ACCOUNT_NOT_FOUND, and 404 NOT_FOUND for every other route
  Response handle_for(const AccountId& account, const ApiRequest& request);

  /// Asks Stripe about all payments that are open and gives the credits of those that were paid,
  /// and books refunds and disputes: for webhooks that never came. To be called now and then.
  /// @errors those of the stores
  Result<Reconciled> reconcile();

  /// Fills an account up, if it wants that and has not more left than its threshold: by a grant, or
  /// by a charge to the stored payment method. Safe to call at the same time, on several hosts, and
  /// again after an error: there is one charge.
  /// @return the credits' transaction; none: not wanted, not needed, not possible or not yet paid
  /// @errors those of the stores; network, timeout, overloaded: Stripe could not be asked
  Result<std::optional<CreditTransaction>> top_up(const AccountId& account);

  /// Forgets device logins that have ended and kept answers older than a day. To be called now and
  /// then.
  Result<void> forget_ended();

 private:
  std::unique_ptr<detail::ApiState> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/answer_once.ipp>
#include <credpool/impl/account/api.ipp>
#include <credpool/impl/account/auth_routes.ipp>
#include <credpool/impl/account/credit_routes.ipp>
#include <credpool/impl/account/device_routes.ipp>
#include <credpool/impl/account/key_routes.ipp>
#include <credpool/impl/account/management_key_routes.ipp>
#include <credpool/impl/account/password_check.ipp>
#include <credpool/impl/account/payment_routes.ipp>
#include <credpool/impl/account/usage_routes.ipp>
#endif
