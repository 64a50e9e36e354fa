// SPDX-License-Identifier: MIT
#include <credpool/store/sealed_login.hpp>

#include <credpool/core/file.hpp>
#include <credpool/core/file_lock.hpp>
#include <credpool/source/concept.hpp>
#include <credpool/store/audit.hpp>
#include <credpool/store/sealed.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <sys/wait.h>

namespace cp = credpool;
namespace fs = std::filesystem;
using std::chrono::seconds;

static_assert(cp::StoresLogins<cp::SealedLoginSource>);

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};
const std::string access_text = "access-canary-0123456789abcdefghijklmnop";
const std::string refresh_text = "refresh-canary-0123456789abcdefghijklmnop";

cp::OwnLogin login_named(std::string profile_id) {
  return {std::move(profile_id),
          "kimi-code",
          "kimi-code",
          "https://auth.example",
          "https://api.example/v1",
          "me@example.org",
          "kimi-code offline",
          now,
          {cp::Secret{access_text}, cp::Secret{refresh_text}, now + seconds{900}, seconds{900},
           "acc-1"}};
}

cp::GrantedTokens granted(std::string_view new_access, std::string_view new_refresh) {
  cp::GrantedTokens tokens;
  tokens.access_token = cp::Secret{new_access};
  tokens.refresh_token = cp::Secret{new_refresh};
  tokens.lifetime = seconds{600};
  return tokens;
}

std::string text_of(const fs::path& path) {
  std::ostringstream all;
  all << std::ifstream{path, std::ios::binary}.rdbuf();
  return all.str();
}

mode_t mode_of(const fs::path& path) {
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

struct World {
  ThrowawayHome home;
  cp::Environment environment = home.environment();
  cp::StateDirectory directory = *cp::StateDirectory::locate(environment);
  cp::SealedLogins logins{directory, environment};
  cp::SealedLoginSource source{logins};
  fs::path file = logins.file_of("kimi-code:own");

  std::unique_ptr<cp::LoginStore> store() const {
    auto opened = cp::SealedLoginStore::open(logins, file, environment);
    REQUIRE(opened);
    return std::move(*opened);
  }
  /// Replaces the first occurrence in the file by hand.
  void edit(std::string_view from, std::string_view to) const {
    auto bytes = text_of(file);
    const auto at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    std::ofstream{file, std::ios::binary} << bytes.replace(at, from.size(), to);
  }
};

}  // namespace

TEST_CASE("store/sealed_login: nothing there is an empty list, and looking writes nothing") {
  World world;
  CHECK(world.logins.list()->empty());
  CHECK(world.source.discover(world.environment)->empty());
  CHECK(world.logins.get("kimi-code:own").error().errc() == cp::Errc::not_found);
  CHECK(world.logins.erase("kimi-code:own").error().errc() == cp::Errc::not_found);
  CHECK(fs::is_empty(world.home.path()));
}

TEST_CASE("store/sealed_login: a login comes back as it was put, private under umask 000") {
  World world;
  const auto before = ::umask(0);
  const auto put = world.logins.put(login_named("kimi-code:own"));
  ::umask(before);
  REQUIRE(put);
  const cp::SealedLogins again{world.directory, world.environment};
  const auto login = again.get("kimi-code:own");
  REQUIRE(login);
  CHECK(login->tokens.access_token.reveal() == access_text);
  CHECK(login->tokens.refresh_token.reveal() == refresh_text);
  CHECK(login->tokens.expires_at == now + seconds{900});
  CHECK(login->tokens.lifetime == seconds{900});
  CHECK(login->tokens.account_id == "acc-1");
  CHECK(login->oauth_host == "https://auth.example");
  CHECK(login->base_url == "https://api.example/v1");
  CHECK(login->account == "me@example.org");
  CHECK(login->scope == "kimi-code offline");
  CHECK(login->created == now);
  CHECK(mode_of(world.directory.logins_directory()) == 0700);
  for (const auto& entry : fs::directory_iterator{world.directory.logins_directory()})
    CHECK(mode_of(entry.path()) == 0600);
  const auto listed = again.list();
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().login->profile_id == "kimi-code:own");
  CHECK(listed->front().login->tokens.access_token.empty());
}

