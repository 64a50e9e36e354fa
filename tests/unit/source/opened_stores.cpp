// SPDX-License-Identifier: MIT
#include <credpool/source/opened_stores.hpp>

#include "made_up_login.hpp"

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <sstream>

namespace cp = credpool;

namespace {

constexpr auto now = made_up_now;
constexpr auto file_name = ".local/state/credpool/opened-stores.json";

cp::Digest store(std::string_view name) {
  return cp::sha256(name);
}

struct World {
  ThrowawayHome home;
  std::filesystem::path file = home.path() / file_name;

  cp::OpenedStores opened() const { return {file, home.environment()}; }
  void keep(std::string_view name, const cp::Credential& credential) const {
    auto stores = opened();
    stores.note(store(name), {&credential, 1});
    REQUIRE(stores.keep());
  }
  bool knows(std::string_view name) const { return opened().recall(store(name)).has_value(); }
  std::string text() const {
    std::ostringstream bytes;
    bytes << std::ifstream{file}.rdbuf();
    return bytes.str();
  }
  mode_t mode() const {
    struct stat facts {};
    REQUIRE(::lstat(file.c_str(), &facts) == 0);
    return facts.st_mode & 07777;
  }
};

}  // namespace

TEST_CASE("source/opened_stores: what was noted comes back, without the tokens") {
  const World world;
  const auto noted = made_up_login();
  world.keep("a", noted);
  CHECK(world.mode() == 0600);
  for (const auto* const token : {"made-up-access", "made-up-refresh"})
    CHECK(world.text().find(token) == std::string::npos);

  CHECK_FALSE(world.knows("b"));
  auto stores = world.opened();
  const auto recalled = stores.recall(store("a"));
  REQUIRE(recalled);
  REQUIRE(recalled->size() == 1);
  const auto& credential = recalled->front();
  CHECK(credential.secret.empty());
  CHECK(credential.refresh_token.empty());
  CHECK(credential.id == noted.id);
  CHECK(credential.cli == noted.cli);
  CHECK(credential.provider == noted.provider);
  CHECK(credential.profile_id == noted.profile_id);
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == noted.ownership);
  CHECK(credential.detail == noted.detail);
  CHECK(credential.account == noted.account);
  CHECK(credential.plan == noted.plan);
  CHECK(credential.base_url == noted.base_url);
  CHECK(credential.scopes == noted.scopes);
  CHECK(credential.expires_at == noted.expires_at);
  CHECK(credential.refresh_at == noted.refresh_at);
  CHECK(credential.token_hash() == noted.token_hash());
  CHECK(credential.places.front().pointer == "/service/account");
  for (const auto hours : {0, 1, 2}) {
    const auto then = now + std::chrono::hours{hours};
    CHECK(credential.status_at(then) == noted.status_at(then));
    CHECK(credential.reason_at(then) == noted.reason_at(then));
    CHECK(credential.usable_at(then) == noted.usable_at(then));
    CHECK(credential.can_refresh_at(then) == noted.can_refresh_at(then));
  }

  // It is kept as well when something else is noted later.
  world.keep("b", *recalled->begin());
  CHECK(world.knows("a"));
  CHECK(world.opened().recall(store("b"))->front().token_hash() == noted.token_hash());
}

TEST_CASE("source/opened_stores: a credential that cannot be used, and one without an end") {
  const World world;
  world.keep("a", cp::Credential::unusable("gemini-cli", "google-gemini-cli", "/store",
                                           cp::Reason::encrypted_elsewhere, "of another host"));
  auto recalled = world.opened().recall(store("a"));
  REQUIRE(recalled);
  CHECK(recalled->front().status_at(now) == cp::Status::invalid);
  CHECK(recalled->front().reason_at(now) == cp::Reason::encrypted_elsewhere);
  CHECK(recalled->front().token_hash().empty());
  CHECK_FALSE(recalled->front().has_secret());

  world.keep("a", cp::Credential::api_key("gemini-cli", "gemini", cp::Secret{"made-up-key"}));
  recalled = world.opened().recall(store("a"));
  REQUIRE(recalled);
  CHECK_FALSE(recalled->front().expires_at);
  CHECK(recalled->front().usable_at(now));
  CHECK_FALSE(recalled->front().has_refresh_token());
}

TEST_CASE("source/opened_stores: nothing is written when nothing is new") {
  const World world;
  auto stores = world.opened();
  CHECK_FALSE(stores.recall(store("a")));
  CHECK(stores.keep());
  CHECK_FALSE(std::filesystem::exists(world.file.parent_path()));
}

TEST_CASE("source/opened_stores: a file that is not as we write it counts as empty") {
  const World world;
  world.keep("a", made_up_login());
  const auto good = world.text();
  const auto with = [&](std::string_view from, std::string_view to) {
    auto text = good;
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
  };
  for (const auto& text :
       {std::string{}, std::string{"[]"}, std::string{"{}"}, good.substr(0, good.size() / 2),
        std::string(70 << 10, ' ') + good, with(CREDPOOL_VERSION_STRING, "0.0.1"),
        with(R"("status":"active")", R"("status":"lively")"),
        with(R"("secret":true)", R"("secret":1)"), with(R"("scopes":[)", R"("scopes":[7,)"),
        with(R"("expiresAt":1)", R"("expiresAt":999)"), with(R"("id":")", R"("id":"00)")}) {
    CAPTURE(text.substr(0, 60));
    world.home.write(file_name, text);
    CHECK_FALSE(world.knows("a"));
    world.keep("a", made_up_login());  // and is written anew
    CHECK(world.knows("a"));
  }
  world.home.write(file_name, good, 0640);
  CHECK_FALSE(world.knows("a"));
  world.keep("a", made_up_login());
  CHECK(world.mode() == 0600);
}

TEST_CASE("source/opened_stores: a link is neither followed nor replaced") {
  const World world;
  world.keep("a", made_up_login());
  const auto target = world.home.write("target.json", world.text());
  std::filesystem::remove(world.file);
  std::filesystem::create_symlink(target, world.file);
  CHECK_FALSE(world.knows("a"));

  auto stores = world.opened();
  const auto before = std::filesystem::last_write_time(target);
  const auto credential = made_up_login();
  stores.note(store("b"), {&credential, 1});
  const auto kept = stores.keep();
  REQUIRE_FALSE(kept);
  CHECK(kept.error().errc() == cp::Errc::unsafe_file);
  CHECK(std::filesystem::is_symlink(world.file));
  CHECK(std::filesystem::last_write_time(target) == before);
}

TEST_CASE("source/opened_stores: it stays small") {
  const World world;
  for (int i = 0; i < 20; ++i) world.keep(std::to_string(i), made_up_login());
  CHECK_FALSE(world.knows("3"));
  CHECK(world.knows("4"));
  CHECK(world.knows("19"));

  auto large = made_up_login();
  large.detail = std::string(50 << 10, 'x');
  world.keep("large", large);
  CHECK(world.knows("large"));
  CHECK(world.text().size() <= 64 << 10);
  large.detail = std::string(70 << 10, 'x');
  auto stores = world.opened();
  stores.note(store("larger"), {&large, 1});
  CHECK(stores.keep());
  CHECK_FALSE(world.knows("larger"));
}
