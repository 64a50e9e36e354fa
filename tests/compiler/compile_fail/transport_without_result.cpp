// SPDX-License-Identifier: MIT
// A transport reports failure as a value.
// expect: send
#include <credpool/transport/concept.hpp>

struct Wire {
#if defined(BAD_LINE)
  credpool::Response send(const credpool::Request&) {
    return {};
  }
#else
  credpool::Result<credpool::Response> send(const credpool::Request&) {
    return credpool::Response{};
  }
#endif
};
static_assert(credpool::Transport<Wire>);