TEST_CASE("store/sealed_login: profile ids that look alike have files of their own") {
  World world;
  for (const auto* id : {"a:b", "a/b", "a-b", "../b", "."}) {
    REQUIRE(world.logins.put(login_named(id)));
    CHECK(world.logins.file_of(id).parent_path() == world.directory.logins_directory());
  }
  CHECK(world.logins.list()->size() == 5);
  CHECK(world.logins.get("a/b")->profile_id == "a/b");
}

TEST_CASE("store/sealed_login: what cannot be kept is refused before anything is written") {
  World world;
  auto bad = login_named("kimi-code:own");
  SUBCASE("name") {
    bad.profile_id = "";
  }
  SUBCASE("control character") {
    bad.account = "a\nb";
  }
  SUBCASE("token with a line break") {
    bad.tokens.access_token = cp::Secret{"a\nb"};
  }
  SUBCASE("no token at all") {
    bad.tokens = {};
  }
  SUBCASE("long") {
    bad.base_url = std::string(3000, 'x');
  }
  CHECK(world.logins.put(bad).error().errc() == cp::Errc::invalid_argument);
  CHECK(fs::is_empty(world.home.path()));
}

TEST_CASE("store/sealed_login: C8 no piece of a token stands in any file, the journal's neither") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  const auto store = world.store();
  const auto sealed = store->protect(cp::Secret{"the answer with " + access_text});
  REQUIRE(sealed);
  world.home.write(fs::relative(world.directory.logins_directory() / "journal", world.home.path()),
                   sealed->reveal());
  const std::array known{cp::Secret{access_text}, cp::Secret{refresh_text}};
  CHECK(cp::find_clear_secrets(world.home.path(), known).empty());
  CHECK(store->unprotect(*sealed)->reveal() == "the answer with " + access_text);
  // The scanner would have found them.
  std::ofstream{world.home.path() / "clear"} << "x" << refresh_text;
  CHECK(cp::find_clear_secrets(world.home.path(), known).size() == 1);
}

TEST_CASE("store/sealed_login: B1 the audit knows the files") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  CHECK(cp::audit_files(world.directory.path(), world.environment).empty());
  REQUIRE(::chmod(world.file.c_str(), 0640) == 0);
  const auto findings = cp::audit_files(world.directory.path(), world.environment);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].path == world.file);
  CHECK(findings[0].kind == cp::AuditFinding::Kind::wrong_mode);
}

TEST_CASE("store/sealed_login: whatever decides who gets the tokens cannot be changed") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  SUBCASE("oauth host") {
    world.edit("auth.example", "evil.example");
  }
  SUBCASE("base url") {
    world.edit("api.example", "evil.example");
  }
  SUBCASE("provider") {
    world.edit("\"provider\": \"kimi-code\"", "\"provider\": \"openai\"");
  }
  SUBCASE("cli") {
    world.edit("\"cli\": \"kimi-code\"", "\"cli\": \"codex-cli\"");
  }
  SUBCASE("profile") {
    world.edit("kimi-code:own", "kimi-code:oWn");
  }
  SUBCASE("account") {
    world.edit("me@", "xy@");
  }
  SUBCASE("account id") {
    world.edit("acc-1", "acc-2");
  }
  SUBCASE("time of login") {
    world.edit("\"createdAt\": \"2026", "\"createdAt\": \"2025");
  }
  SUBCASE("the box of another login") {
    auto other = login_named("kimi-code:other");
    REQUIRE(world.logins.put(other));
    const auto text = text_of(world.file);
    const auto member = [](const std::string& in, std::string_view name) {
      const auto at = in.find('"' + std::string{name} + "\": \"") + name.size() + 5;
      return in.substr(at, in.find('"', at) - at);
    };
    const auto other_text = text_of(world.logins.file_of("kimi-code:other"));
    world.edit(member(text, "sealed"), member(other_text, "sealed"));
    world.edit(member(text, "nonce"), member(other_text, "nonce"));
  }
  const auto login = world.logins.get("kimi-code:own");
  REQUIRE_FALSE(login);
  CHECK(login.error().errc() == cp::Errc::login_needed);
  CHECK(world.store()->read().error().errc() == cp::Errc::login_needed);
  const auto all = world.source.discover(world.environment);
  REQUIRE(all);
  for (const auto& found : *all)
    if (found.places[0].location == world.file.string()) {
      CHECK(found.secret.empty());
      CHECK(found.status_at(now) == cp::Status::invalid);
    }
}

