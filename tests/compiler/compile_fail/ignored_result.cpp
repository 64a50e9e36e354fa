// SPDX-License-Identifier: MIT
// A result must be looked at.
// expect: nodiscard|unused-result
#include <credpool/core/environment.hpp>

bool look(const credpool::Environment& environment) {
  const auto home = environment.home();
#if defined(BAD_LINE)
  environment.home();
#endif
  return home.has_value();
}
