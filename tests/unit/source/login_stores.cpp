// SPDX-License-Identifier: MIT
// The write side of the six CLIs: what a refresh reads, locks and writes.
#include "login_store_rows.hpp"

#include <credpool/core/platform.hpp>
#include <credpool/source/sources.hpp>

#include <fcntl.h>
#include <sys/file.h>

namespace cp = credpool;
namespace fs = std::filesystem;
using login_store_contract::Json;
using login_store_contract::now;
using login_store_contract::open;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

/// The document that the store makes of the row's file.
Json rewritten(const LoginStoreRow& row, const cp::GrantedTokens& granted,
               const ThrowawayHome& home) {
  home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  const auto text = store->rewritten(store->read().value(), granted, now);
  REQUIRE(text);
  return Json::parse(text->reveal());
}

cp::StoredTokens tokens_in(const LoginStoreRow& row, const std::string& text) {
  const ThrowawayHome home;
  home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  home.write(row.path, text);
  const auto login = store->read();
  REQUIRE(login);
  return login->tokens;
}

/// What that login's store answers, when it is asked for.
cp::Errc refusal(const LoginStoreRow& row, const ThrowawayHome& home,
                 const cp::Environment& environment) {
  const auto found = row.discover(environment);
  REQUIRE(found);
  REQUIRE_FALSE(found->empty());
  const auto store = row.open(found->front(), environment);
  REQUIRE_FALSE(store);
  CHECK(store.error().message().find(home.path().string() + "x") == std::string::npos);
  return store.error().errc();
}

bool stands(const fs::path& path) {
  struct stat facts {};
  return ::lstat(path.c_str(), &facts) == 0;
}

}  // namespace

TEST_CASE("source/login_stores: contract") {
  for (const auto& row : rows()) login_store_contract::all(row);
}

TEST_CASE("source/login_stores: all sources together find the store of each login") {
  const cp::Sources sources{cp::KimiCli{}, cp::KimiCode{},  cp::CodexCli{},
                            cp::QwenCli{}, cp::GeminiCli{}, cp::ClaudeCli{}};
  for (const auto& row : rows()) {
    CAPTURE(row.cli);
    const ThrowawayHome home;
    home.write(row.path, row.text);
    const auto environment = home.environment();
    const auto found = row.discover(environment);
    REQUIRE(found);
    const auto store = sources.login_store(found->front(), environment);
    REQUIRE(store);
    CHECK((*store)->cli() == row.cli);
  }
}

TEST_CASE("source/login_stores: only a login in its CLI's own file has a store") {
  for (const auto& row : rows()) {
    CAPTURE(row.cli);
    const ThrowawayHome home;
    home.write(row.path, row.text);
    const auto environment = home.environment();
    const auto login = row.discover(environment)->front();
    const auto refused = [&](auto change) {
      auto other = login;
      change(other);
      const auto store = row.open(other, environment);
      REQUIRE_FALSE(store);
      CHECK(store.error().errc() == cp::Errc::unsupported);
    };
    refused([](cp::Credential& c) { c.cli = "opencode"; });
    refused([](cp::Credential& c) { c.kind = cp::Kind::api_key; });
    refused([](cp::Credential& c) { c.places.clear(); });
    refused([](cp::Credential& c) { c.places.front().cli = "opencode"; });
    refused([](cp::Credential& c) { c.places.front().location = "env:SOME_TOKEN"; });
    refused([](cp::Credential& c) { c.places.front().location = "keyring:some"; });
    refused([](cp::Credential& c) { c.places.front().location = "/elsewhere/auth.json"; });
    refused([](cp::Credential& c) { c.refresh_token = cp::Secret{}; });  // K8, G3, A3
    refused([](cp::Credential& c) { c.reason = cp::Reason::unknown_mode; });
  }
}

