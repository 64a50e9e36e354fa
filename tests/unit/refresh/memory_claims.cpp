// SPDX-License-Identifier: MIT
#include <memory_claims.hpp>

#include <contract/refresh_claims.hpp>

#include <doctest/doctest.h>

TEST_CASE("refresh/claims: the tests' own model keeps the contract") {
  credpool::ManualClock clock{credpool::TimePoint{credpool::Duration{1795000000000}}};
  const auto shared = std::make_shared<MemoryClaims::Shared>();
  MemoryClaims one{shared, clock}, two{shared, clock};
  refresh_claims_contract(one, two, [&] { clock.advance(std::chrono::hours{1}); });
}
