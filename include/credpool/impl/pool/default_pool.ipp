#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/default_pool.hpp>

namespace credpool::inline CREDPOOL_ABI {

#if defined(CREDPOOL_COMPILED)
template class Pool<AllSources, AnyRotation, FirstOf<>, MemoryState, SystemClock>;
#endif

}  // namespace credpool::inline CREDPOOL_ABI