TEST_CASE("source/login_stores: C3 C11 C12 what codex keeps besides logins has no store") {
  const auto row = codex_row();
  const auto changed = [&](std::string_view what, const std::string& with) {
    auto text = row.text;
    return text.replace(text.find(what), what.size(), with);
  };
  for (const auto& text :
       {std::string{R"({"OPENAI_API_KEY":"sk-FAKE"})"}, changed("\"chatgpt\"", "\"future\""),
        changed("\"chatgpt\"", "\"chatgptAuthTokens\"")}) {
    const ThrowawayHome home;
    home.write(row.path, text);
    CHECK(refusal(row, home, home.environment()) == cp::Errc::unsupported);
  }
  // Told after the store was opened, too.
  const ThrowawayHome home;
  home.write(row.path, row.text);
  const auto store = open(row, home.environment());
  home.write(row.path, changed("\"chatgpt\"", "\"future\""));
  CHECK(store->read().error().errc() == cp::Errc::unsupported);
}

TEST_CASE("source/login_stores: C15 a login in the keyring has no store") {
  const auto row = codex_row();
  const ThrowawayHome home;
  home.write(".codex/config.toml", "cli_auth_credentials_store = \"keyring\"\n");
  CHECK(refusal(row, home, home.environment()) == cp::Errc::unsupported);
}

TEST_CASE("source/login_stores: a link that leads nowhere is unsafe") {
  for (const auto& row : rows()) {
    CAPTURE(row.cli);
    const ThrowawayHome home;
    const auto path = home.write(row.path, row.text);
    const auto login = row.discover(home.environment())->front();
    fs::remove(path);
    fs::create_symlink(home.path() / "nowhere", path);
    const auto store = row.open(login, home.environment());
    REQUIRE_FALSE(store);
    CHECK(store.error().errc() == cp::Errc::unsafe_file);
  }
}

TEST_CASE("source/login_stores: K2 kimi-cli gets floating-point seconds and the lifetime") {
  const ThrowawayHome home;
  auto granted = kimi_cli_row().granted;
  granted.scope = "kimi-code more";
  granted.token_type = "bearer";
  const auto document = rewritten(kimi_cli_row(), granted, home);
  CHECK(document["expires_at"].is_number_float());
  CHECK(document["expires_at"] == 1795000900.123);
  CHECK(document["expires_in"].is_number_float());
  CHECK(document["expires_in"] == 900.0);
  CHECK(document["scope"] == "kimi-code more");
  CHECK(document["token_type"] == "bearer");
}

TEST_CASE("source/login_stores: M1 M5 Kimi Code gets whole seconds, whatever stood there") {
  auto row = kimi_code_row();
  for (const auto& text : {row.text, kimi_cli_row().text}) {
    row.text = text;
    const ThrowawayHome home;
    const auto document = rewritten(row, row.granted, home);
    CHECK(document["expires_at"].is_number_integer());
    CHECK(document["expires_at"] == 1795000900);
    CHECK(document["expires_in"].is_number_integer());
    CHECK(document["expires_in"] == 900);
  }
}

TEST_CASE("source/login_stores: K4 K5 K7 M6 M7 odd times mean what they mean to the CLI") {
  const auto with = [](LoginStoreRow row, std::string_view number, std::string_view value) {
    row.text.replace(row.text.find(number), number.size(), value);
    return row.text;
  };
  const auto cli = kimi_cli_row();
  const auto code = kimi_code_row();
  const cp::TimePoint due{};
  CHECK(tokens_in(cli, with(cli, "4102444800.0", "0")).expires_at == due);
  CHECK(tokens_in(cli, with(cli, "4102444800.0", R"("abc")")).expires_at == due);
  CHECK(tokens_in(cli, with(cli, "4102444800.0", R"("4102444800")")).expires_at ==
        cp::TimePoint{seconds{4102444800}});
  CHECK_FALSE(tokens_in(code, with(code, "4102444800", R"("soon")")).expires_at);
  CHECK(tokens_in(code, with(code, "4102444800", "4102444800000")).expires_at ==
        cp::TimePoint{seconds{4102444800}});
  // Only a refresh token: due, however long the access token was to live.
  for (const auto& row : {cli, code, gemini_row(), claude_row()}) {
    CAPTURE(row.cli);
    const auto tokens = tokens_in(row, with(row, "at-fake", ""));
    CHECK(tokens.refresh_token.reveal() == "rt-fake");
    CHECK(tokens.expires_at == due);
  }
  CHECK(tokens_in(cli, cli.text).lifetime == seconds{900});
  CHECK_FALSE(tokens_in(cli, with(cli, "900.0", "0")).lifetime);
}

