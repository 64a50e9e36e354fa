#pragma once
// SPDX-License-Identifier: MIT

// Internal: included by .ipp files only.

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// With this every sealed token begins; nothing else is put where other hosts can read it.
inline constexpr std::string_view sealed_token_start = "credpool-sealed-1.";

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
