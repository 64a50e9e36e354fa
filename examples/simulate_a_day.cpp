// SPDX-License-Identifier: MIT
// Which rotation policy suits my load? Replay it through each, on a clock that takes no time.

#include <credpool/credpool.hpp>

#include <iostream>

namespace cp = credpool;

int main() {
  // Three accounts with 100 requests per five hours each, whose windows end at different times, and
  // one request every two minutes for a day.
  cp::Trace trace;
  for (int i = 0; i < 3; ++i)
    trace.accounts.push_back({.name = "account-" + std::to_string(i + 1),
                              .requests = 100,
                              .window = std::chrono::hours{5},
                              .offset = std::chrono::minutes{100 * i}});
  for (int i = 0; i < 720; ++i)
    trace.requests.push_back({.at = std::chrono::minutes{2 * i}, .session = "mine"});

  for (const auto* policy : {"round-robin", "fill-first"}) {
    const auto result = cp::simulate(trace, policy);
    if (!result) return cp::exit_code(result.error());
    std::cout << result->policy << ": served " << result->served << ", refused " << result->refused
              << ", cache hits " << result->cache_hits << " of " << result->cache_chances << '\n';
  }
}