TEST_CASE(
    "store/sealed_login: when it ends is not bound, and a changed end only moves the "
    "refresh_text") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  world.edit("\"expiresAt\": \"2026", "\"expiresAt\": \"2030");
  CHECK(world.logins.get("kimi-code:own"));
}

TEST_CASE("store/sealed_login: a lost or another key is told, and never replaced") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  const auto before = text_of(world.file);
  bool lost = false;
  SUBCASE("lost") {
    fs::remove(world.directory.key_file());
    lost = true;
  }
  SUBCASE("another") {
    world.home.write(".local/state/credpool/key", std::string(64, 'a') + "\n");
  }
  CHECK(world.logins.get("kimi-code:own").error().errc() == cp::Errc::login_needed);
  CHECK(world.logins.put(login_named("b:other")).error().errc() == cp::Errc::store_unwritable);
  // Neither do the secrets of SealedFile get a key of their own.
  cp::SealedFile secrets{world.directory, world.environment};
  const cp::SecretRecord record{
      "b:two", "kimi-cli", "kimi-code", cp::Kind::api_key, cp::Secret{"sk-fake"}, now, "", ""};
  CHECK(secrets.put(record).error().errc() == cp::Errc::store_unwritable);
  CHECK(fs::exists(world.directory.key_file()) == !lost);
  CHECK(text_of(world.file) == before);
  CHECK(world.logins.list()->size() == 1);
  // Logging in again under the same name, or erasing it, needs the old key no more.
  REQUIRE(world.logins.erase("kimi-code:own"));
  REQUIRE(secrets.put(record));
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  CHECK(world.logins.get("kimi-code:own"));
}

TEST_CASE("store/sealed_login: one key for secrets and logins") {
  World world;
  cp::SealedFile secrets{world.directory, world.environment};
  REQUIRE(secrets.put(
      {"b:two", "kimi-cli", "kimi-code", cp::Kind::api_key, cp::Secret{"sk-fake"}, now, "", ""}));
  const auto key = text_of(world.directory.key_file());
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  CHECK(text_of(world.directory.key_file()) == key);
  fs::remove(world.directory.key_file());
  CHECK(world.logins.put(login_named("c:third")).error().errc() == cp::Errc::store_unwritable);
}

TEST_CASE("store/sealed_login: a damaged file is listed with its reason and hides no other login") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  const auto put = [&](std::string_view text) {
    world.home.write(".local/state/credpool/logins/damaged.json", text);
  };
  const std::array<std::pair<std::string, cp::Errc>, 6> cases{{
      {"", cp::Errc::malformed},
      {"[]", cp::Errc::malformed},
      {R"({"version": 1})", cp::Errc::malformed},
      {R"({"version": 2})", cp::Errc::unsupported},
      {R"({"version": 1, "version": 1})", cp::Errc::duplicate_key},
      {std::string(300 * 1024, ' '), cp::Errc::too_large},
  }};
  for (const auto& each : cases) {
    CAPTURE(each.first.substr(0, 40));
    put(each.first);
    const auto listed = world.logins.list();
    REQUIRE(listed->size() == 2);
    CHECK((*listed)[0].login.error().errc() == each.second);
    CHECK((*listed)[1].login);
    const auto found = world.source.discover(world.environment);
    REQUIRE(found->size() == 2);
    CHECK((*found)[0].status_at(now) == cp::Status::invalid);
    CHECK((*found)[1].usable_at(now));
  }
}