TEST_CASE("source/login_stores: C1 codex gets what was granted, and the time of the refresh") {
  const ThrowawayHome home;
  auto granted = codex_row().granted;
  auto document = rewritten(codex_row(), granted, home);
  CHECK(document["tokens"]["id_token"] == id_token);
  CHECK(document["tokens"]["account_id"] == "acct-1");
  CHECK(document["last_refresh"] == "2026-11-18T11:06:40.123000000Z");
  granted.id_token = cp::Secret{jwt(R"({"sub":"new"})")};
  document = rewritten(codex_row(), granted, home);
  CHECK(document["tokens"]["id_token"] == granted.id_token.reveal());

  const auto tokens = tokens_in(codex_row(), codex_row().text);
  CHECK(tokens.lifetime == hours{240});
  CHECK(tokens.account_id == "acct-1");
}

TEST_CASE("source/login_stores: C6 a login of codex whose end nobody knows is due by its age") {
  auto row = codex_row();
  auto document = Json::parse(row.text);
  document["tokens"]["access_token"] = "opaque-fake";
  CHECK(tokens_in(row, document.dump()).expires_at ==
        cp::TimePoint{std::chrono::sys_days{std::chrono::year{2026} / 11 / 18}} + hours{21} +
            minutes{44} + milliseconds{41619});
  document.erase("last_refresh");
  CHECK_FALSE(tokens_in(row, document.dump()).expires_at);
}

TEST_CASE("source/login_stores: Q1 Q8 qwen gets milliseconds and where to use the token") {
  const ThrowawayHome home;
  auto granted = qwen_row().granted;
  CHECK(rewritten(qwen_row(), granted, home)["resource_url"] == "portal.qwen.ai");
  granted.resource_url = "other.example";
  const auto document = rewritten(qwen_row(), granted, home);
  CHECK(document["resource_url"] == "other.example");
  CHECK(document["expiry_date"] == 1795000900123);
  CHECK(document["refresh_token"] == "rt-fake");
}

TEST_CASE("source/login_stores: Q9 a file of qwen that vanished is made anew, the others are not") {
  for (const auto& row : rows()) {
    CAPTURE(row.cli);
    const ThrowawayHome home;
    const auto path = home.write(row.path, row.text);
    const auto store = open(row, home.environment());
    CHECK(store->cli_removes_refused() == (row.cli == "qwen-cli"));
    fs::remove(path);
    auto granted = row.granted;
    granted.refresh_token = cp::Secret{"rt-new-fake"};
    const auto text = store->rewritten({}, granted, now);
    if (row.cli != "qwen-cli") {
      REQUIRE_FALSE(text);
      CHECK(text.error().errc() == cp::Errc::unsupported);
      continue;
    }
    REQUIRE(text);
    home.write(row.path, text->reveal());
    const auto login = store->read();
    REQUIRE(login);
    CHECK(login->tokens.access_token.reveal() == "at-new-fake");
    CHECK(login->tokens.refresh_token.reveal() == "rt-new-fake");
    CHECK(login->tokens.expires_at == now + minutes{15});
    // With the old refresh token, if no new one came; never without any.
    granted.refresh_token = cp::Secret{};
    cp::StoredLogin vanished;
    CHECK(store->rewritten(vanished, granted, now).error().errc() == cp::Errc::unsupported);
    vanished.tokens.refresh_token = cp::Secret{"rt-fake"};
    const auto kept = store->rewritten(vanished, granted, now);
    REQUIRE(kept);
    CHECK(Json::parse(kept->reveal())["refresh_token"] == "rt-fake");
  }
}

TEST_CASE("source/login_stores: G1 G4 gemini keeps the old refresh token, which serves many") {
  const ThrowawayHome home;
  auto granted = gemini_row().granted;
  granted.id_token = cp::Secret{jwt(R"({"sub":"subject-1"})")};
  const auto document = rewritten(gemini_row(), granted, home);
  CHECK(document["refresh_token"] == "rt-fake");
  CHECK(document["id_token"] == granted.id_token.reveal());
  CHECK(document["expiry_date"] == 1795003599123);
  CHECK(tokens_in(gemini_row(), document.dump()).account_id == "subject-1");
  for (const auto& row : rows()) {
    const ThrowawayHome another;
    another.write(row.path, row.text);
    CHECK(open(row, another.environment())->single_use() == (row.cli != "gemini-cli"));
  }
}

