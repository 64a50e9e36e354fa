#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs SQLite. Not under the umbrella header.

#include <credpool/account/payments.hpp>
#include <credpool/store/state_directory.hpp>

#include <memory>

namespace credpool::inline CREDPOOL_ABI {

/// Payments in one SQLite file, `payments.sqlite` of the state directory: 0600, on the disk before
/// a function returns, brought up to date when it is opened.
///
/// @thread_safety safe
class SqlitePaymentStore final : public PaymentStore {
 public:
  /// Opens the file, and makes it (and the directory) when it is not there.
  /// @errors as those of SqliteAccountStore::open()
  static Result<std::unique_ptr<SqlitePaymentStore>> open(const StateDirectory& directory,
                                                          const Environment& environment,
                                                          Duration patience = std::chrono::seconds{
                                                              5});
  ~SqlitePaymentStore() override;

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
  struct State;
  explicit SqlitePaymentStore(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/sqlite_payments.ipp>
#endif
