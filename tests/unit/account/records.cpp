// SPDX-License-Identifier: MIT
#include <credpool/account/records.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("account/records: every name is read as what it names") {
  using enum cp::LimitReset;
  for (const auto reset : {never, daily, weekly, monthly}) {
    REQUIRE_FALSE(cp::to_string(reset).empty());
    CHECK(cp::limit_reset_of(cp::to_string(reset)) == reset);
  }
  using enum cp::TransactionType;
  for (const auto type : {purchase, usage, refund, auto_topup, grant}) {
    REQUIRE_FALSE(cp::to_string(type).empty());
    CHECK(cp::transaction_type_of(cp::to_string(type)) == type);
  }
  for (const auto* text : {"", "Daily", "yearly", "daily "}) {
    CHECK_FALSE(cp::limit_reset_of(text));
    CHECK_FALSE(cp::transaction_type_of(text));
  }
  CHECK(cp::to_string(monthly) == "monthly");
  CHECK(cp::to_string(auto_topup) == "auto_topup");
}

TEST_CASE("account/records: what remains is what was paid in less what was spent") {
  const cp::Balance balance{cp::Money::dollars(10), cp::Money{2'500'000}, cp::Money::dollars(1)};
  CHECK(balance.remaining() == cp::Money{7'500'000});
}
