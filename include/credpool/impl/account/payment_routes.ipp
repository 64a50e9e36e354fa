#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/keys.hpp>
#include <credpool/account/purchase.hpp>
#include <credpool/impl/account/api_state.hpp>
#include <credpool/impl/account/payment_refunds.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether what Stripe says is paid is what was asked for.
inline bool is_paid_in_full(const Payment& payment, const StripePayment& said) {
  return said.paid && said.reference == payment.reference && said.cents == payment.charge_cents &&
         said.currency == "usd";
}

inline Result<void> end_payment(ApiState& state, Payment payment, PaymentState end) {
  payment.state = end;
  return state.options.payments->change_payment(payment);
}

/// Keeps what later top-ups are charged to, if the person agreed to that.
inline Result<void> keep_payment_method(ApiState& state, const Payment& payment,
                                        const StripePayment& said) {
  if (!payment.save_method || said.payment_intent.empty()) return {};
  const auto intent = state.stripe->payment_intent(said.payment_intent);
  if (!intent) return fail(intent.error());
  if (intent->customer.empty() || intent->payment_method.empty()) return {};
  return state.options.payments->set_payment_method(
      payment.account, PaymentMethod{intent->customer, intent->payment_method});
}

/// Gives the credits of a payment that is_paid_in_full(): once, however often it is called.
/// @return the transaction; none when the account is gone
inline Result<std::optional<CreditTransaction>> settle_payment(ApiState& state,
                                                               const Payment& payment,
                                                               const StripePayment& said) {
  auto id = new_uuid();
  if (!id) return fail(id.error());
  const bool topup = payment.kind == PaymentKind::auto_topup;
  const auto credited =
      state.store.credit({.account = payment.account,
                          .type = topup ? TransactionType::auto_topup : TransactionType::purchase,
                          .amount = payment.credits,
                          .description = topup ? "Auto top-up" : "Credit purchase",
                          .reference = "stripe:" + payment.reference,
                          .id = std::move(*id),
                          .now = state.options.now()});
  if (!credited) {
    if (credited.error().errc() != Errc::not_found) return fail(credited.error());
    if (auto ended = end_payment(state, payment, PaymentState::unclaimed); !ended)
      return fail(ended.error());
    return std::optional<CreditTransaction>{};
  }
  if (auto kept = keep_payment_method(state, payment, said); !kept) return fail(kept.error());
  if (auto ended = end_payment(state, payment, PaymentState::paid); !ended)
    return fail(ended.error());
  return std::optional{credited->transaction};
}

inline Response stripe_answer(int status, std::string_view error) {
  return api_json(status, {{"error", error}});
}

CREDPOOL_INLINE Response hear_stripe(ApiState& state, ApiCall& call) {
  const auto heard = [] { return api_json(200, {{"received", true}}); };
  const auto later = [] {
    auto answer = stripe_answer(503, "Try again later");
    answer.headers.push_back({"Retry-After", "5"});
    return answer;
  };
  if (!state.stripe || state.stripe->settings().webhook_secret.empty())
    return stripe_answer(400, "Stripe not configured");
  if (call.request.stripe_signature.empty()) return stripe_answer(400, "Missing signature");
  if (!check_stripe_signature(call.request.stripe_signature, call.request.body,
                              state.stripe->settings().webhook_secret, call.now))
    return stripe_answer(400, "Invalid signature");
  const auto event = read_stripe_event(call.request.body);
  if (!event) return stripe_answer(400, "Invalid event");
  const bool refund = is_refund_event(event->type);
  if (refund || event->type.starts_with("charge.dispute.")) {
    const auto done =
        refund ? hear_refunds(state, event->payment_intent) : hear_dispute(state, event->object_id);
    if (done || done.error().errc() == Errc::not_found) return heard();
    if (done.error().errc() != Errc::invalid_argument) return later();
    return stripe_answer(400, "The amount is not one of the payment");
  }

  const bool completed = event->type == "checkout.session.completed" ||
                         event->type == "checkout.session.async_payment_succeeded" ||
                         event->type == "payment_intent.succeeded";
  const bool ended = event->type == "checkout.session.expired" ||
                     event->type == "checkout.session.async_payment_failed";
  if (!completed && !ended) return heard();
  const auto payment = state.options.payments->payment_by_reference(event->payment.reference);
  if (!payment) return later();
  // One that others began, or that is settled: nothing to do.
  if (!*payment || (*payment)->state != PaymentState::open) return heard();
  if (ended) return end_payment(state, **payment, PaymentState::failed) ? heard() : later();
  // Completed is not paid: some ways of paying take days, and tell it then.
  if (!event->payment.paid) return heard();
  if (!is_paid_in_full(**payment, event->payment))
    return stripe_answer(400, "The amount is not the one that is due");
  return settle_payment(state, **payment, event->payment) ? heard() : later();
}

