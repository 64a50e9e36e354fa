#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/period.hpp>
#include <credpool/account/store.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace credpool_cli {

/// What stands in the tables of the first server of this kind, in the order in which it was made.
/// Amounts are text as PostgreSQL writes `numeric`; of keys there are only digests.
struct ReferenceBooks {
  struct User {
    std::string id, email, password_hash, plan;
    std::optional<std::int64_t> github_id;
    std::string avatar_url;
    credpool::TimePoint created_at{};
  };
  struct ManagementKey {
    std::string id, user, digest;
    bool revoked = false;
    credpool::TimePoint created_at{};
    std::optional<credpool::TimePoint> revoked_at;
  };
  struct Key {
    std::string id, user, hash, digest, name;
    std::optional<std::string> credit_limit;
    std::string limit_reset;  ///< empty: none
    std::string usage;
    bool disabled = false;
    bool revoked = false;
    credpool::TimePoint created_at{};
    std::optional<credpool::TimePoint> expires_at, revoked_at;
  };
  struct Balance {
    std::string id, user, credits, usage;
    bool topup = false;
    std::string topup_threshold, topup_amount;
    credpool::TimePoint updated_at{};
  };
  struct Transaction {
    std::string id, user, type, amount, description;
    credpool::TimePoint created_at{};
  };
  struct Usage {
    std::string id, user, key, model;
    std::int64_t input_tokens = 0, output_tokens = 0;
    std::string cost;
    int status = 0;
    credpool::TimePoint created_at{};
  };

  std::vector<User> users;
  std::vector<ManagementKey> management_keys;
  std::vector<Key> keys;
  std::vector<Balance> balances;
  std::vector<Transaction> transactions;
  std::vector<Usage> usage;
};

/// One account that is taken over, with all its books.
struct ImportedAccount {
  credpool::Account account;
  std::vector<credpool::ManagementKey> management_keys;
  std::vector<credpool::ProvisionedKey> keys;
  credpool::AutoTopUp topup;
  /// Credits and requests, the oldest first; a correction at the end where they do not add up.
  std::vector<std::variant<credpool::CreditChange, credpool::Settlement>> events;
  credpool::Money remaining;  ///< as the other server says, and as it is here in the end
  bool corrected = false;
};

struct ImportPlan {
  std::vector<ImportedAccount> accounts;
  std::vector<std::pair<std::string, std::string>> skipped;  ///< e-mail, and why
  std::size_t negative_costs = 0;  ///< requests with a cost below zero: taken over as free
};

/// Turns the other server's books into ours.
///
/// @param calendar of the server that will serve these accounts: days and limits begin by it
/// @errors invalid_argument for a row that cannot be taken over; `place` names it
credpool::Result<ImportPlan> plan_import(const ReferenceBooks& books,
                                         const credpool::LedgerCalendar& calendar,
                                         credpool::TimePoint now);

struct ImportReport {
  std::size_t accounts = 0, resumed = 0, management_keys = 0, keys = 0, transactions = 0,
              requests = 0, corrections = 0, negative_costs = 0;
  std::vector<std::string> negative_balances;  ///< e-mails
  std::vector<std::pair<std::string, std::string>> skipped;
};

/// Writes the accounts that are not there yet, each to its end before the next. One that an earlier
/// run did not finish is gone on with; it is marked by a plan of its own until it is whole.
///
/// @param dry_run only says what would be done
/// @errors conflict for a key that another account here has (nothing is written); those of the
/// store
credpool::Result<ImportReport> carry_out(credpool::AccountStore& store, const ImportPlan& plan,
                                         bool dry_run);

/// Reads those tables in one read-only transaction, and keeps other imports from the same database
/// away for as long as `then` runs.
///
/// @param address of the database, without a password
/// @errors those of connecting and reading; busy while another import runs; unsupported when this
///         program was built without PostgreSQL; those of `then`
credpool::Result<ImportReport> with_reference_books(
    const std::string& address,
    const std::function<credpool::Result<ImportReport>(const ReferenceBooks&)>& then);

}  // namespace credpool_cli
