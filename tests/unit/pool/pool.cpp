// SPDX-License-Identifier: MIT
#include <credpool/pool/pool.hpp>

#include "pool_world.hpp"

#include <credpool/rotation/round_robin.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>

using namespace pool_world;

namespace {

/// Gives every login the token "second".
struct Refresher {
  static constexpr std::string_view name = "test";
  static constexpr bool interactive = false;
  bool can_refresh(const cp::Credential&) const { return true; }
  cp::Result<cp::Credential> refresh(const cp::Credential& old, const cp::RefreshContext&) {
    auto fresh = old;
    fresh.secret = cp::Secret{"second"};
    return fresh;
  }
};

}  // namespace

TEST_CASE("pool/pool: nothing found, nothing lent, and the error says so") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, {}};
  const auto lease = world.pool.acquire({.provider = "acme"});
  REQUIRE_FALSE(lease);
  CHECK(lease.error().errc() == cp::Errc::no_credential);
  CHECK_FALSE(lease.error().retry_at);
  CHECK(lease.error().hint.find("no credentials") != std::string::npos);
}

TEST_CASE("pool/pool: lends by provider, counts the leases, and takes back what is dropped") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a"), key("b", 0, "other")}};
  {
    auto lease = world.pool.acquire({.provider = "acme"});
    REQUIRE(lease);
    CHECK(lease->secret().reveal() == "key-a");
    CHECK(world.report("a").in_flight == 1);
    auto moved = std::move(*lease);
    CHECK(world.report("a").in_flight == 1);
  }
  CHECK(world.report("a").in_flight == 0);
  CHECK(world.verdict("a") == cp::Eligibility::eligible);  // dropped: no penalty
  CHECK(world.verdict("b") == cp::Eligibility::wrong_provider);
  CHECK(world.pool.states().front().total_uses == 1);
}

TEST_CASE("pool/pool: every reason for which a credential is not eligible") {
  const cp::ManualClock clock{start};
  auto expired = cp::Credential::login("acme-cli", "acme", "expired");
  expired.profile_id = "acme:expired";
  expired.secret = cp::Secret{"at"};
  expired.expires_at = start - 1s;
  auto stale = cp::Credential::login("acme-cli", "acme", "stale");
  stale.profile_id = "acme:stale";
  stale.secret = cp::Secret{"at2"};
  stale.refresh_token = cp::Secret{"rt"};
  stale.expires_at = start;
  auto broken = cp::Credential::unusable("acme-cli", "acme", "broken", cp::Reason::malformed, "x");
  broken.profile_id = "acme:broken";
  auto signed_out =
      cp::Credential::unusable("acme-cli", "acme", "out", cp::Reason::signed_out, "x");
  signed_out.profile_id = "acme:out";
  auto revoked = key("revoked");
  revoked.status = cp::Status::revoked;
  auto narrow = key("narrow");
  narrow.scopes = {"read"};
  cp::PoolSettings settings;
  settings.rules["acme:forbidden"].forbidden = true;
  settings.rules["acme:gpt-only"].models = {"gpt"};
  TestPool<> world{clock,
                   {expired, stale, broken, signed_out, revoked, narrow, key("forbidden"),
                    key("gpt-only"), key("off"), key("good")},
                   {},
                   settings};
  REQUIRE(world.pool.set_disabled("acme:off", true));
  const cp::LeaseRequest request{.provider = "acme", .model = "k2", .scopes = {"write"}};
  const std::map<std::string, cp::Eligibility> expected{
      {"expired", cp::Eligibility::expired_unrefreshable},
      {"stale", cp::Eligibility::expired},
      {"broken", cp::Eligibility::unusable},
      {"out", cp::Eligibility::needs_login},
      {"revoked", cp::Eligibility::revoked},
      {"narrow", cp::Eligibility::missing_scope},
      {"forbidden", cp::Eligibility::policy_forbidden},
      {"gpt-only", cp::Eligibility::wrong_model},
      {"off", cp::Eligibility::disabled},
      {"good", cp::Eligibility::eligible}};
  for (const auto& each : expected) {
    CAPTURE(each.first);
    CHECK(to_string(world.verdict(each.first, request)) == to_string(each.second));
  }
  for (int i = 0; i < 5; ++i) CHECK(world.use(request) == "good");
  REQUIRE(world.pool.set_disabled("acme:off", false));
  CHECK(world.verdict("off", request) == cp::Eligibility::eligible);
}

TEST_CASE("pool/pool: without auto-import only what was imported is lent") {
  const cp::ManualClock clock{start};
  cp::PoolSettings settings;
  settings.auto_import = false;
  TestPool<> world{clock, {key("a"), key("b")}, {}, settings};
  CHECK(world.verdict("a") == cp::Eligibility::not_imported);
  CHECK(world.use() == "");
  REQUIRE(world.pool.set_imported("acme:b", true));
  CHECK(world.use() == "b");
  CHECK(world.pool.set_imported("acme:c", true).error().errc() == cp::Errc::not_found);
}

TEST_CASE("pool/pool: validation is asked for each token, not for each credential") {
  const cp::ManualClock clock{start};
  cp::PoolSettings settings;
  settings.require_validation = true;
  auto login = cp::Credential::login("acme-cli", "acme", "store");
  login.profile_id = "acme:a";
  login.secret = cp::Secret{"first"};
  TestPool<> world{clock, {login}, {}, settings};
  CHECK(world.verdict("a") == cp::Eligibility::unverified);
  REQUIRE(world.pool.note_validation(login.id, cp::Status::active, cp::Reason::none));
  CHECK(world.verdict("a") == cp::Eligibility::eligible);
  login.secret = cp::Secret{"second"};
  REQUIRE(world.pool.replace_credentials({login}));
  CHECK(world.verdict("a") == cp::Eligibility::unverified);
  REQUIRE(world.pool.note_validation(login.id, cp::Status::revoked, cp::Reason::rejected));
  CHECK(world.verdict("a") == cp::Eligibility::needs_login);
}

