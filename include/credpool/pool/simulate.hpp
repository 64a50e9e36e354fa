#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/pool/default_pool.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// One request of a trace.
struct TraceRequest {
  Duration at{};  ///< since the trace began; the list is in this order
  std::string model = {};
  std::string session = {};
  Duration takes{1'000};  ///< how long the answer takes
};

/// The allowance of one account: so many requests in each window, counted from the trace's begin.
struct TraceAccount {
  std::string name;              ///< becomes the profile id
  std::uint32_t requests = 100;  ///< per window
  Duration window = std::chrono::hours{5};
  Duration offset{};          ///< by which its first window is shorter than the others
  std::uint32_t at_once = 0;  ///< requests at once before it answers 429; 0: any number
  std::uint32_t weight = 1;
  int priority = 0;
  bool tells_reset = true;  ///< whether its 429 says when the limit is over
};

/// What is to be replayed.
struct Trace {
  std::vector<TraceAccount> accounts;
  std::vector<TraceRequest> requests;
  Admission admission = {};
  Affinity affinity = Affinity::none;
  std::uint32_t attempts = 3;                     ///< credentials that one request may try
  Duration cache_life = std::chrono::minutes{5};  ///< of a provider's prompt cache
};

/// How one account fared.
struct SimulatedAccount {
  std::string name;
  std::uint64_t served = 0;
  std::uint64_t limited = 0;  ///< requests that it answered with a 429
  std::uint64_t wasted = 0;   ///< allowance of windows that ended, not used
};

/// How a policy fared with a trace.
struct Simulation {
  std::string policy;
  std::vector<SimulatedAccount> accounts;
  std::uint64_t served = 0;
  std::uint64_t refused = 0;        ///< requests that nobody served
  std::uint64_t limited = 0;        ///< 429s met on the way
  std::uint64_t cache_chances = 0;  ///< requests of a session that was served before
  std::uint64_t cache_hits = 0;     ///< of these: by the same account, within the cache's life
  std::uint64_t wasted = 0;         ///< allowance that expired
  std::uint64_t allowance = 0;      ///< of all windows that ended
  /// Jain's index over served requests by weight: 1 when everybody had its share, 1/n when one
  /// account had it all.
  double fairness = 1;
};

/// Jain's fairness index of shares; 1 for none.
/// @source R. Jain, D. Chiu, W. Hawe, DEC-TR-301, 1984
double jain_index(const std::vector<double>& shares) noexcept;

/// Replays a trace through a policy, on a clock of its own: nothing is sent, and an hour takes no
/// time.
/// @errors configuration when there is no policy of that name; invalid_argument when two accounts
///         share a name, a window is not positive, or the requests are not in order
Result<Simulation> simulate(const Trace& trace, std::string_view policy);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/simulate.ipp>
#endif