TEST_CASE(
    "source/login_stores: A5 claude gets scopes and the refresh token's end if they are told") {
  const ThrowawayHome home;
  auto granted = claude_row().granted;
  auto login = rewritten(claude_row(), granted, home)["claudeAiOauth"];
  CHECK(login["scopes"] == Json::parse(R"(["user:inference","user:profile"])"));
  CHECK_FALSE(login.contains("refreshTokenExpiresAt"));
  granted.scope = "user:profile  user:inference user:x";
  granted.refresh_lifetime = hours{1};
  login = rewritten(claude_row(), granted, home)["claudeAiOauth"];
  CHECK(login["scopes"] == Json::parse(R"(["user:profile","user:inference","user:x"])"));
  CHECK(login["refreshTokenExpiresAt"] == 1795003600123);
  CHECK(login["expiresAt"] == 1795000900123);
  CHECK(login["subscriptionType"] == "max");
}

TEST_CASE(
    "source/login_stores: a grant that does not tell its life lives as long as the last one") {
  const ThrowawayHome home;
  auto granted = kimi_cli_row().granted;
  granted.lifetime.reset();
  CHECK(rewritten(kimi_cli_row(), granted, home)["expires_in"] == 900.0);
  // Where that is not known either it is due at once.
  CHECK(rewritten(qwen_row(), granted, home)["expiry_date"] == now.time_since_epoch().count());
}

TEST_CASE("source/login_stores: windows are earlier than the CLI's") {
  const auto window = [](const LoginStoreRow& row, cp::Duration lifetime) {
    const ThrowawayHome home;
    home.write(row.path, row.text);
    return open(row, home.environment())->advisory_window(lifetime);
  };
  for (const auto& row : {kimi_cli_row(), kimi_code_row()}) {
    CHECK(window(row, seconds{900}) == seconds{540});
    CHECK(window(row, seconds{60}) == seconds{360});
  }
  CHECK(window(codex_row(), hours{240}) == seconds{600});
  CHECK(window(qwen_row(), hours{6}) == seconds{120});
  for (const auto& row : {gemini_row(), claude_row()}) {
    CHECK(window(row, hours{1}) == seconds{720});
    CHECK(window(row, hours{8}) == seconds{900});
    CHECK(window(row, minutes{10}) == seconds{360});
  }
}

TEST_CASE("source/login_stores: the locks are those that the CLIs honour") {
  const auto locked = [](const LoginStoreRow& row, bool write, const ThrowawayHome& home,
                         std::map<std::string, std::string, std::less<>> variables = {}) {
    home.write(row.path, row.text);
    const auto store = open(row, home.environment(std::move(variables)));
    auto lock = write ? store->lock_write(cp::Duration{0}) : store->lock_exchange(cp::Duration{0});
    REQUIRE(lock);
    return std::move(*lock);
  };
  const auto flocked = [](const fs::path& path) {
    const cp::Descriptor file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    return file && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0;
  };
  {
    const ThrowawayHome home;
    const auto lock = locked(kimi_cli_row(), false, home);
    CHECK(flocked(home.path() / ".kimi/credentials/kimi-code.lock"));
    CHECK_FALSE(locked(kimi_cli_row(), true, home));
  }
  {
    const ThrowawayHome home;
    const auto path = home.path() / ".kimi-code/oauth/kimi-code.lock";
    auto lock = locked(kimi_code_row(), false, home);
    CHECK(fs::is_directory(path));
    lock.reset();
    CHECK_FALSE(stands(path));
    CHECK_FALSE(locked(kimi_code_row(), false, home, {{"KIMI_DISABLE_OAUTH_LOCK", "1"}}));
    CHECK_FALSE(stands(path));
  }
  {
    const ThrowawayHome home;
    CHECK_FALSE(locked(codex_row(), false, home));
    const auto lock = locked(codex_row(), true, home);
    CHECK(flocked(home.path() / ".codex/auth.lock"));
    CHECK(flocked(home.path() / ".codex/auth.json.lock"));
  }
  {
    const ThrowawayHome home;
    const auto lock = locked(qwen_row(), false, home);
    CHECK(fs::file_size(home.path() / ".qwen/oauth_creds.lock") == 36);
  }
  {
    const ThrowawayHome home;
    CHECK_FALSE(locked(gemini_row(), false, home));
    CHECK_FALSE(locked(gemini_row(), true, home));
  }
  {
    const ThrowawayHome home;
    auto lock = locked(claude_row(), false, home);
    CHECK(fs::is_directory(home.path() / ".claude/.oauth_refresh.lock"));
    CHECK(fs::is_directory(home.path() / ".claude.lock"));
    CHECK_FALSE(stands(home.path() / ".claude/.storage-write.lock"));
    const auto write = locked(claude_row(), true, home);
    CHECK(fs::is_directory(home.path() / ".claude/.storage-write.lock"));
    lock.reset();
    CHECK_FALSE(stands(home.path() / ".claude/.oauth_refresh.lock"));
    CHECK_FALSE(stands(home.path() / ".claude.lock"));
  }
}

