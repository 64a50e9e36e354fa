#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/hash.hpp>
#include <credpool/refresh/claims.hpp>

#include <doctest/doctest.h>

#include <string>

/// What every RefreshClaims must do, whatever it is made of.
///
/// @param one, two two objects on one and the same store: what two hosts have
/// @param expire   lets all claims that run now pass their deadline and the margin after it
template <class Expire>
void refresh_claims_contract(credpool::RefreshClaims& one, credpool::RefreshClaims& two,
                             Expire expire) {
  namespace cp = credpool;
  const cp::Duration minute{60'000};
  const auto token = [](const char* name) { return cp::token_hash(name); };
  const auto take = [&](cp::RefreshClaims& claims, const char* family, const char* name,
                        const char* host) {
    return claims.take(family, token(name), host, minute);
  };
  const auto refused = [](const auto& result, cp::Errc code) {
    REQUIRE_FALSE(result);
    CHECK(result.error().errc() == code);
  };

  {
    INFO("a claim: one at a time, whoever asks");
    const auto first = take(one, "f", "t0", "a");
    REQUIRE(first);
    CHECK(first->family == "f");
    CHECK(first->generation == 0);
    CHECK_FALSE(first->after_unknown);
    for (const char* host : {"a", "b"}) {
      const auto second = take(two, "f", "t0", host);
      refused(second, cp::Errc::busy);
      REQUIRE(second.error().retry_at);
      CHECK(*second.error().retry_at >= first->deadline);
    }
    CHECK(take(two, "another", "t0", "b"));

    INFO("its end, which may be told twice");
    auto forged = *first;
    ++forged.fence;
    refused(two.finish(forged, token("t1")), cp::Errc::conflict);
    refused(two.abandon(forged), cp::Errc::conflict);
    REQUIRE(one.finish(*first, token("t1")));
    CHECK(one.finish(*first, token("t1")));
    refused(one.finish(*first, token("x")), cp::Errc::conflict);
    refused(one.abandon(*first), cp::Errc::conflict);

    INFO("a token is exchanged once");
    refused(take(two, "f", "t0", "b"), cp::Errc::conflict);
    refused(take(one, "f", "t0", "a"), cp::Errc::conflict);
    const auto next = take(two, "f", "t1", "b");
    REQUIRE(next);
    CHECK(next->generation == 1);
    CHECK(next->fence > first->fence);
    REQUIRE(two.finish(*next, token("t2")));
  }
  {
    INFO("given back: as if it had not been");
    const auto claim = take(one, "f", "t2", "a");
    REQUIRE(claim);
    REQUIRE(one.abandon(*claim));
    CHECK(one.abandon(*claim));
    refused(one.finish(*claim, token("x")), cp::Errc::conflict);
    const auto again = take(two, "f", "t2", "b");
    REQUIRE(again);
    CHECK(again->generation == 2);
    CHECK(again->fence > claim->fence);
    CHECK_FALSE(again->after_unknown);
    refused(one.abandon(*claim), cp::Errc::conflict);
    REQUIRE(two.finish(*again, token("t3")));
  }
  {
    INFO("run out: unknown until it is finished");
    const auto lost = take(one, "f", "t3", "a");
    REQUIRE(lost);
    expire();
    const auto second = take(two, "f", "t3", "b");
    REQUIRE(second);
    CHECK(second->generation == lost->generation);
    CHECK(second->fence > lost->fence);
    CHECK(second->after_unknown);
    refused(one.finish(*lost, token("x")), cp::Errc::conflict);
    refused(one.abandon(*lost), cp::Errc::conflict);
    REQUIRE(two.abandon(*second));
    const auto third = take(one, "f", "t3", "a");
    REQUIRE(third);
    CHECK(third->after_unknown);
    expire();
    const auto fourth = take(one, "f", "t3", "a");
    REQUIRE(fourth);
    CHECK(fourth->after_unknown);
    REQUIRE(one.finish(*fourth, token("t4")));
    const auto fifth = take(one, "f", "t4", "a");
    REQUIRE(fifth);
    CHECK_FALSE(fifth->after_unknown);

    INFO("late, but nobody came in between");
    expire();
    REQUIRE(one.finish(*fifth, token("t5")));
  }
  {
    INFO("a token that nobody has seen is believed of the owner only");
    refused(take(two, "f", "from b", "b"), cp::Errc::conflict);
    const auto moved = take(one, "f", "t6", "a");
    REQUIRE(moved);
    CHECK(moved->generation == 6);
    CHECK_FALSE(moved->after_unknown);
    refused(take(one, "f", "t7", "a"), cp::Errc::busy);
    refused(take(two, "f", "t5", "b"), cp::Errc::conflict);

    INFO("... and of the holder of a claim that it did not finish");
    expire();
    const auto after = take(one, "f", "t7", "a");
    REQUIRE(after);
    CHECK(after->generation == 7);
    CHECK_FALSE(after->after_unknown);
    refused(one.finish(*moved, token("x")), cp::Errc::conflict);
    INFO("... who then tells what the store has seen meanwhile");
    CHECK(one.finish(*moved, token("t7")));
    REQUIRE(one.finish(*after, token("t8")));
  }
  {
    INFO("a server that lets the token stay");
    const auto claim = take(one, "f", "t8", "a");
    REQUIRE(claim);
    REQUIRE(one.finish(*claim, token("t8")));
    const auto again = take(two, "f", "t8", "b");
    REQUIRE(again);
    CHECK(again->generation == claim->generation + 1);
    REQUIRE(two.abandon(*again));
  }
  {
    INFO("no token, only its hash");
    refused(one.take("f", "rt_fake", "a", minute), cp::Errc::invalid_argument);
    refused(one.take("", token("t8"), "a", minute), cp::Errc::invalid_argument);
    refused(one.take("f", token("t8"), "", minute), cp::Errc::invalid_argument);
    refused(one.take("f", token("t8"), "a", cp::Duration{0}), cp::Errc::invalid_argument);
    refused(one.finish({"f", 0, 0, {}, false}, "rt_fake"), cp::Errc::invalid_argument);
  }
}
