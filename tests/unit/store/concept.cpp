// SPDX-License-Identifier: MIT
#include <credpool/store/concept.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {
constexpr cp::TimePoint at{std::chrono::milliseconds{1795000000000}};
}

TEST_CASE("store/concept: use halves with every half-life, and never on the way back") {
  CHECK(cp::decayed(8, at, at + 3h, 1h) == doctest::Approx(1));
  CHECK(cp::decayed(8, at, at - 3h, 1h) == 8);
  CHECK(cp::decayed(8, at, at + 3h, 0h) == 8);
}

TEST_CASE("store/concept: merging forgets nothing, whichever process comes first") {
  cp::CredentialState a;
  cp::CredentialState b;
  const cp::CredentialDelta early{.id = {}, .use = 4, .use_at = at, .uses = 4, .last_used = at};
  const cp::CredentialDelta late{
      .id = {}, .use = 1, .use_at = at + 1h, .uses = 1, .last_used = at + 1h};
  CHECK(merge(a, early, 1h));
  CHECK(merge(a, late, 1h));
  CHECK(merge(b, late, 1h));
  CHECK(merge(b, early, 1h));
  CHECK((a == b));
  CHECK(a.use == doctest::Approx(3));
  CHECK_FALSE(merge(a, cp::CredentialDelta{.id = {}}, 1h));
}

TEST_CASE("store/concept: every cooldown reason has a name, and the name leads back") {
  using enum cp::CooldownReason;
  for (const auto reason : {none, rate_limit, quota, billing, overload})
    CHECK(cp::cooldown_reason_from(to_string(reason)) == reason);
  CHECK_FALSE(cp::cooldown_reason_from("boredom"));
}
