#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs libpq. Not under the umbrella header.

#include <credpool/account/payments.hpp>
#include <credpool/core/secret.hpp>

#include <memory>

namespace credpool::inline CREDPOOL_ABI {

/// Payments in a PostgreSQL database that several servers share; the tables are called
/// `credpool_payment...`, in the first schema of the search path. Each function is one statement,
/// committed with synchronous_commit.
///
/// @thread_safety safe; calls take turns. Not to be used on both sides of a fork()
class PostgresPaymentStore final : public PaymentStore {
 public:
  /// Connects, and makes or updates the tables.
  ///
  /// @param connection `postgresql://...` or `key=value ...`; PGPASSFILE, PGSERVICE and the like
  ///                   work as with any program that uses libpq
  /// @param patience   longest wait for a connection (at least 2 s), and for an answer
  /// @errors configuration for a connection string that cannot be read, a refused password or a
  ///         server that may lose a commit (fsync off); unsupported for tables of a newer version;
  ///         permission_denied; store_unwritable for a read-only server; network, timeout, busy
  static Result<std::unique_ptr<PostgresPaymentStore>> open(
      Secret connection, Duration patience = std::chrono::seconds{5});
  ~PostgresPaymentStore() override;

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
  struct Session;
  explicit PostgresPaymentStore(std::unique_ptr<Session> session) noexcept;

  std::unique_ptr<Session> session_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/postgres_payments.ipp>
#endif
