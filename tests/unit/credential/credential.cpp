// SPDX-License-Identifier: MIT
#include <credpool/credential/credential.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{seconds{1795000000}};

cp::Credential login(std::string_view secret, std::string_view refresh = {}) {
  auto credential = cp::Credential::login("codex-cli", "openai", "/store", "account");
  credential.secret = cp::Secret{secret};
  credential.refresh_token = cp::Secret{refresh};
  credential.places.push_back({"/store", ""});
  return credential;
}

}  // namespace

TEST_CASE("credential: a key is named by itself, a login by its store and account") {
  const auto key = [](std::string_view cli, std::string_view provider, std::string_view text) {
    return cp::Credential::api_key(cli, provider, cp::Secret{text}).id;
  };
  CHECK(key("a", "openai", "k") == key("b", "openai", "k"));
  CHECK(key("a", "openai", "k") != key("a", "moonshot", "k"));
  CHECK(key("a", "openai", "k") != key("a", "openai", "l"));

  const auto first = cp::Credential::login("c", "p", "/store", "account").id;
  CHECK(cp::Credential::login("c", "p", "/store", "account").id == first);
  CHECK(cp::Credential::login("c", "p", "/store", "other").id != first);
  CHECK(cp::Credential::login("c", "p", "/other", "account").id != first);
  CHECK(cp::Credential::login("c", "q", "/store", "account").id != first);
  CHECK(first.hex().size() == 64);
  CHECK(first.hex().starts_with(first.short_hex()));
  CHECK(first.short_hex().size() == 12);
}

TEST_CASE("credential: the hash of the token, of the refresh token, or none") {
  CHECK(login("at", "rt").token_hash() == cp::token_hash("at"));
  CHECK(login("", "rt").token_hash() == cp::token_hash("rt"));
  CHECK(login("").token_hash().empty());
}

TEST_CASE("credential: how it stands depends on the time") {
  auto credential = login("at", "rt");
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.reason_at(now) == cp::Reason::none);
  credential.expires_at = now + seconds{100};
  credential.refresh_at = now + seconds{50};
  const auto at = [&](int second) { return credential.status_at(now + seconds{second}); };
  CHECK(at(49) == cp::Status::active);
  CHECK(at(50) == cp::Status::expiring);
  CHECK(at(99) == cp::Status::expiring);
  CHECK(at(100) == cp::Status::expired);
  CHECK(credential.usable_at(now + seconds{99}));
  CHECK_FALSE(credential.usable_at(now + seconds{100}));
  CHECK(credential.reason_at(now + seconds{50}) == cp::Reason::refreshable);
  CHECK(credential.reason_at(now + seconds{100}) == cp::Reason::refreshable);
  credential.refresh_token = {};
  CHECK(credential.reason_at(now + seconds{100}) == cp::Reason::not_refreshable);
}

TEST_CASE("credential: without an access token it is expired, or needs a login") {
  CHECK(login("", "rt").status_at(now) == cp::Status::expired);
  CHECK(login("", "rt").reason_at(now) == cp::Reason::refreshable);
  CHECK_FALSE(login("", "rt").usable_at(now));
  CHECK(login("").status_at(now) == cp::Status::needs_login);
  CHECK(login("").reason_at(now) == cp::Reason::signed_out);
}

TEST_CASE("credential: a standing verdict wins over the clock") {
  auto credential = login("at");
  credential.status = cp::Status::revoked;
  credential.reason = cp::Reason::rejected;
  credential.expires_at = now - seconds{1};
  CHECK(credential.status_at(now) == cp::Status::revoked);
  CHECK(credential.reason_at(now) == cp::Reason::rejected);
  CHECK_FALSE(credential.usable_at(now));

  auto ended = login("at");
  ended.reason = cp::Reason::service_ended;
  CHECK(ended.status_at(now) == cp::Status::active);
  CHECK_FALSE(ended.usable_at(now));
}

TEST_CASE("credential: something that cannot be used says what helps") {
  const auto of = [](cp::Reason reason) {
    return cp::Credential::unusable("c", "p", "/store", reason, "why");
  };
  CHECK(of(cp::Reason::signed_out).status == cp::Status::needs_login);
  CHECK(of(cp::Reason::malformed).status == cp::Status::invalid);
  CHECK(of(cp::Reason::malformed).detail == "why");
  // The same store that is mended later is the same credential.
  CHECK(of(cp::Reason::malformed).id == cp::Credential::login("c", "p", "/store").id);
}

TEST_CASE("credential: a time in seconds or milliseconds") {
  CHECK(cp::time_from_epoch(4102444800) == cp::TimePoint{seconds{4102444800}});
  CHECK(cp::time_from_epoch(4102444800000) == cp::TimePoint{seconds{4102444800}});
  CHECK(cp::time_from_epoch(1700000000.5) == cp::TimePoint{milliseconds{1700000000500}});
  CHECK(cp::time_from_epoch(0) == cp::TimePoint{});
  CHECK(cp::time_from_epoch(99999999999.0) == cp::TimePoint{seconds{99999999999}});
  CHECK(cp::time_from_epoch(100000000000.0) == cp::TimePoint{milliseconds{100000000000}});
  CHECK(cp::time_from_epoch(253402300799999.0));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {-1.0, std::nan(""), infinity, -infinity, 253402300800000.0, 1e300})
    CHECK_FALSE(cp::time_from_epoch(value));
}

TEST_CASE("credential: one token in two places is one credential with two places") {
  auto first = cp::Credential::api_key("a", "openai", cp::Secret{"k"});
  first.places.push_back({"/first", ""});
  auto second = cp::Credential::api_key("b", "openai", cp::Secret{"k"});
  second.places.push_back({"/second", ""});
  auto elsewhere = cp::Credential::api_key("b", "moonshot", cp::Secret{"k"});
  elsewhere.places.push_back({"/third", ""});
  std::vector<cp::Credential> credentials{first, login("at"), second, elsewhere};
  cp::merge_same_tokens(credentials);
  REQUIRE(credentials.size() == 3);
  CHECK(credentials[0].cli == "a");
  REQUIRE(credentials[0].places.size() == 2);
  CHECK(credentials[0].places[0].location == "/first");
  CHECK(credentials[0].places[1].location == "/second");
  CHECK(credentials[1].kind == cp::Kind::oauth);
  CHECK(credentials[2].provider == "moonshot");
}

TEST_CASE("credential: entries without a token are never joined, and profile ids are unique") {
  std::vector<cp::Credential> credentials;
  for (const std::string_view store : {"/a", "/b", "/c"})
    credentials.push_back(
        cp::Credential::unusable("c", "p", store, cp::Reason::malformed, "broken"));
  credentials[2].profile_id = "p:default-2";
  cp::merge_same_tokens(credentials);
  REQUIRE(credentials.size() == 3);
  CHECK(credentials[0].profile_id == "p:default");
  CHECK(credentials[1].profile_id == "p:default-2");
  CHECK(credentials[2].profile_id == "p:default-2-2");
}

TEST_CASE("credential: of two places of one token the one that works is kept") {
  auto broken = login("at", "rt");
  broken.status = cp::Status::invalid;
  broken.reason = cp::Reason::malformed;
  broken.places = {{"/broken", ""}};
  auto good = login("at", "rt");
  std::vector<cp::Credential> credentials{broken, good};
  cp::merge_same_tokens(credentials);
  REQUIRE(credentials.size() == 1);
  CHECK(credentials[0].status == cp::Status::active);
  CHECK(credentials[0].places.front().location == "/store");
  CHECK(credentials[0].places.size() == 2);
}
