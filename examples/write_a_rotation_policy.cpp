// SPDX-License-Identifier: MIT
// How do I choose credentials my own way? Write `name` and `pick`; the pool does the rest.

#include <credpool/credpool.hpp>

#include <iostream>

namespace cp = credpool;

/// Takes the eligible credential that was selected the longest time ago.
struct LongestIdle {
  static constexpr std::string_view name = "longest-idle";

  std::optional<std::size_t> pick(const cp::Candidates& candidates, const cp::PickRequest&,
                                  cp::TimePoint) noexcept {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (candidates.eligible(i) && (!best || candidates[i].turn < candidates[*best].turn))
        best = i;
    return best;
  }
};
static_assert(cp::RotationPolicy<LongestIdle>);

int main() {
  cp::Pool pool{cp::Sources<>{}, LongestIdle{}};
  std::vector<cp::Credential> credentials;
  for (const auto* name : {"one", "two", "three"}) {
    credentials.push_back(
        cp::Credential::api_key("env", "acme", cp::Secret{std::string{"fake-key-"} + name}));
    credentials.back().profile_id = std::string{"acme:"} + name;
  }
  if (auto taken = pool.replace_credentials(std::move(credentials)); !taken)
    return cp::exit_code(taken.error());

  // Six requests: everybody serves twice, nobody twice in a row.
  std::map<std::string, int> served;
  std::string last;
  for (int request = 0; request < 6; ++request) {
    auto lease = pool.acquire({.provider = "acme"});
    if (!lease) return cp::exit_code(lease.error());
    const auto& name = lease->credential().profile_id;
    if (name == last) std::cout << "twice in a row: " << name << '\n';
    last = name;
    ++served[name];
    lease->report(cp::Outcome::ok());
  }
  for (const auto& [name, times] : served) std::cout << name << " served " << times << '\n';
}
