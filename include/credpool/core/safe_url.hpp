#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Whether keys and tokens may be sent to that URL: https, or http to a loopback IP literal;
/// without user name, query, fragment, blanks or control characters.
bool is_safe_base_url(std::string_view url) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/safe_url.ipp>
#endif
