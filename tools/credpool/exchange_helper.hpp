#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

namespace credpool_cli {

/// The hidden command `exchange-helper`: runs one exchange for a caller that may die meanwhile.
///
/// Reads the job from standard input and writes the answer to standard output, see
/// credpool/refresh/exchange_job.hpp; prints nothing else.
/// @return 0 when the answer was written, 1 when nobody takes it any more
int run_exchange_helper(const Session& session);

}  // namespace credpool_cli
