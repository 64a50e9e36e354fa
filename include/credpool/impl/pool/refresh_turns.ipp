#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/refresh_turns.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE RefreshTurns::Turn::Turn(RefreshTurns& turns, const CredentialId& id)
    : turns_{turns}, id_{id} {
  std::unique_lock lock{turns_.mutex_};
  turns_.ended_.wait(lock, [&] { return !turns_.running_.contains(id_); });
  turns_.running_.insert(id_);
}

CREDPOOL_INLINE RefreshTurns::Turn::~Turn() {
  {
    const std::lock_guard lock{turns_.mutex_};
    turns_.running_.erase(id_);
  }
  turns_.ended_.notify_all();
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
