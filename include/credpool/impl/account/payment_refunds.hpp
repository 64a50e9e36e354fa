#pragma once
// SPDX-License-Identifier: MIT

// Payments that Stripe takes back: refunds and disputes. Internal: included by .ipp files only.

#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_state.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

// payment_routes.ipp
inline Result<PaymentState> reconcile_payment(ApiState& state, const Payment& payment);
inline Result<void> stop_auto_topup(ApiState& state, const AccountId& account);

inline bool is_refund_event(std::string_view type) noexcept {
  return type == "charge.refunded" || type == "charge.refund.updated" ||
         type.starts_with("refund.");
}

/// The payment of a payment intent, if it is one of ours and its credits were given.
inline Result<std::optional<Payment>> paid_payment_of(ApiState& state, const std::string& intent) {
  using Found = std::optional<Payment>;
  if (intent.empty()) return Found{};
  auto& payments = *state.options.payments;
  auto payment = payments.payment_by_reference(intent);
  if (!payment) return fail(payment.error());
  if (!*payment) {
    const auto session = state.stripe->checkout_of(intent);
    if (!session) return fail(session.error());
    if (!*session) return Found{};
    payment = payments.payment_by_reference((*session)->reference);
    if (!payment) return fail(payment.error());
    if (!*payment) return Found{};
  }
  // The news that it was paid may come later than this.
  const auto became = (*payment)->state == PaymentState::open
                          ? reconcile_payment(state, **payment)
                          : Result<PaymentState>{(*payment)->state};
  if (!became) return fail(became.error());
  return *became == PaymentState::paid ? std::move(*payment) : Found{};
}

/// Cents that cannot be a part of that payment.
inline Unexpected not_that_payment() {
  return fail(Errc::invalid_argument, "taking a payment back", {},
              "the amount is not one of the payment");
}

/// Books the part of a payment's credits that those cents are: as much of the fee goes with it.
/// Once for each reference.
/// @return whether it was not booked before
inline Result<bool> book_refund(ApiState& state, const Payment& payment, std::int64_t cents,
                                bool back, const std::string& reference,
                                std::string_view description) {
  const Money part{payment.credits.micros * cents / payment.charge_cents};
  if (part == Money{}) return false;
  auto id = new_uuid();
  if (!id) return fail(id.error());
  const auto booked = state.store.credit({.account = payment.account,
                                          .type = TransactionType::refund,
                                          .amount = back ? part : Money{} - part,
                                          .description = std::string{description},
                                          .reference = "stripe:" + reference,
                                          .id = std::move(*id),
                                          .now = state.options.now()});
  if (booked) return !booked->second;
  if (booked.error().errc() == Errc::not_found) return false;  // the account is gone
  return fail(booked.error());
}

/// Who got money back is not charged again by itself.
inline Result<void> took_back(ApiState& state, const Payment& payment, const Result<bool>& booked) {
  if (!booked) return fail(booked.error());
  if (!*booked) return {};
  const auto stopped = stop_auto_topup(state, payment.account);
  if (!stopped && stopped.error().errc() != Errc::not_found) return fail(stopped.error());
  return {};
}

/// Books all refunds of a payment, as Stripe knows them now: the event only says that there are
/// some, so it may come twice, late, or never before the next one.
inline Result<void> hear_refunds(ApiState& state, const std::string& intent) {
  const auto payment = paid_payment_of(state, intent);
  if (!payment) return fail(payment.error());
  if (!*payment) return {};
  const auto refunds = state.stripe->refunds(intent);
  if (!refunds) return fail(refunds.error());
  std::int64_t sum = 0;
  for (const auto& refund : *refunds) {
    if (!refund.paid && !refund.failed) continue;
    if (refund.currency != "usd" || refund.cents <= 0 || refund.cents > (*payment)->charge_cents)
      return not_that_payment();
    if (refund.paid) sum += refund.cents;
  }
  if (sum > (*payment)->charge_cents) return not_that_payment();
  for (const auto& refund : *refunds) {
    if (!refund.paid && !refund.failed) continue;
    if (auto done =
            took_back(state, **payment,
                      book_refund(state, **payment, refund.cents, false, refund.id, "Refund"));
        !done)
      return done;
    // Money that came back to us later.
    if (refund.failed)
      if (auto given = book_refund(state, **payment, refund.cents, true, refund.id + ":failed",
                                   "Refund that failed");
          !given)
        return fail(given.error());
  }
  return {};
}

/// Somebody's bank has taken a payment back, and perhaps decided for us since.
inline Result<void> hear_dispute(ApiState& state, const std::string& id) {
  const auto dispute = state.stripe->dispute(id);
  if (!dispute) return fail(dispute.error());
  if (dispute->inquiry) return {};  // no money was moved
  const auto payment = paid_payment_of(state, dispute->payment_intent);
  if (!payment) return fail(payment.error());
  if (!*payment) return {};
  if (dispute->currency != "usd" || dispute->cents <= 0 ||
      dispute->cents > (*payment)->charge_cents)
    return not_that_payment();
  if (auto done = took_back(
          state, **payment,
          book_refund(state, **payment, dispute->cents, false, dispute->id, "Disputed payment"));
      !done)
    return done;
  if (!dispute->won) return {};
  const auto given = book_refund(state, **payment, dispute->cents, true, dispute->id + ":won",
                                 "Disputed payment, won");
  if (!given) return fail(given.error());
  return {};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
