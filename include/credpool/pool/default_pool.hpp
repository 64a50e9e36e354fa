#pragma once
// SPDX-License-Identifier: MIT
// The one list of all models: a new source or policy is added here and in the umbrella header.

#include <credpool/pool/pool.hpp>
#include <credpool/rotation/fill_first.hpp>
#include <credpool/rotation/health_based.hpp>
#include <credpool/rotation/latency.hpp>
#include <credpool/rotation/least_used.hpp>
#include <credpool/rotation/one_of.hpp>
#include <credpool/rotation/p2c.hpp>
#include <credpool/rotation/pinned.hpp>
#include <credpool/rotation/priority.hpp>
#include <credpool/rotation/quota_aware.hpp>
#include <credpool/rotation/round_robin.hpp>
#include <credpool/rotation/weighted.hpp>
#include <credpool/source/kimi_cli.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// Every source there is.
using AllSources = Sources<KimiCli>;

/// Every rotation policy there is, chosen by the name that stands in `rotationStrategy`.
using AnyRotation = OneOf<RoundRobin, LeastUsed, Priority, HealthBased, Weighted, FillFirst,
                          PowerOfTwoChoices, Latency, QuotaAware, Pinned>;

/// A pool with everything in it, for front ends. The store is the caller's choice.
template <PoolStateStore Store = MemoryState, Clock ClockType = SystemClock>
using DefaultPoolWith = Pool<AllSources, AnyRotation, FirstOf<>, Store, ClockType>;
using DefaultPool = DefaultPoolWith<>;

#if defined(CREDPOOL_COMPILED)
extern template class Pool<AllSources, AnyRotation, FirstOf<>, MemoryState, SystemClock>;
#endif

}  // namespace credpool::inline CREDPOOL_ABI
