// SPDX-License-Identifier: MIT
#include "../account_stores.hpp"

namespace credpool_cli {

namespace cp = credpool;

cp::Result<AccountStores> open_account_stores(const cp::Settings& settings,
                                              const cp::StateDirectory& directory,
                                              const cp::Environment& environment) {
  if (settings.store.empty()) return open_account_files(directory, environment);
  return cp::fail(cp::Errc::unsupported, "opening the accounts", settings.store,
                  "this credpool was built without PostgreSQL: build it with libpq there");
}

}  // namespace credpool_cli
