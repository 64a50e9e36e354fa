#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/records.hpp>
#include <credpool/core/result.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How a payment came about.
enum class PaymentKind {
  checkout,   ///< a person pays on the payment provider's page
  auto_topup  ///< charged to the stored payment method, nobody present
};

enum class PaymentState {
  open,      ///< not known to be paid
  paid,      ///< paid, and the credits were given
  failed,    ///< refused, or ended without money
  unclaimed  ///< paid, but the account is gone: a person must look at it
};

/// One payment that was begun. It is written before the provider hears of it, and says alone what
/// is due: nothing that a provider's message says about amounts or accounts is believed.
struct Payment {
  std::string id;  ///< a UUID; also the idempotency key towards the provider
  AccountId account;
  PaymentKind kind = PaymentKind::checkout;
  Money credits;                  ///< what the account gets
  std::int64_t charge_cents = 0;  ///< what is paid, in US cents: credits and fee
  std::string reference;          ///< the provider's id ("cs_...", "pi_..."); empty: not yet known
  PaymentState state = PaymentState::open;
  bool save_method = false;  ///< the person agreed that later top-ups may be charged
  TimePoint created_at{};
};

/// Where later payments of an account can be charged, at the provider. No card data.
struct PaymentMethod {
  std::string customer;  ///< "cus_..."
  std::string method;    ///< "pm_..."
};

/// Where payments are kept. What a function has returned without an error is durable.
///
/// Credits are given by AccountStore::credit() under the payment's reference, before the payment's
/// state says so: whoever comes second, after a crash or on another host, gives nothing more.
///
/// @thread_safety safe
/// @errors of all: as those of AccountStore
class PaymentStore {
 public:
  virtual ~PaymentStore() = default;

  /// @errors conflict when the account has an open payment of kind auto_topup and this is another
  virtual Result<void> add_payment(const Payment& payment) = 0;
  virtual Result<std::optional<Payment>> payment(std::string_view id) = 0;
  virtual Result<std::optional<Payment>> payment_by_reference(std::string_view reference) = 0;
  virtual Result<std::optional<Payment>> open_topup(const AccountId& account) = 0;
  /// Writes the reference and the state of a payment; one that is not open is not changed any more.
  /// @errors not_found
  virtual Result<void> change_payment(const Payment& payment) = 0;
  /// Payments in that state in the order of their ids, after one of them (empty: from the first).
  virtual Result<std::vector<Payment>> payments_in(PaymentState state, std::string_view after_id,
                                                   std::uint64_t limit) = 0;

  virtual Result<std::optional<PaymentMethod>> payment_method(const AccountId& account) = 0;
  /// @param method none: forgets it
  virtual Result<void> set_payment_method(const AccountId& account,
                                          const std::optional<PaymentMethod>& method) = 0;
};

/// Payments in memory: for tests, and the model that others are compared with.
class MemoryPaymentStore : public PaymentStore {
 public:
  Result<void> add_payment(const Payment& payment) override;
  Result<std::optional<Payment>> payment(std::string_view id) override;
  Result<std::optional<Payment>> payment_by_reference(std::string_view reference) override;
  Result<std::optional<Payment>> open_topup(const AccountId& account) override;
  Result<void> change_payment(const Payment& payment) override;
  Result<std::vector<Payment>> payments_in(PaymentState state, std::string_view after_id,
                                           std::uint64_t limit) override;
  Result<std::optional<PaymentMethod>> payment_method(const AccountId& account) override;
  Result<void> set_payment_method(const AccountId& account,
                                  const std::optional<PaymentMethod>& method) override;

 private:
  std::mutex mutex_;
  std::map<std::string, Payment, std::less<>> payments_;
  std::map<AccountId, PaymentMethod, std::less<>> methods_;
};

std::string_view to_string(PaymentKind kind) noexcept;    ///< "checkout", "auto_topup"
std::string_view to_string(PaymentState state) noexcept;  ///< "open", "paid", ...
std::optional<PaymentKind> payment_kind_of(std::string_view name) noexcept;
std::optional<PaymentState> payment_state_of(std::string_view name) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/payments.ipp>
#endif
