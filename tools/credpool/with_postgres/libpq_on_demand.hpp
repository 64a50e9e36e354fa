#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

namespace credpool_cli {

/// Loads libpq, if that has not been done yet. To be called before the first use of it.
/// @errors configuration when it is not installed
credpool::Result<void> need_libpq();

}  // namespace credpool_cli
