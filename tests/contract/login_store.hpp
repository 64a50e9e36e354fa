#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/credential/login_store.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

/// One CLI's file with a login in it. See tests/unit/source/login_stores.cpp for the table.
struct LoginStoreRow {
  using Credentials = credpool::Result<std::vector<credpool::Credential>>;
  using Store = credpool::Result<std::unique_ptr<credpool::LoginStore>>;

  std::string cli;
  std::function<Credentials(const credpool::Environment&)> discover;
  std::function<Store(const credpool::Credential&, const credpool::Environment&)> open;
  std::filesystem::path path;  ///< of the file, below the home
  std::string text;            ///< as the CLI writes it, with members that we do not know
  std::string access;          ///< the tokens in `text`
  std::string refresh;
  std::string tombstone;  ///< what the CLI leaves when it has signed itself out
  /// JSON pointers of the members that a refresh may change.
  std::vector<std::string> changed;
  /// What a token endpoint may grant; it names no new refresh token.
  credpool::GrantedTokens granted;
};

namespace login_store_contract {

namespace cp = credpool;
using Json = nlohmann::ordered_json;

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000123}};  // 2026-11-18

inline std::unique_ptr<cp::LoginStore> open(const LoginStoreRow& row,
                                            const cp::Environment& environment) {
  const auto found = row.discover(environment);
  REQUIRE(found);
  REQUIRE_FALSE(found->empty());
  auto store = row.open(found->front(), environment);
  INFO((store ? std::string{} : store.error().message()));
  REQUIRE(store);
  REQUIRE(*store);
  return std::move(*store);
}

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline std::vector<std::string> keys_of(const Json& document) {
  std::vector<std::string> keys;
  for (const auto& item : document.items()) keys.push_back(item.key());
  return keys;
}

inline void reads_what_stands_there(const LoginStoreRow& row) {
  const ThrowawayHome home;
  const auto path = home.write(row.path, row.text, 0640);
  const auto store = open(row, home.environment());
  CHECK(store->cli() == row.cli);
  CHECK_FALSE(store->provider().empty());
  CHECK(store->file() == std::filesystem::canonical(path));
  const auto login = store->read();
  REQUIRE(login);
  CHECK(login->text.reveal() == row.text);
  CHECK(login->tokens.access_token.reveal() == row.access);
  CHECK(login->tokens.refresh_token.reveal() == row.refresh);
  CHECK(login->tokens.expires_at == cp::TimePoint{std::chrono::seconds{4102444800}});
  CHECK(login->mode == 0640);
  CHECK_FALSE(login->signed_out());
}

/// Rewrites, puts it in place, reads back, and lets the source itself look at it.
inline void rewrites_only_the_login(const LoginStoreRow& row, bool new_refresh_token) {
  const ThrowawayHome home;
  const auto path = home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  const auto current = store->read();
  REQUIRE(current);
  auto granted = row.granted;
  if (new_refresh_token) granted.refresh_token = cp::Secret{"rt-new-fake"};
  const auto rewritten = store->rewritten(*current, granted, now);
  REQUIRE(rewritten);
  CHECK(text_of(path) == row.text);  // it is the caller who writes

  home.write(row.path, rewritten->reveal());
  const auto after = store->read();
  REQUIRE(after);
  CHECK(after->tokens.access_token.reveal() == granted.access_token.reveal());
  CHECK(after->tokens.refresh_token.reveal() == (new_refresh_token ? "rt-new-fake" : row.refresh));
  const auto found = row.discover(home.environment());
  REQUIRE(found);
  CHECK(found->front().secret.reveal() == granted.access_token.reveal());
  CHECK(found->front().status == cp::Status::active);

  auto before_it = Json::parse(row.text);
  auto after_it = Json::parse(rewritten->reveal());
  CHECK(keys_of(after_it) == keys_of(before_it));
  CHECK(before_it != after_it);
  for (const auto& pointer : row.changed) {
    before_it[Json::json_pointer{pointer}] = nullptr;
    after_it[Json::json_pointer{pointer}] = nullptr;
  }
  CHECK(before_it.dump() == after_it.dump());
  // The layout is the CLI's: as many lines as before, and the same end.
  CHECK(std::count(row.text.begin(), row.text.end(), '\n') ==
        std::count(rewritten->reveal().begin(), rewritten->reveal().end(), '\n'));
  CHECK(row.text.ends_with('\n') == rewritten->reveal().ends_with('\n'));
}

inline void rewrites_again_to_the_same(const LoginStoreRow& row) {
  const ThrowawayHome home;
  home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  const auto once = store->rewritten(store->read().value(), row.granted, now).value();
  home.write(row.path, once.reveal());
  const auto twice = store->rewritten(store->read().value(), row.granted, now);
  REQUIRE(twice);
  CHECK(twice->reveal() == once.reveal());
}

inline void knows_a_tombstone(const LoginStoreRow& row) {
  const ThrowawayHome home;
  home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  home.write(row.path, row.tombstone);
  const auto login = store->read();
  REQUIRE(login);
  CHECK(login->signed_out());
}

