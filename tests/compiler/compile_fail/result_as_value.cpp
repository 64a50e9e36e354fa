// SPDX-License-Identifier: MIT
// A result is not its value: it must be asked first.
// expect: no viable conversion|conversion from|could not convert
#include <credpool/core/environment.hpp>

std::filesystem::path look(const credpool::Environment& environment) {
  const auto home = environment.home();
#if defined(BAD_LINE)
  std::filesystem::path path = home;
#endif
  return home ? *home : std::filesystem::path{};
}