TEST_CASE("store/sealed_login: B2 a link in the place of a login is not followed") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  const auto moved = world.home.path() / "moved";
  fs::rename(world.file, moved);
  fs::create_symlink(moved, world.file);
  CHECK(world.logins.get("kimi-code:own").error().errc() == cp::Errc::unsafe_file);
}

TEST_CASE("store/sealed_login: the source finds a login that we alone own, and how to refresh it") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  const auto found = world.source.discover(world.environment);
  REQUIRE(found->size() == 1);
  const auto& credential = found->front();
  CHECK(credential.cli == "kimi-code");
  CHECK(credential.provider == "kimi-code");
  CHECK(credential.profile_id == "kimi-code:own");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::adopt);
  CHECK(credential.secret.reveal() == access_text);
  CHECK(credential.refresh_token.reveal() == refresh_text);
  CHECK(credential.oauth_host == "https://auth.example");
  CHECK(credential.account_id == "acc-1");
  CHECK(credential.scopes == std::vector<std::string>{"kimi-code", "offline"});
  CHECK(credential.places[0].location == world.file.string());
  CHECK(credential.refresh_at == now + seconds{900} - seconds{540});
  const auto store = world.source.login_store(credential, world.environment);
  REQUIRE(store);
  CHECK((*store)->file() == world.file);
  CHECK((*store)->cli() == "kimi-code");
  CHECK((*store)->single_use());
  CHECK(*(*store)->lock_exchange(cp::Duration{0}) == nullptr);
  const auto writing = (*store)->lock_write(cp::Duration{0});  // nobody else writes it
  REQUIRE(writing);
  REQUIRE(*writing);
  CHECK((*writing)->still_held());
  auto foreign = credential;
  foreign.places[0].location = "/home/x/.kimi/credentials/kimi-code.json";
  CHECK(world.source.login_store(foreign, world.environment).error().errc() ==
        cp::Errc::unsupported);
}

TEST_CASE("store/sealed_login: a refreshed login keeps what was not granted anew, sealed again") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  world.edit("\"version\": 1", "\"version\": 1, \"later\": [7]");
  const auto store = world.store();
  const auto current = store->read();
  REQUIRE(current);
  CHECK(current->tokens.access_token.reveal() == access_text);
  for (const std::string_view fresh : {"refresh-2-0123456789abcdefghij", ""}) {
    const auto text =
        store->rewritten(*current, granted("access-2-0123456789abcdefghij", fresh), now);
    REQUIRE(text);
    CHECK(text->reveal().find("access-2") == std::string_view::npos);
    CHECK(text->reveal().find("\"later\"") != std::string_view::npos);
    REQUIRE(cp::replace_file(world.file, text->reveal()));
    const auto login = world.logins.get("kimi-code:own");
    REQUIRE(login);
    CHECK(login->tokens.access_token.reveal() == "access-2-0123456789abcdefghij");
    CHECK(login->tokens.refresh_token.reveal() == (fresh.empty() ? refresh_text : fresh));
    CHECK(login->tokens.expires_at == now + seconds{600});
    CHECK(login->scope == "kimi-code offline");
  }
  // The CredentialId is that of before: it names the store and the account, not the token.
  CHECK(world.source.discover(world.environment)->front().id ==
        cp::Credential::login("kimi-code", "kimi-code", world.file.string(), "acc-1").id);
}