/// Auto top-up ends: what it was to be paid with was refused.
inline Result<void> stop_auto_topup(ApiState& state, const AccountId& account) {
  const std::lock_guard turn{state.account_turn(account)};
  auto topup = state.store.auto_topup(account);
  if (!topup) return fail(topup.error());
  topup->enabled = false;
  topup->updated_at = state.options.now();
  return state.store.set_auto_topup(account, *topup);
}

/// Goes on with a top-up that was begun: charges it, or asks what became of the charge.
inline Result<std::optional<CreditTransaction>> go_on_with_topup(ApiState& state, Payment payment) {
  using Outcome = std::optional<CreditTransaction>;
  const auto stop = [&](PaymentState end) -> Result<Outcome> {
    if (auto stopped = stop_auto_topup(state, payment.account); !stopped)
      return fail(stopped.error());
    if (auto ended = end_payment(state, payment, end); !ended) return fail(ended.error());
    return Outcome{};
  };
  // Stripe remembers an idempotency key for a day. After that a second request would be a second
  // charge, so a person must look whether there was a first one.
  if (payment.reference.empty() &&
      state.options.now() - payment.created_at > std::chrono::hours{23})
    return stop(PaymentState::unclaimed);

  Result<StripePayment> said = StripePayment{};
  if (payment.reference.empty()) {
    const auto method = state.options.payments->payment_method(payment.account);
    if (!method) return fail(method.error());
    if (!*method) return stop(PaymentState::failed);
    said = state.stripe->charge(payment, **method);
  } else {
    said = state.stripe->payment_intent(payment.reference);
  }
  if (!said && said.error().errc() == Errc::forbidden) return stop(PaymentState::failed);
  if (!said) return fail(said.error());
  if (payment.reference.empty()) {
    payment.reference = said->reference;
    if (auto changed = state.options.payments->change_payment(payment); !changed)
      return fail(changed.error());
  }
  if (said->ended) return stop(PaymentState::failed);
  if (!is_paid_in_full(payment, *said)) return Outcome{};
  return settle_payment(state, payment, *said);
}

/// What became of an open payment.
inline Result<PaymentState> reconcile_payment(ApiState& state, const Payment& payment) {
  const auto state_now = [&]() -> Result<PaymentState> {
    const auto now = state.options.payments->payment(payment.id);
    if (!now) return fail(now.error());
    return *now ? (*now)->state : PaymentState::failed;
  };
  if (payment.kind == PaymentKind::auto_topup) {
    if (auto went_on = go_on_with_topup(state, payment); !went_on) return fail(went_on.error());
    return state_now();
  }
  // It was written just before Stripe was asked for its page; nobody has got that.
  if (payment.reference.empty()) {
    if (state.options.now() - payment.created_at > std::chrono::hours{1})
      if (auto ended = end_payment(state, payment, PaymentState::failed); !ended)
        return fail(ended.error());
    return state_now();
  }
  const auto said = state.stripe->checkout(payment.reference);
  if (!said && said.error().errc() != Errc::not_found) return fail(said.error());
  if (!said || said->ended) {
    if (auto ended = end_payment(state, payment, PaymentState::failed); !ended)
      return fail(ended.error());
  } else if (is_paid_in_full(payment, *said)) {
    if (auto settled = settle_payment(state, payment, *said); !settled)
      return fail(settled.error());
  }
  return state_now();
}

