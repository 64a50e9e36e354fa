#pragma once
// SPDX-License-Identifier: MIT

// Internal: included by .ipp files only.

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The hint that tells the not_found of a link that leads nowhere from that of nothing at all.
inline constexpr std::string_view dangling_link_hint =
    "the link leads nowhere: restore its target or remove it";

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
