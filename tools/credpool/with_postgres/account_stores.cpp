// SPDX-License-Identifier: MIT
#include "../account_stores.hpp"

#include "libpq_on_demand.hpp"

#include <credpool/account/postgres_payments.hpp>
#include <credpool/account/postgres_store.hpp>
#include <credpool/core/hash.hpp>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<AccountStores> open_account_stores(const cp::Settings& settings,
                                              const cp::StateDirectory& directory,
                                              const cp::Environment& environment) {
  if (settings.store.empty()) return open_account_files(directory, environment);
  if (auto loaded = need_libpq(); !loaded) return cp::fail(loaded.error());
  // Two servers of one host have directories of their own.
  constexpr std::size_t enough = 12;
  const auto server = environment.host_name() + ":" +
                      cp::to_hex(cp::sha256(directory.path().string())).substr(0, enough);
  auto accounts =
      cp::PostgresAccountStore::open({.connection = cp::Secret{settings.store}, .server = server});
  if (!accounts) return cp::fail(accounts.error());
  auto payments = cp::PostgresPaymentStore::open(cp::Secret{settings.store});
  if (!payments) return cp::fail(payments.error());
  return AccountStores{std::move(*accounts), std::move(*payments)};
}

}  // namespace credpool_cli