inline bool is_stripe_silence(const Error& error) {
  switch (error.errc()) {
    case Errc::network:
    case Errc::timeout:
    case Errc::tls:
    case Errc::overloaded:
    case Errc::forbidden:
    case Errc::too_large:
      return true;
    default:
      return false;
  }
}

}  // namespace detail

CREDPOOL_INLINE Result<Reconciled> AccountApi::reconcile() {
  auto& state = *state_;
  Reconciled done;
  if (!state.stripe) return done;
  std::string after;
  for (;;) {
    const auto open = state.options.payments->payments_in(PaymentState::open, after, 100);
    if (!open) return fail(open.error());
    if (open->empty()) break;
    for (const auto& payment : *open) {
      ++done.asked;
      const auto became = detail::reconcile_payment(state, payment);
      if (!became) {
        // One that fails must not keep the others from their credits.
        ++done.unanswered;
        if (!detail::is_stripe_silence(became.error())) return fail(became.error());
      } else if (*became == PaymentState::paid) {
        ++done.credited;
      } else if (*became != PaymentState::open) {
        ++done.ended;
      }
    }
    after = open->back().id;
  }
  if (auto looked = detail::TakingsLook{state, done}.run(); !looked) return fail(looked.error());
  return done;
}

CREDPOOL_INLINE Result<std::optional<CreditTransaction>> AccountApi::top_up(
    const AccountId& account) {
  auto& state = *state_;
  const auto topup = state.store.auto_topup(account);
  if (!topup) return fail(topup.error());
  if (!topup->enabled) return std::optional<CreditTransaction>{};
  const auto balance = state.store.balance(account);
  if (!balance) return fail(balance.error());
  if (balance->remaining() > topup->threshold) return std::optional<CreditTransaction>{};

  auto id = new_uuid();
  if (!id) return fail(id.error());
  if (state.options.grant_credits) {
    // All who find the account in this state fill it up once together.
    const auto credited = state.store.credit(
        {.account = account,
         .type = TransactionType::auto_topup,
         .amount = topup->amount,
         .description = "Auto top-up",
         .reference = "topup:" + account + ':' + std::to_string(balance->credits.micros),
         .id = std::move(*id),
         .now = state.options.now()});
    if (credited) return std::optional{credited->transaction};
    // Another one did it, before the amount was changed.
    if (credited.error().errc() == Errc::conflict) return std::optional<CreditTransaction>{};
    return fail(credited.error());
  }
  if (!state.stripe) return std::optional<CreditTransaction>{};
  auto& payments = *state.options.payments;
  auto open = payments.open_topup(account);
  if (!open) return fail(open.error());
  if (!*open) {
    const auto method = payments.payment_method(account);
    if (!method) return fail(method.error());
    if (!*method) return std::optional<CreditTransaction>{};
    Payment payment{.id = std::move(*id),
                    .account = account,
                    .kind = PaymentKind::auto_topup,
                    .credits = topup->amount,
                    .charge_cents = (topup->amount + platform_fee(topup->amount)).micros / 10'000,
                    .reference = {},
                    .state = PaymentState::open,
                    .save_method = false,
                    .created_at = state.options.now()};
    const auto added = payments.add_payment(payment);
    if (!added && added.error().errc() != Errc::conflict) return fail(added.error());
    open = payments.open_topup(account);
    if (!open) return fail(open.error());
    if (!*open) return std::optional<CreditTransaction>{};  // another one did it meanwhile
    // Another one may have done it before ours was written: its credits are there now.
    const auto again = state.store.balance(account);
    if (!again) return fail(again.error());
    if (again->credits != balance->credits) {
      if (added)
        if (auto ended = detail::end_payment(state, payment, PaymentState::failed); !ended)
          return fail(ended.error());
      return std::optional<CreditTransaction>{};
    }
  }
  return detail::go_on_with_topup(state, **open);
}

}  // namespace credpool::inline CREDPOOL_ABI
