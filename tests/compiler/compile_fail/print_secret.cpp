// SPDX-License-Identifier: MIT
// A secret cannot be printed, not even by mistake.
// expect: deleted
#include <credpool/core/secret.hpp>

#include <iostream>

void show(const credpool::Secret& secret) {
  std::cout << secret.size();
#if defined(BAD_LINE)
  std::cout << secret;
#endif
}
