// SPDX-License-Identifier: MIT
#include "../network_part.hpp"

namespace credpool_cli {

void need_network(const Session&) {}

}  // namespace credpool_cli
