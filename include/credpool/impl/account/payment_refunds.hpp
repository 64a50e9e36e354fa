#pragma once
// SPDX-License-Identifier: MIT

// Payments that Stripe takes back: refunds and disputes. Internal: included by .ipp files only.

#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_state.hpp>

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

// payment_routes.ipp
inline Result<PaymentState> reconcile_payment(ApiState& state, const Payment& payment);
inline Result<void> stop_auto_topup(ApiState& state, const AccountId& account);
inline bool is_stripe_silence(const Error& error);

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

/// The same for money that went away: who got it back is not charged again by itself.
inline Result<std::size_t> take_back(ApiState& state, const Payment& payment, std::int64_t cents,
                                     const std::string& reference, std::string_view description) {
  const auto booked = book_refund(state, payment, cents, false, reference, description);
  if (!booked) return fail(booked.error());
  if (!*booked) return 0;
  const auto stopped = stop_auto_topup(state, payment.account);
  if (!stopped && stopped.error().errc() != Errc::not_found) return fail(stopped.error());
  return 1;
}
/// And for money that came back to us later.
inline Result<std::size_t> give_back(ApiState& state, const Payment& payment, std::int64_t cents,
                                     const std::string& reference, std::string_view description) {
  return book_refund(state, payment, cents, true, reference, description)
      .transform([](bool booked) -> std::size_t { return booked ? 1 : 0; });
}

/// Books all refunds of a payment, as Stripe knows them now: the event only says that there are
/// some, so it may come twice, late, or never before the next one.
/// @return how many bookings were made
inline Result<std::size_t> hear_refunds(ApiState& state, const std::string& intent) {
  const auto payment = paid_payment_of(state, intent);
  if (!payment) return fail(payment.error());
  if (!*payment) return 0;
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
  std::size_t bookings = 0;
  for (const auto& refund : *refunds) {
    if (!refund.paid && !refund.failed) continue;
    auto done = take_back(state, **payment, refund.cents, refund.id, "Refund");
    if (!done) return done;
    bookings += *done;
    if (!refund.failed) continue;
    done = give_back(state, **payment, refund.cents, refund.id + ":failed", "Refund that failed");
    if (!done) return done;
    bookings += *done;
  }
  return bookings;
}

/// Somebody's bank has taken a payment back, and perhaps decided for us since.
/// @return how many bookings were made
inline Result<std::size_t> hear_dispute(ApiState& state, const std::string& id) {
  const auto dispute = state.stripe->dispute(id);
  if (!dispute) return fail(dispute.error());
  if (dispute->inquiry) return 0;  // no money was moved
  const auto payment = paid_payment_of(state, dispute->payment_intent);
  if (!payment) return fail(payment.error());
  if (!*payment) return 0;
  if (dispute->currency != "usd" || dispute->cents <= 0 ||
      dispute->cents > (*payment)->charge_cents)
    return not_that_payment();
  const auto taken = take_back(state, **payment, dispute->cents, dispute->id, "Disputed payment");
  if (!taken || !dispute->won) return taken;
  const auto given =
      give_back(state, **payment, dispute->cents, dispute->id + ":won", "Disputed payment, won");
  if (!given) return given;
  return *taken + *given;
}

/// Books what Stripe has taken back and no webhook has told of, a limited number at a time.
///
/// Each look begins where the last one that saw everything began. Once a day, and first, it goes
/// over all the time in which a refund may fail or a dispute be decided: that changes only what is
/// there, and makes nothing new.
class TakingsLook {
 public:
  TakingsLook(ApiState& state, Reconciled& done) : state_{state}, done_{done} {}

  Result<void> run() {
    auto& seen = state_.takings;
    const std::unique_lock turn{seen.turn, std::try_to_lock};
    if (!turn) return {};  // another thread is at it
    const auto begun = state_.options.now();
    const bool over_all = begun - seen.over_all >= std::chrono::hours{24};
    since_ = over_all ? begun - undecided : seen.last - overlap;
    for (const auto kind : {StripeTaking::refund, StripeTaking::dispute}) {
      const auto looked = look(kind);
      if (!looked) return fail(looked.error());
      if (!*looked) return {};
    }
    seen.last = begun;
    if (over_all) {
      seen.over_all = begun;
      seen.status = std::move(listed_);
    }
    return {};
  }

 private:
  /// Disputes take up to three months to be decided, refunds one to fail.
  static constexpr auto undecided = std::chrono::hours{24 * 120};
  /// Stripe's clock may be another.
  static constexpr auto overlap = std::chrono::hours{1};
  static constexpr int most_heard = 100;  // each is a few calls of Stripe

  /// @return whether everything was seen
  Result<bool> look(StripeTaking kind) {
    for (std::string after;;) {
      const auto part = state_.stripe->takings(kind, since_, after);
      if (!part) return unanswered(part.error());
      for (const auto& item : part->items) {
        auto& known = state_.takings.status;
        if (const auto found = known.find(item.id);
            found == known.end() || found->second != item.status) {
          if (++heard_ > most_heard) return false;  // the next look goes on
          const auto booked = kind == StripeTaking::refund
                                  ? hear_refunds(state_, item.payment_intent)
                                  : hear_dispute(state_, item.id);
          if (booked)
            done_.taken_back += *booked;
          else if (booked.error().errc() == Errc::invalid_argument)
            ++done_.doubtful;
          else if (booked.error().errc() != Errc::not_found)
            return unanswered(booked.error());
          known.insert_or_assign(item.id, item.status);
        }
        listed_.insert_or_assign(item.id, item.status);
      }
      if (!part->more) return true;
      after = part->items.back().id;
    }
  }

  Result<bool> unanswered(const Error& error) {
    ++done_.unanswered;
    if (error.errc() != Errc::not_found && !is_stripe_silence(error)) return fail(error);
    return false;
  }

  ApiState& state_;
  Reconciled& done_;
  TimePoint since_{};
  int heard_ = 0;
  std::unordered_map<std::string, std::string> listed_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