TEST_CASE("source/login_stores: C18 a linked auth.json is locked beside its target, others here") {
  for (const auto& row : {codex_row(), kimi_cli_row()}) {
    CAPTURE(row.cli);
    const ThrowawayHome home;
    const auto target = home.write("elsewhere/login.json", row.text);
    const auto path = home.write(row.path, "");
    fs::remove(path);
    fs::create_symlink(target, path);
    const auto store = open(row, home.environment());
    const auto lock = row.cli == "codex-cli" ? store->lock_write(cp::Duration{0})
                                             : store->lock_exchange(cp::Duration{0});
    REQUIRE(lock);
    CHECK(stands(home.path() / "elsewhere/auth.json.lock") == (row.cli == "codex-cli"));
    CHECK(stands(path.parent_path() / "kimi-code.lock") == (row.cli == "kimi-cli"));
  }
}

TEST_CASE("source/login_stores: A9 what a killed claude left is respected, then taken") {
  const auto row = claude_row();
  const ThrowawayHome home;
  home.write(row.path, row.text);
  const fs::path directories[] = {home.path() / ".claude/.oauth_refresh.lock",
                                  home.path() / ".claude.lock"};
  for (const auto& directory : directories) fs::create_directory(directory);
  const auto owner = home.write(".claude/.oauth_refresh.lock.owner", R"({"pid":4242})");
  const auto store = open(row, home.environment());
  const auto refused = store->lock_exchange(cp::Duration{0});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().errc() == cp::Errc::busy);
  CHECK(refused.error().message().find("process 4242") != std::string::npos);

  // The first is stale, the second is fresh: the first is given back.
  const auto age = [](const fs::path& path, std::time_t by) {
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    const struct timespec times[2] = {{facts.st_mtim.tv_sec - by, 0},
                                      {facts.st_mtim.tv_sec - by, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  };
  age(directories[0], 90);
  CHECK(store->lock_exchange(cp::Duration{0}).error().place == directories[1].string());
  CHECK_FALSE(stands(directories[0]));
  CHECK(stands(directories[1]));

  age(directories[1], 90);
  auto lock = store->lock_exchange(cp::Duration{0});
  REQUIRE(lock);
  CHECK((*lock)->still_held());
  lock->reset();
  CHECK_FALSE(stands(directories[0]));
  CHECK_FALSE(stands(directories[1]));
  CHECK(stands(owner));  // not ours
}

TEST_CASE("source/login_stores: claude's logins in a directory of their own lock both") {
  const auto row = claude_row();
  const ThrowawayHome home;
  home.write("logins/.credentials.json", row.text);
  fs::create_directory(home.path() / ".claude");
  const auto environment =
      home.environment({{"CLAUDE_SECURESTORAGE_CONFIG_DIR", (home.path() / "logins").string()}});
  const auto store = open(row, environment);
  const auto lock = store->lock_exchange(cp::Duration{0});
  REQUIRE(lock);
  for (const auto* path :
       {".claude/.oauth_refresh.lock", ".claude.lock", "logins/.oauth_refresh.lock", "logins.lock"})
    CHECK(fs::is_directory(home.path() / path));
}
