#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/pool.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

/// What a pool test needs: keys of one provider, a clock in the test's hand, a store to share.
namespace pool_world {

namespace cp = credpool;
using namespace std::chrono_literals;

inline constexpr cp::TimePoint start{std::chrono::milliseconds{1795000000000}};  // 2026-11-18

/// A key named "acme:<label>".
inline cp::Credential key(std::string label, int priority = 0, std::string provider = "acme") {
  auto credential = cp::Credential::api_key("acme-cli", provider, cp::Secret{"key-" + label});
  credential.profile_id = provider + ":" + label;
  credential.priority = priority;
  return credential;
}

inline std::vector<cp::Credential> keys(int count) {
  std::vector<cp::Credential> all;
  for (int i = 0; i < count; ++i) all.push_back(key(std::to_string(i)));
  return all;
}

inline cp::Environment nowhere(std::string host = "testhost") {
  return cp::Environment{{.variables = {},
                          .home = "/nonexistent",
                          .working_directory = "/",
                          .host_name = std::move(host),
                          .user_name = "tester"}};
}

/// A pool of the given credentials, whose time is `clock`.
template <class Policy = cp::LeastUsed> class TestPool {
 public:
  using Inner = cp::Pool<cp::Sources<>, Policy, cp::FirstOf<>, cp::MemoryState,
                         cp::ClockRef<cp::ManualClock>>;

  TestPool(const cp::ManualClock& clock, std::vector<cp::Credential> credentials,
           Policy policy = {}, cp::PoolSettings settings = {}, cp::MemoryState store = {},
           std::string host = "testhost")
      : pool{cp::Sources<>{},     std::move(policy),   cp::FirstOf<>{},         std::move(store),
             cp::ClockRef{clock}, std::move(settings), nowhere(std::move(host))} {
    REQUIRE(pool.replace_credentials(std::move(credentials)));
  }

  /// Lends, reports the outcome at once, and tells the label of the credential ("" when refused).
  std::string use(cp::LeaseRequest request = {.provider = "acme"},
                  cp::Outcome outcome = cp::Outcome::ok()) {
    auto lease = pool.acquire(request);
    if (!lease) return "";
    lease->report(outcome);
    return label(lease->credential());
  }
  /// The verdict on the credential of that label.
  cp::CandidateReport report(std::string_view wanted,
                             cp::LeaseRequest request = {.provider = "acme"}) {
    for (auto& each : pool.explain(request).candidates)
      if (label(*each.credential) == wanted) return each;
    FAIL("no such credential");
    return {};
  }
  cp::Eligibility verdict(std::string_view wanted,
                          cp::LeaseRequest request = {.provider = "acme"}) {
    return report(wanted, std::move(request)).verdict;
  }

  static std::string label(const cp::Credential& credential) {
    return credential.profile_id.substr(credential.profile_id.find(':') + 1);
  }

  Inner pool;
};

}  // namespace pool_world
