// SPDX-License-Identifier: MIT
#include "../account_import.hpp"

namespace credpool_cli {

namespace cp = credpool;

cp::Result<ImportReport> with_reference_books(
    const std::string& address,
    const std::function<cp::Result<ImportReport>(const ReferenceBooks&)>&) {
  return cp::fail(cp::Errc::unsupported, "reading the other server's database", address,
                  "this credpool was built without PostgreSQL: build it with libpq there");
}

}  // namespace credpool_cli
