#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Whether keys and tokens may be sent to that URL: https, or http to a loopback IP literal;
/// without user name, query, fragment, blanks or control characters. A host is a name, or an
/// address in its usual notation, and none that is link-local, unspecified, multicast or a cloud's
/// metadata service. Where a name leads is looked at when it is asked (see EventEngine).
bool is_safe_base_url(std::string_view url) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/safe_url.ipp>
#endif
