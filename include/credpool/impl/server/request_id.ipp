#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/request_id.hpp>

#include <credpool/impl/core/base36.hpp>

#include <random>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string new_request_id() {
  thread_local std::mt19937_64 random{[] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64{seed};
  }()};
  return detail::base36(random(), "r-");
}

}  // namespace credpool::inline CREDPOOL_ABI
