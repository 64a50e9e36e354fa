#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/store.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::vector<Result<Allowance>> AccountStore::reserve_all(
    std::span<const AllowanceRequest> requests) {
  std::vector<Result<Allowance>> allowances;
  allowances.reserve(requests.size());
  for (const auto& request : requests) allowances.push_back(reserve(request));
  return allowances;
}

}  // namespace credpool::inline CREDPOOL_ABI
