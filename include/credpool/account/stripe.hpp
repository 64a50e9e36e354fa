#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/payments.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/transport/message.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How people pay.
struct StripeSettings {
  std::string api_base = "https://api.stripe.com";
  Secret secret_key;
  Secret webhook_secret;
  std::string success_url;
  std::string cancel_url;
};

/// Whether the payment provider itself wrote a webhook's body, and not long ago.
///
/// @param header "t=SECONDS,v1=HEX[,v1=HEX...]": HMAC-SHA256 over "SECONDS.body"; other schemes are
///               passed over
/// @param tolerance how far its time may be from `now`, either way
/// @errors unauthorized: no signature of ours, or too old; malformed: the header cannot be read
/// @source stripe.com, "Check the webhook signatures manually"
Result<void> check_stripe_signature(std::string_view header, std::string_view body,
                                    const Secret& secret, TimePoint now,
                                    Duration tolerance = std::chrono::minutes{5});

/// What Stripe says about a payment.
struct StripePayment {
  std::string reference;  ///< "cs_..." or "pi_..."
  bool paid = false;
  bool ended = false;  ///< not paid, and never will be
  std::int64_t cents = 0;
  std::string currency;        ///< "usd"
  std::string url;             ///< where a person pays; only of a session just begun
  std::string payment_intent;  ///< of a session
  std::string customer;
  std::string payment_method;
};

/// Money that went back to who paid.
struct StripeRefund {
  std::string id;  ///< "re_..."
  std::int64_t cents = 0;
  std::string currency;
  bool paid = false;    ///< it left
  bool failed = false;  ///< it left, perhaps, and came back to us
};

/// A payment that somebody's bank has questioned.
struct StripeDispute {
  std::string id;  ///< "dp_..." or "du_..."
  std::string payment_intent;
  std::int64_t cents = 0;
  std::string currency;
  bool inquiry = false;  ///< only a question: no money was moved
  bool won = false;      ///< decided for us: the money came back
};

enum class StripeTaking { refund, dispute };

/// Refunds or disputes of all payments, a part of the list.
struct StripeTakings {
  struct Item {
    std::string id;
    std::string payment_intent;
    std::string status;
  };
  std::vector<Item> items;  ///< newest first
  bool more = false;
};

/// The part of Stripe's interface that sells credits. Each call that begins something carries the
/// payment's id as Stripe's idempotency key: the same payment can be begun again and is one
/// payment.
///
/// @thread_safety as that of `send`
class Stripe {
 public:
  using Send = std::function<Result<Response>(const Request&)>;

  Stripe(StripeSettings settings, Send send)
      : settings_{std::move(settings)}, send_{std::move(send)} {}

  const StripeSettings& settings() const noexcept { return settings_; }

  /// Begins a page where a person pays (POST /v1/checkout/sessions).
  /// @errors network, timeout, overloaded: nobody answered as agreed; forbidden: Stripe refused
  Result<StripePayment> begin_checkout(const Payment& payment, std::string_view email) const;
  /// Asks for a page's state.
  /// @errors as above; not_found
  Result<StripePayment> checkout(std::string_view session) const;
  /// Charges the stored method, nobody present (POST /v1/payment_intents).
  /// @errors network, timeout, overloaded: it may have been charged, ask again with the same
  ///         payment; forbidden: it was refused
  Result<StripePayment> charge(const Payment& payment, const PaymentMethod& method) const;
  Result<StripePayment> payment_intent(std::string_view id) const;
  /// The page by which a payment intent came about; none: it was another way.
  Result<std::optional<StripePayment>> checkout_of(std::string_view payment_intent) const;
  /// What was refunded of a payment: all of it, up to a thousand refunds.
  Result<std::vector<StripeRefund>> refunds(std::string_view payment_intent) const;
  Result<StripeDispute> dispute(std::string_view id) const;
  /// What was taken back since then, of whichever payment.
  /// @param after the last item of the part before; empty: the first part
  Result<StripeTakings> takings(StripeTaking kind, TimePoint since, std::string_view after) const;

 private:
  /// @return the body of a good answer
  Result<std::string> ask(std::string method, std::string path, std::string form,
                          std::string_view idempotency_key) const;
  Result<StripePayment> call(std::string method, std::string path, std::string form,
                             std::string_view idempotency_key) const;

  StripeSettings settings_;
  Send send_;
};

/// What a webhook's event is about.
struct StripeEvent {
  std::string type;  ///< "checkout.session.completed"
  StripePayment payment;
  std::string object_id;       ///< of what the event is about
  std::string payment_intent;  ///< that it belongs to, if it says so
};

/// Reads an event whose signature was checked.
/// @errors malformed
Result<StripeEvent> read_stripe_event(std::string_view body);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/stripe.ipp>
#endif
