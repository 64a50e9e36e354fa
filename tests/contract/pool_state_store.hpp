#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/concept.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>

/// What every PoolStateStore must do, whatever it is made of.
///
/// @param open opens one and the same store anew: what a second process would do
/// @code
/// TEST_CASE("store/sqlite: contract") {
///   ThrowawayHome home;
///   pool_state_store_contract([&] { return SqliteState::open(home.path() / "state.db").value();
///   });
/// }
/// @endcode
template <class Open> void pool_state_store_contract(Open open) {
  namespace cp = credpool;
  using std::chrono::hours;
  using std::chrono::milliseconds;
  const cp::TimePoint at{milliseconds{1795000000123}};
  const auto id = [](char fill) {
    cp::Digest digest{};
    digest.fill(static_cast<unsigned char>(fill));
    return cp::CredentialId{digest};
  };
  const auto write = [](auto& store, cp::PoolDelta delta) {
    auto done = store.transact(~cp::Generation{0}, [&](const cp::PoolState&) { return delta; });
    REQUIRE(done);
    return *done;
  };
  const auto read = [](auto& store, cp::Generation seen = 0) {
    cp::PoolState state;
    REQUIRE(store.transact(seen, [&](const cp::PoolState& changed) {
      state = changed;
      return cp::PoolDelta{};
    }));
    return state;
  };

  auto one = open();
  static_assert(cp::PoolStateStore<decltype(one)>);
  auto two = open();

  // Empty: generation 0, nothing in it, and looking makes no generation.
  CHECK(one.generation().value() == 0);
  CHECK(read(one).empty());
  CHECK(one.generation().value() == 0);

  // Every member of every record comes back as it was, to the other one as well.
  cp::CredentialDelta full{.id = id('a'),
                           .imported = true,
                           .disabled = true,
                           .use = 2.5,
                           .use_at = at,
                           .uses = 3,
                           .last_selected = at + milliseconds{1},
                           .last_used = at + milliseconds{2},
                           .consecutive_failures = 4,
                           .success_streak = 5,
                           .latency_ms = 6.25,
                           .latency_at = at + milliseconds{3},
                           .limit = 7.5,
                           .rejected_token = "sha256:r",
                           .verified_token = "sha256:v"};
  const cp::Cooldown rest{.id = id('a'),
                          .model = "k2",
                          .reason = cp::CooldownReason::quota,
                          .since = at,
                          .until = at + hours{156},
                          .next_trial = at + hours{1},
                          .level = 2,
                          .trials = 3,
                          .noted_at = at + milliseconds{4}};
  cp::Cooldown account = rest;
  account.model = "";
  account.reason = cp::CooldownReason::billing;
  const cp::Cursor cursor{.lane = "acme/k2", .last = id('a'), .noted_at = at};
  const auto first =
      write(one, {.credentials = {full}, .cooldowns = {rest, account}, .cursors = {cursor}});
  CHECK(first > 0);
  CHECK(one.generation().value() == first);
  CHECK(two.generation().value() == first);
  cp::CredentialState expected{};
  expected.id = id('a');
  merge(expected, full, hours{1});
  const auto all = read(two);
  REQUIRE(all.credentials.size() == 1);
  CHECK((all.credentials[0] == expected));
  REQUIRE(all.cooldowns.size() == 2);
  for (const auto& each : all.cooldowns) CHECK((each == (each.model.empty() ? account : rest)));
  REQUIRE(all.cursors.size() == 1);
  CHECK((all.cursors[0] == cursor));

  // Only what changed after the generation that was seen.
  CHECK(read(two, first).empty());
  const auto second =
      write(two, {.credentials = {{.id = id('b'), .use = 1, .use_at = at, .uses = 1}}});
  CHECK(second > first);
  const auto news = read(one, first);
  REQUIRE(news.credentials.size() == 1);
  CHECK(news.credentials[0].id == id('b'));
  CHECK(news.cooldowns.empty());
  CHECK(news.cursors.empty());

  // Uses are added (decayed to the same time), members without a value are left alone.
  write(two, {.half_life = hours{1},
              .credentials = {{.id = id('a'), .use = 1, .use_at = at + hours{1}, .uses = 2}}});
  for (const auto& each : read(one).credentials) {
    if (each.id != id('a')) continue;
    CHECK(each.total_uses == 5);
    CHECK(each.use == doctest::Approx(2.5 / 2 + 1));
    CHECK(each.use_at == at + hours{1});
    CHECK(each.disabled);
    CHECK(each.rejected_token == "sha256:r");
    CHECK(each.last_used == at + milliseconds{2});
  }

  // An older cooldown or cursor does not replace a newer one; a taken-back one stays as a record.
  auto older = rest;
  older.until = at + hours{1};
  older.noted_at = at;
  auto ended = account;
  ended.reason = cp::CooldownReason::none;
  ended.noted_at = at + hours{1};
  const cp::Cursor old_cursor{.lane = "acme/k2", .last = id('b'), .noted_at = at - hours{1}};
  const auto before = one.generation().value();
  write(one, {.cooldowns = {older, ended}, .cursors = {old_cursor}});
  const auto changes = read(two, before);
  REQUIRE(changes.cooldowns.size() == 1);
  CHECK((changes.cooldowns[0] == ended));
  CHECK(read(two).cursors[0].last == id('a'));

  // The exchange sees what the other one wrote last, and its answer is in the same transaction.
  const auto latest = two.generation().value();
  write(two, {.credentials = {{.id = id('c'), .use = 1, .use_at = at, .uses = 1}}});
  const auto done = one.transact(latest, [&](const cp::PoolState& changed) {
    CHECK(changed.credentials.size() == 1);
    return cp::PoolDelta{
        .credentials = {{.id = id('c'), .uses = changed.credentials[0].total_uses}}};
  });
  REQUIRE(done);
  for (const auto& each : read(two).credentials)
    if (each.id == id('c')) CHECK(each.total_uses == 2);

  // A store opened later finds it all.
  auto three = open();
  CHECK(read(three).credentials.size() == 3);
}
