// SPDX-License-Identifier: MIT
// A file descriptor has one owner.
// expect: deleted
#include <credpool/core/platform.hpp>

int take(credpool::Descriptor descriptor) {
#if defined(BAD_LINE)
  credpool::Descriptor copy = descriptor;
#endif
  return descriptor.get();
}
