// SPDX-License-Identifier: MIT
#include "account_stores.hpp"

#include <credpool/account/sqlite_payments.hpp>
#include <credpool/account/sqlite_store.hpp>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<AccountStores> open_account_files(const cp::StateDirectory& directory,
                                             const cp::Environment& environment) {
  auto accounts = cp::SqliteAccountStore::open(directory, environment);
  if (!accounts) return cp::fail(accounts.error());
  auto payments = cp::SqlitePaymentStore::open(directory, environment);
  if (!payments) return cp::fail(payments.error());
  return AccountStores{std::move(*accounts), std::move(*payments)};
}

}  // namespace credpool_cli