inline void follows_a_link_once(const LoginStoreRow& row) {
  const ThrowawayHome home;
  const auto target = home.write("elsewhere/login.json", row.text);
  const auto path = home.write(row.path, "");
  std::filesystem::remove(path);
  std::filesystem::create_symlink(target, path);
  const auto store = open(row, home.environment());
  CHECK(store->file() == std::filesystem::canonical(target));
  CHECK(store->read());
  // A link that comes to stand in the target's place afterwards is not followed.
  std::filesystem::rename(target, home.path() / "elsewhere/moved.json");
  std::filesystem::create_symlink(home.path() / "elsewhere/moved.json", target);
  const auto read = store->read();
  REQUIRE_FALSE(read);
  CHECK(read.error().errc() == cp::Errc::unsafe_file);
}

inline void refuses_a_link_to_where_others_write(const LoginStoreRow& row) {
  const ThrowawayHome home;
  const auto target = home.write("elsewhere/login.json", row.text);
  const auto path = home.write(row.path, "");
  std::filesystem::remove(path);
  std::filesystem::create_symlink(target, path);
  const auto found = row.discover(home.environment());
  REQUIRE(found);
  REQUIRE(::chmod((home.path() / "elsewhere").c_str(), 0777) == 0);
  const auto store = row.open(found->front(), home.environment());
  REQUIRE_FALSE(store);
  CHECK(store.error().errc() == cp::Errc::unsafe_file);
}

/// The same words for a broken file as discovery has, and no secret in them.
inline void refuses_hostile_files(const LoginStoreRow& row) {
  const ThrowawayHome home;
  const auto path = home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  const auto refused = [&](const std::string& text, cp::Errc expected) {
    home.write(row.path, text);
    const auto read = store->read();
    REQUIRE_FALSE(read);
    CHECK(read.error().errc() == expected);
    const auto message = read.error().message();
    CHECK(message.find(path.filename().string()) != std::string::npos);
    CHECK(message.find(row.refresh) == std::string::npos);
    CHECK(message.find(row.access) == std::string::npos);
  };
  refused(row.text.substr(0, row.text.size() / 2), cp::Errc::malformed);
  refused("", cp::Errc::malformed);
  refused("[]", cp::Errc::malformed);
  refused(row.text + "}", cp::Errc::malformed);
  refused(R"({"a":1,"a":2})", cp::Errc::duplicate_key);
  refused(std::string(65, '[') + std::string(65, ']'), cp::Errc::too_deep);
  refused(std::string(2 << 20, ' '), cp::Errc::too_large);

  std::filesystem::remove(path);
  CHECK(store->read().error().errc() == cp::Errc::not_found);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(store->read().error().errc() == cp::Errc::unsafe_file);
  std::filesystem::remove(path);

  // What is to be rewritten is judged as strictly.
  cp::StoredLogin broken;
  for (const std::string text : {R"({"a":1,"a":2})", "[]", "{"}) {
    broken.text = cp::Secret{text};
    CHECK_FALSE(store->rewritten(broken, row.granted, now));
  }
}

/// Both locks: taken, held, refused to another, gone with nothing left but files that stay.
inline void locks_and_lets_go(const LoginStoreRow& row) {
  const ThrowawayHome home;
  home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  CHECK(store->longest_hold() >= std::chrono::seconds{4});
  const auto take = [&](bool write) {
    return write ? store->lock_write(cp::Duration{0}) : store->lock_exchange(cp::Duration{0});
  };
  auto exchange_lock = take(false);
  REQUIRE(exchange_lock);
  auto write_lock = take(true);  // while the other one is held, as in an exchange
  REQUIRE(write_lock);
  for (const bool write : {false, true}) {
    auto& lock = write ? *write_lock : *exchange_lock;
    if (!lock) continue;
    CHECK(lock->still_held());
    const auto second = take(write);
    REQUIRE_FALSE(second);
    CHECK(second.error().errc() == cp::Errc::busy);
    CHECK(second.error().place.find(home.path().string()) == 0);
  }
  write_lock->reset();
  exchange_lock->reset();
  CHECK(take(false));
  CHECK(take(true));
}

inline void refreshes_before_the_cli(const LoginStoreRow& row) {
  const ThrowawayHome home;
  home.write(row.path, row.text);
  const auto credential = row.discover(home.environment())->front();
  const auto store = open(row, home.environment());
  const auto lifetime = store->read()->tokens.lifetime.value_or(std::chrono::hours{1});
  REQUIRE(credential.refresh_at);
  CHECK(store->advisory_window(lifetime) > *credential.expires_at - *credential.refresh_at);
}

/// Everything that a LoginStore of a CLI's file must do.
inline void all(const LoginStoreRow& row) {
  CAPTURE(row.cli);
  reads_what_stands_there(row);
  rewrites_only_the_login(row, true);
  rewrites_only_the_login(row, false);
  rewrites_again_to_the_same(row);
  knows_a_tombstone(row);
  follows_a_link_once(row);
  refuses_a_link_to_where_others_write(row);
  refuses_hostile_files(row);
  locks_and_lets_go(row);
  refreshes_before_the_cli(row);
}

}  // namespace login_store_contract
