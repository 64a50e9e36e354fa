#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/concept.hpp>

#include <memory>

namespace credpool::inline CREDPOOL_ABI {

/// Pool state that lives as long as the process. Copies share it, as two processes share a file.
///
/// @thread_safety safe
class MemoryState {
 public:
  MemoryState();

  Result<Generation> generation() const;
  Result<Generation> transact(Generation seen, const StateExchange& exchange);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};
static_assert(PoolStateStore<MemoryState>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/memory.ipp>
#endif
