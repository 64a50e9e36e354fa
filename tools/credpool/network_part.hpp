#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

namespace credpool_cli {

/// The command is two programs. `credpool` holds all that needs no network, so that it starts
/// without the libraries for it; `credpool-network`, in the same directory, holds everything. The
/// first becomes the second, with the same arguments, as soon as it needs to.
///
/// Every command that may ask a provider calls this first, before it reads its input or prints.
/// It returns in the program that can; else it does not return.
void need_network(const Session& session);

}  // namespace credpool_cli