TEST_CASE(
    "pool/pool: an explicit order excludes, ranks, and is ignored when nobody of it is there") {
  const cp::ManualClock clock{start};
  cp::PoolSettings settings;
  settings.order["acme"] = {"acme:c", "acme:a"};
  TestPool<> world{clock, {key("a"), key("b"), key("c")}, {}, settings};
  CHECK(world.verdict("b") == cp::Eligibility::excluded_by_order);
  CHECK(TestPool<>::label(*world.pool.credentials().front()) == "c");
  REQUIRE(world.pool.replace_credentials({key("b"), key("d")}));
  CHECK(world.verdict("b") == cp::Eligibility::eligible);
}

TEST_CASE("pool/pool: a pin is served by its credential or not at all") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a"), key("b")}};
  const auto id = world.pool.find("acme:b").value()->id.hex();
  for (const std::string& pin :
       {std::string{"acme:b"}, id, id.substr(0, 8), id.substr(0, 12) + "@acme:b",
        std::string{"acme-cli@acme:b"}, std::string{"acme@acme:b"}, std::string{"k2@acme:b"}}) {
    CAPTURE(pin);
    for (int i = 0; i < 3; ++i)
      CHECK(world.use({.provider = "acme", .model = "k2", .pin = pin}) == "b");
  }
  CHECK(world.verdict("a", {.provider = "acme", .pin = "acme:b"}) ==
        cp::Eligibility::pinned_elsewhere);
  CHECK(world.pool.acquire({.pin = "nobody"}).error().errc() == cp::Errc::not_found);
  CHECK(world.pool.acquire({.pin = "other@acme:b"}).error().errc() == cp::Errc::not_found);
  REQUIRE(world.pool.set_disabled("acme:b", true));
  const auto refused = world.pool.acquire({.provider = "acme", .pin = "acme:b"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint.find("acme:b disabled") != std::string::npos);
  CHECK(refused.error().hint.find("acme:a") == std::string::npos);
}

TEST_CASE("pool/pool: what has failed this request is not lent for it again") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, keys(3)};
  cp::LeaseRequest request{.provider = "acme"};
  std::set<std::string> seen;
  for (int i = 0; i < 3; ++i) {
    auto lease = world.pool.acquire(request);
    REQUIRE(lease);
    request.tried.push_back(lease->credential().id);
    seen.insert(lease->credential().profile_id);
  }
  CHECK(seen.size() == 3);
  const auto none = world.pool.acquire(request);
  REQUIRE_FALSE(none);
  CHECK(none.error().hint.find("already_tried") != std::string::npos);
  CHECK(world.use() != "");  // other requests may
}

TEST_CASE("pool/pool: an expiry that passes while the pool runs takes the credential out") {
  cp::ManualClock clock{start};
  auto login = cp::Credential::login("acme-cli", "acme", "store");
  login.profile_id = "acme:login";
  login.secret = cp::Secret{"at"};
  login.expires_at = start + 10s;
  TestPool<cp::RoundRobin> world{clock, {login, key("a")}};
  std::set<std::string> before{world.use(), world.use()};
  CHECK(before.size() == 2);
  clock.advance(10s);
  CHECK(world.use() == "a");
  CHECK(world.use() == "a");
}

TEST_CASE("pool/pool: the error names the reasons of several, and counts the rest") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, keys(9)};
  for (int i = 0; i < 9; ++i)
    world.use({.provider = "acme"}, cp::Outcome::rate_limited(start + 1min * (9 - i)));
  const auto refused = world.pool.acquire({.provider = "acme"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().retry_at == start + 1min);
  CHECK(refused.error().hint.find("cooling_down until 2026-") != std::string::npos);
  CHECK(refused.error().hint.find("and 3 more") != std::string::npos);
  CHECK(refused.error().hint.find("key-") == std::string::npos);
}

TEST_CASE("pool/pool: explaining lends nothing and changes no choice") {
  const cp::ManualClock clock{start};
  TestPool<cp::RoundRobin> world{clock, keys(5)};
  for (int i = 0; i < 12; ++i) {
    const auto explained = world.pool.explain({.provider = "acme"});
    const auto again = world.pool.explain({.provider = "acme"});
    CHECK(explained.chosen == again.chosen);
    auto lease = world.pool.acquire({.provider = "acme"});
    REQUIRE(lease);
    CHECK(explained.chosen == lease->credential().id);
  }
}

TEST_CASE(
    "pool/pool: a refresh swaps the token in, and a late refusal of the old one does no harm") {
  const cp::ManualClock clock{start};
  cp::Pool pool{cp::Sources<>{},     cp::LeastUsed{},    Refresher{}, cp::MemoryState{},
                cp::ClockRef{clock}, cp::PoolSettings{}, nowhere()};
  auto login = cp::Credential::login("acme-cli", "acme", "store");
  login.secret = cp::Secret{"first"};
  REQUIRE(pool.replace_credentials({login}));
  auto lease = pool.acquire({});
  REQUIRE(lease);
  REQUIRE(pool.refresh(login.id.hex()));
  lease->report(cp::Outcome::auth_failed());  // E1: the refused token is not the present one
  auto next = pool.acquire({});
  REQUIRE(next);
  CHECK(next->secret().reveal() == "second");
  next->report(cp::Outcome::auth_failed());
  CHECK_FALSE(pool.acquire({}));
  CHECK(pool.explain({}).candidates.front().verdict == cp::Eligibility::needs_login);
}
