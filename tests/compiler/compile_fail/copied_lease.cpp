// SPDX-License-Identifier: MIT
// A loan has one holder: a copy would be given back twice.
// expect: deleted
#include <credpool/pool/lease.hpp>

credpool::Lease hand_on(credpool::Lease lease) {
#if defined(BAD_LINE)
  credpool::Lease copy = lease;
#endif
  return lease;
}
