// SPDX-License-Identifier: MIT
#include <credpool/pool/default_pool.hpp>

#include <contract/rotation_policy.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE_TEMPLATE("rotation/concept: the contract of rotation policies", Policy, cp::RoundRobin,
                   cp::LeastUsed, cp::Priority, cp::HealthBased, cp::Weighted, cp::FillFirst,
                   cp::PowerOfTwoChoices, cp::Latency, cp::QuotaAware, cp::Pinned) {
  rotation_policy_contract<Policy>();
}

TEST_CASE("rotation/one_of: every name leads to its policy, which then behaves the same") {
  for (const auto name : cp::AnyRotation::names) {
    auto policy = cp::AnyRotation::by_name(name);
    REQUIRE(policy);
    CHECK(policy->name == name);
    rotation_policy_contract<cp::AnyRotation>(*policy);
  }
  const auto unknown = cp::AnyRotation::by_name("round-robbing");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().errc() == cp::Errc::configuration);
  CHECK(unknown.error().hint.find("least-used") != std::string::npos);
}
