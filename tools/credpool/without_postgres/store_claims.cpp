// SPDX-License-Identifier: MIT
#include "store_claims.hpp"

namespace credpool_cli {

namespace cp = credpool;

cp::Result<std::unique_ptr<SharedStore>> open_shared_store(const cp::Settings& settings,
                                                           const cp::StateDirectory&,
                                                           const cp::Environment&) {
  if (settings.store.empty()) return std::unique_ptr<SharedStore>{};
  return cp::fail(cp::Errc::unsupported, "opening the shared store", settings.store,
                  "this credpool was built without PostgreSQL: build it with libpq there");
}

}  // namespace credpool_cli
