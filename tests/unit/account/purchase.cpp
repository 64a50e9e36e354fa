// SPDX-License-Identifier: MIT
#include <credpool/account/purchase.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("account/purchase: the fee is 5.5 % or 80 cents, in whole cents") {
  const auto cents = [](std::int64_t amount) { return cp::Money{amount * 10'000}; };
  CHECK(cp::platform_fee(cents(500)) == cents(80));
  CHECK(cp::platform_fee(cents(1000)) == cents(80));
  CHECK(cp::platform_fee(cents(1454)) == cents(80));   // 79.97
  CHECK(cp::platform_fee(cents(1464)) == cents(81));   // 80.52
  CHECK(cp::platform_fee(cents(1500)) == cents(83));   // 82.5
  CHECK(cp::platform_fee(cents(2500)) == cents(138));  // 137.5
  CHECK(cp::platform_fee(cents(10'000)) == cents(550));
  CHECK(cp::platform_fee(cents(1'000'000)) == cents(55'000));
  for (std::int64_t amount = 500; amount < 20'000; ++amount)
    REQUIRE(cp::is_whole_cents(cp::platform_fee(cents(amount))));
}

TEST_CASE("account/purchase: whole cents") {
  CHECK(cp::is_whole_cents(cp::Money{10'010'000}));
  CHECK_FALSE(cp::is_whole_cents(cp::Money{10'005'000}));
  CHECK_FALSE(cp::is_whole_cents(cp::Money{1}));
}
