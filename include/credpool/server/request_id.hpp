#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// A new id for a request, as it stands in `x-request-id` and in the access log: "r-" and 64 random
/// bits. Not a secret.
///
/// @thread_safety safe
std::string new_request_id();

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/request_id.ipp>
#endif