TEST_CASE(
    "store/sealed_login: an erased login is not made anew, a token for no header is refused") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  const auto store = world.store();
  const auto current = store->read();
  CHECK(store->rewritten({}, granted("a", "b"), now).error().errc() == cp::Errc::unsupported);
  CHECK(store->rewritten(*current, granted("a\nb", "c"), now).error().errc() ==
        cp::Errc::malformed);
  world.home.write(
      ".local/state/credpool/logins/.credpool-" + world.file.filename().string() + ".journal",
      "left");
  REQUIRE(world.logins.erase("kimi-code:own"));
  CHECK(store->read().error().errc() == cp::Errc::not_found);
  for (const auto& entry : fs::directory_iterator{world.directory.logins_directory()})
    CHECK(entry.path().filename().string().ends_with(".lock"));
}

TEST_CASE("store/sealed_login: a journal opens for its own login only") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  REQUIRE(world.logins.put(login_named("b:other")));
  const auto sealed = world.store()->protect(cp::Secret{"answer"});
  REQUIRE(sealed);
  const auto other =
      cp::SealedLoginStore::open(world.logins, world.logins.file_of("b:other"), world.environment);
  CHECK((*other)->unprotect(*sealed).error().errc() == cp::Errc::malformed);
  CHECK((*other)->unprotect(cp::Secret{"short"}).error().errc() == cp::Errc::malformed);
  auto changed = std::string{sealed->reveal()};
  changed.back() = static_cast<char>(changed.back() ^ 1);
  CHECK(world.store()->unprotect(cp::Secret{changed}).error().errc() == cp::Errc::malformed);
}

TEST_CASE("store/sealed_login: when a login is better refreshed") {
  World world;
  auto login = login_named("kimi-code:own");
  REQUIRE(world.logins.put(login));
  const auto kimi = world.store();
  CHECK(kimi->advisory_window(seconds{900}) == seconds{540});
  CHECK(kimi->advisory_window(seconds{500}) == seconds{360});
  CHECK(kimi->advisory_window(seconds{0}) == seconds{360});
  login.profile_id = "openai:own";
  login.cli = "codex-cli";
  REQUIRE(world.logins.put(login));
  const auto other = *cp::SealedLoginStore::open(world.logins, world.logins.file_of("openai:own"),
                                                 world.environment);
  CHECK(other->advisory_window(seconds{3600}) == seconds{720});
  CHECK(other->advisory_window(std::chrono::hours{240}) == seconds{900});
  CHECK(other->advisory_window(seconds{600}) == seconds{360});
  CHECK(other->advisory_window(seconds{100}) == seconds{80});
}

TEST_CASE("store/sealed_login: an exchange that runs keeps writers away") {
  World world;
  REQUIRE(world.logins.put(login_named("kimi-code:own")));
  // Another process holds the exchange's lock for a moment.
  const auto lock_file =
      world.file.parent_path() / (".credpool-" + world.file.filename().string() + ".lock");
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto lock = cp::FileLock::take(lock_file, seconds{1});
    const char good = lock ? 1 : 0;
    (void)!::write(ready[1], &good, 1);
    ::usleep(200'000);
    std::ofstream{world.home.path() / "released"} << "yes";
    ::_exit(0);
  }
  char good = 0;
  REQUIRE(::read(ready[0], &good, 1) == 1);
  CHECK(good == 1);
  CHECK(world.logins.put(login_named("kimi-code:own")));
  CHECK(fs::exists(world.home.path() / "released"));
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("store/sealed_login: writers in several processes make one key and lose nothing") {
  World world;
  constexpr int writers = 6, each = 4;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      bool good = true;
      for (int n = 0; n < each; ++n)
        good =
            world.logins.put(login_named("own:" + std::to_string(writer * each + n))).has_value() &&
            world.logins.put(login_named("shared")).has_value() && good;
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  const auto listed = world.logins.list();
  REQUIRE(listed->size() == writers * each + 1);
  for (const auto& each_login : *listed)
    CHECK(world.logins.get(each_login.login->profile_id)->tokens.access_token.reveal() ==
          access_text);
}
