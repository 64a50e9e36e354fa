// SPDX-License-Identifier: MIT
#include <credpool/source/droid.hpp>

#include "discovered.hpp"

#include <credpool/core/encoding.hpp>

#include <droid_seal.hpp>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".factory/auth.v2.file";
constexpr auto key_store = ".factory/auth.v2.key";
const std::string key{droid_test_key};
const std::string O5 =
    "MzMzMzMzMzMzMzMz:czxN+BHFlSAlMI/wmv/"
    "clw==:DeGniRZJBRtXmfQbcL8vqAfAH6V0khuUbKVNhfbQdhLgjcF1yxmm8GXQ";

}  // namespace

TEST_CASE("source/droid: O5 the known answer") {
  const ThrowawayHome home;
  const auto path = home.write(store, O5 + "\n");
  home.write(key_store, key + "\n");
  const auto credential = only_discovered<cp::Droid>(home.environment());
  CHECK(credential.provider == "factory");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::borrow);
  CHECK(credential.secret.reveal() == "at");
  CHECK(credential.refresh_token.reveal() == "rt");
  CHECK(credential.reason == cp::Reason::expiry_unknown);
  CHECK(credential.places[0].location == path.string());
  CHECK(credential.usable_at(now));
}

TEST_CASE("source/droid: the end of the token, the account and the organisation") {
  const ThrowawayHome home;
  const auto with = [&](std::string_view plain, std::size_t iv_size) {
    home.write(store, sealed_for_droid(plain, iv_size));
    home.write(key_store, key);
    return only_discovered<cp::Droid>(home.environment());
  };
  const auto plain = R"({"access_token":"e30.)" +
                     cp::encode_base64url(R"({"exp":4102444800,"sub":"user_1","email":"a@b.c"})") +
                     R"(.FAKE","refresh_token":"rt-FAKE","active_organization_id":"org_1"})";
  for (const std::size_t iv_size : {12, 16}) {
    const auto credential = with(plain, iv_size);
    CHECK(credential.expires_at == far);
    CHECK(credential.account == "a@b.c");
    CHECK(credential.account_id == "org_1");
  }
  CHECK(with("FAKE", 12).reason == cp::Reason::malformed);
  CHECK(with("[]", 12).reason == cp::Reason::malformed);
  CHECK(with("{}", 12).reason == cp::Reason::malformed);
}

TEST_CASE("source/droid: O5 broken forms") {
  const ThrowawayHome home;
  const auto reason = [&](const std::string& text, const std::string& key_text) {
    home.write(store, text);
    home.write(key_store, key_text);
    return only_discovered<cp::Droid>(home.environment()).reason;
  };
  using enum cp::Reason;
  auto flipped = O5;
  flipped[flipped.size() - 1] = flipped.back() == 'A' ? 'B' : 'A';
  CHECK(reason(flipped, key) == encrypted_elsewhere);
  auto other_key = key;
  other_key[0] = 'J';
  CHECK(reason(O5, other_key) == encrypted_elsewhere);
  CHECK(reason("", key) == malformed);
  CHECK(reason("MzMz:czxN", key) == malformed);
  CHECK(reason("MzMz:czxN:!!!!", key) == malformed);
  CHECK(reason(O5, "") == malformed);
  CHECK(reason(O5, "IiIi") == malformed);
  CHECK(reason(O5, std::string(70000, 'I')) == too_large);
  CHECK(reason(std::string(70000, 'I'), key) == too_large);
  home.write(store, O5);
  std::filesystem::remove(home.path() / key_store);
  CHECK(only_discovered<cp::Droid>(home.environment()).reason == encrypted_elsewhere);
}

TEST_CASE("source/droid: a key in the keyring, and the older files, are named") {
  const ThrowawayHome home;
  CHECK(discovered<cp::Droid>(home.environment()).empty());
  home.write(".factory/auth.json", "{}");
  home.write(".factory/auth.encrypted", "FAKE");
  const auto older = discovered<cp::Droid>(home.environment());
  REQUIRE(older.size() == 2);
  CHECK(older[0].reason == cp::Reason::unknown_mode);
  CHECK(older[0].id != older[1].id);
  home.write(".factory/auth.v2.keyring", "FAKE");
  CHECK(only_discovered<cp::Droid>(home.environment()).reason == cp::Reason::in_keyring);
}
