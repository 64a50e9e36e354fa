// SPDX-License-Identifier: MIT
// How small can a pool be? One source and one policy; what a rate limit then does.

#include <credpool/credpool.hpp>

#include <iostream>

namespace cp = credpool;

int main() {
  const auto environment =
      cp::Environment::of_process().with_variable("OPENAI_API_KEYS", "sk-fake-one,sk-fake-two");
  cp::Pool<cp::Sources<cp::EnvKeys>, cp::RoundRobin> pool{
      cp::Sources{cp::EnvKeys{}}, cp::RoundRobin{}, {}, {}, {}, {}, environment};
  if (auto found = pool.scan(); !found) return cp::exit_code(found.error());

  auto first = pool.acquire({.provider = "openai"});
  if (!first) return cp::exit_code(first.error());
  first->report(cp::Outcome::rate_limited());

  for (int request = 0; request < 3; ++request) {
    auto lease = pool.acquire({.provider = "openai"});
    if (!lease) return cp::exit_code(lease.error());
    const bool same = lease->credential().id == first->credential().id;
    std::cout << (same ? "the one that rests" : "the other one") << '\n';
    lease->report(cp::Outcome::ok());
  }
}
