// SPDX-License-Identifier: MIT
#include <credpool/store/sealed.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <csignal>
#include <sstream>
#include <thread>

#include <sys/file.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace cp = credpool;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view canary = "sk-canary-0123456789abcdefghijklmnop";

cp::SecretRecord record_named(std::string profile_id, std::string_view secret = canary) {
  return {std::move(profile_id),
          "kimi-cli",
          "kimi-code",
          cp::Kind::api_key,
          cp::Secret{secret},
          cp::TimePoint{cp::Duration{1795000000123}},
          "https://api.example/v1",
          "a note"};
}

struct World {
  ThrowawayHome home;
  cp::Environment environment = home.environment();
  cp::StateDirectory directory = *cp::StateDirectory::locate(environment);
  cp::SealedFile store{directory, environment};

  std::string text(const fs::path& path) const {
    std::ostringstream all;
    all << std::ifstream{path, std::ios::binary}.rdbuf();
    return all.str();
  }
  std::string secrets() const { return text(directory.secrets_file()); }
  void set_secrets(std::string_view bytes) const {
    home.write(".local/state/credpool/secrets.json", bytes);
  }
  /// Replaces the first occurrence in the file by hand, as an attacker or an editor would.
  void edit(std::string_view from, std::string_view to) const {
    auto bytes = secrets();
    const auto at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    set_secrets(bytes.replace(at, from.size(), to));
  }
};

mode_t mode_of(const fs::path& path) {
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

std::string value_of(const std::string& text, std::string_view member, std::size_t from = 0) {
  const auto start = text.find('"' + std::string{member} + "\": \"", from) + member.size() + 5;
  return text.substr(start, text.find('"', start) - start);
}

}  // namespace

TEST_CASE("store/sealed: nothing there is an empty list, and looking writes nothing") {
  World world;
  CHECK(world.store.list()->empty());
  CHECK(world.store.get("none").error().errc() == cp::Errc::not_found);
  CHECK(world.store.erase("none").error().errc() == cp::Errc::not_found);
  CHECK(fs::is_empty(world.home.path()));
}

TEST_CASE("store/sealed: a record comes back as it was put, after a restart too") {
  World world;
  REQUIRE(world.store.put(record_named("b:two", "token-two")));
  REQUIRE(world.store.put(record_named("a:one")));
  const cp::SealedFile again{world.directory, world.environment};
  const auto record = again.get("a:one");
  REQUIRE(record);
  CHECK(record->secret.reveal() == canary);
  CHECK(record->cli == "kimi-cli");
  CHECK(record->provider == "kimi-code");
  CHECK(record->kind == cp::Kind::api_key);
  CHECK(record->created == cp::TimePoint{cp::Duration{1795000000123}});
  CHECK(record->base_url == "https://api.example/v1");
  CHECK(record->note == "a note");
  const auto listed = again.list();
  REQUIRE(listed->size() == 2);
  CHECK((*listed)[0].profile_id == "a:one");
  CHECK((*listed)[1].profile_id == "b:two");
  CHECK((*listed)[0].secret.empty());
}

TEST_CASE("store/sealed: put replaces, erase removes, the others stay") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  REQUIRE(world.store.put(record_named("b:two", "token-two")));
  auto changed = record_named("a:one", "another-secret");
  changed.kind = cp::Kind::token;
  REQUIRE(world.store.put(changed));
  CHECK(world.store.get("a:one")->secret.reveal() == "another-secret");
  CHECK(world.store.get("a:one")->kind == cp::Kind::token);
  REQUIRE(world.store.erase("a:one"));
  CHECK(world.store.get("a:one").error().errc() == cp::Errc::not_found);
  CHECK(world.store.get("b:two")->secret.reveal() == "token-two");
}

TEST_CASE("store/sealed: files are 0600 and the directory 0700 under umask 000") {
  World world;
  const auto before = ::umask(0);
  const auto put = world.store.put(record_named("a:one"));
  ::umask(before);
  REQUIRE(put);
  CHECK(mode_of(world.directory.path()) == 0700);
  for (const auto& entry : fs::directory_iterator{world.directory.path()}) {
    CAPTURE(entry.path().string());
    CHECK(mode_of(entry.path()) == 0600);
  }
}

TEST_CASE("store/sealed: C8 no piece of the secret stands in any file") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  for (const auto& entry : fs::directory_iterator{world.directory.path()}) {
    const auto bytes = world.text(entry.path());
    REQUIRE((entry.path().extension() == ".lock" || !bytes.empty()));
    for (std::size_t at = 0; at + 8 <= canary.size(); ++at)
      CHECK(bytes.find(canary.substr(at, 8)) == std::string::npos);
  }
}

TEST_CASE("store/sealed: the same secret is sealed differently each time") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  const auto first = value_of(world.secrets(), "sealed");
  REQUIRE(world.store.put(record_named("a:one")));
  CHECK(value_of(world.secrets(), "sealed") != first);
}

TEST_CASE("store/sealed: a changed record does not open") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  SUBCASE("another host") {
    world.edit("https://api.example/v1", "https://evil.example/v1");
  }
  SUBCASE("another provider") {
    world.edit("\"kimi-code\"", "\"evil\"");
  }
  SUBCASE("another CLI") {
    world.edit("\"kimi-cli\"", "\"evil\"");
  }
  SUBCASE("another kind") {
    world.edit("\"api_key\"", "\"token\"");
  }
  SUBCASE("another time") {
    world.edit("2026-11", "2027-11");
  }
  SUBCASE("a flipped bit") {
    const auto sealed = value_of(world.secrets(), "sealed");
    auto flipped = sealed;
    flipped[5] = flipped[5] == 'A' ? 'B' : 'A';
    world.edit(sealed, flipped);
  }
  SUBCASE("another nonce") {
    const auto nonce = value_of(world.secrets(), "nonce");
    world.edit(nonce, std::string(nonce.size(), 'A'));
  }
  SUBCASE("cut off") {
    world.edit(value_of(world.secrets(), "sealed"), "AAAA");
  }
  SUBCASE("no base64") {
    world.edit(value_of(world.secrets(), "sealed"), "!!!!");
  }
  const auto record = world.store.get("a:one");
  REQUIRE_FALSE(record);
  CHECK(record.error().errc() == cp::Errc::login_needed);
}

TEST_CASE("store/sealed: the note is a person's own and may be edited") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  world.edit("a note", "another");
  REQUIRE(world.store.get("a:one"));
  CHECK(world.store.get("a:one")->note == "another");
}

TEST_CASE("store/sealed: two records cannot be swapped") {
  World world;
  REQUIRE(world.store.put(record_named("a:one", "secret-one")));
  REQUIRE(world.store.put(record_named("b:two", "secret-two")));
  world.edit("a:one", "swapped");
  world.edit("b:two", "a:one");
  world.edit("swapped", "b:two");
  CHECK_FALSE(world.store.get("a:one"));
  CHECK_FALSE(world.store.get("b:two"));
}

TEST_CASE("store/sealed: members of another version are kept") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  world.edit("\"version\": 1", "\"version\": 1, \"future\": {\"x\": [1, 2]}");
  world.edit("\"note\": \"a note\"", "\"note\": \"a note\", \"colour\": \"green\"");
  REQUIRE(world.store.put(record_named("b:two")));
  REQUIRE(world.store.put(record_named("a:one", "renewed")));
  CHECK(world.secrets().find("\"future\"") != std::string::npos);
  CHECK(world.secrets().find("\"colour\": \"green\"") != std::string::npos);
}

TEST_CASE("store/sealed: a file of a newer version is left alone") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  world.edit("\"version\": 1", "\"version\": 2");
  const auto before = world.secrets();
  CHECK(world.store.list().error().errc() == cp::Errc::unsupported);
  CHECK(world.store.put(record_named("b:two")).error().errc() == cp::Errc::unsupported);
  CHECK(world.store.erase("a:one").error().errc() == cp::Errc::unsupported);
  CHECK(world.secrets() == before);
}

TEST_CASE("store/sealed: a damaged file is a clear error and is never replaced") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  const auto good = world.secrets();
  const std::pair<std::string, cp::Errc> cases[] = {
      {"", cp::Errc::malformed},
      {good.substr(0, good.size() / 2), cp::Errc::malformed},
      {good + "x", cp::Errc::malformed},
      {"[]", cp::Errc::malformed},
      {R"({"version": 1})", cp::Errc::malformed},
      {R"({"version": 0, "secrets": []})", cp::Errc::malformed},
      {R"({"version": "1", "secrets": []})", cp::Errc::malformed},
      {R"({"version": 1, "secrets": {}})", cp::Errc::malformed},
      {R"({"version": 1, "secrets": [7]})", cp::Errc::malformed},
      {R"({"version": 1, "version": 1, "secrets": []})", cp::Errc::duplicate_key},
      {std::string(100, '['), cp::Errc::too_deep},
      {std::string(1024 * 1024 + 1, ' '), cp::Errc::too_large},
  };
  for (const auto& each : cases) {
    const auto& bytes = each.first;
    const auto expected = each.second;
    CAPTURE(bytes.substr(0, 60));
    world.set_secrets(bytes);
    CHECK(world.store.list().error().errc() == expected);
    CHECK(world.store.get("a:one").error().errc() == expected);
    CHECK(world.store.put(record_named("b:two")).error().errc() == expected);
    CHECK(world.secrets() == bytes);
  }
  // The same profile id twice.
  const auto start = good.find("    {"), end = good.find("    }") + 5;
  const auto entry = good.substr(start, end - start);
  world.set_secrets(good.substr(0, start) + entry + ",\n" + good.substr(start));
  CHECK(world.store.list().error().errc() == cp::Errc::malformed);
  CHECK(world.store.list().error().place.find("/secrets/1") != std::string::npos);
}

TEST_CASE("store/sealed: a lost or another key is told, and never replaced while secrets need it") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  const auto before = world.secrets();
  SUBCASE("lost") {
    fs::remove(world.directory.key_file());
    CHECK(world.store.put(record_named("b:two")).error().errc() == cp::Errc::store_unwritable);
    CHECK_FALSE(fs::exists(world.directory.key_file()));
  }
  SUBCASE("another") {
    world.home.write(".local/state/credpool/key", std::string(64, 'a') + "\n");
    CHECK(world.store.put(record_named("b:two")).error().errc() == cp::Errc::store_unwritable);
  }
  CHECK(world.secrets() == before);
  CHECK(world.store.get("a:one").error().errc() == cp::Errc::login_needed);
  CHECK(world.store.list()->size() == 1);
  // Erasing needs no key; then there is room for a new one.
  REQUIRE(world.store.erase("a:one"));
  REQUIRE(world.store.put(record_named("b:two")));
  CHECK(world.store.get("b:two")->secret.reveal() == canary);
}

TEST_CASE("store/sealed: B1 B2 B4 an unsafe key file is refused with what to do") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  const auto key = world.directory.key_file();
  SUBCASE("readable by others") {
    REQUIRE(::chmod(key.c_str(), 0640) == 0);
    CHECK(world.store.get("a:one").error().hint.find("chmod 600 '" + key.string()) !=
          std::string::npos);
  }
  SUBCASE("a link") {
    fs::rename(key, world.home.path() / "real-key");
    fs::create_symlink(world.home.path() / "real-key", key);
  }
  SUBCASE("a FIFO") {
    fs::remove(key);
    REQUIRE(::mkfifo(key.c_str(), 0600) == 0);
  }
  SUBCASE("a directory") {
    fs::remove(key);
    fs::create_directory(key);
  }
  CHECK(world.store.get("a:one").error().errc() == cp::Errc::unsafe_file);
  CHECK(world.store.put(record_named("b:two")).error().errc() == cp::Errc::unsafe_file);
  CHECK(world.store.list()->size() == 1);
}

TEST_CASE("store/sealed: a key file that holds no key") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  for (const auto& bytes : {std::string{}, std::string(63, 'a'), std::string(66, 'a'),
                            std::string(64, 'g'), std::string(63, 'a') + " "}) {
    CAPTURE(bytes);
    world.home.write(".local/state/credpool/key", bytes);
    const auto record = world.store.get("a:one");
    CHECK(record.error().errc() == cp::Errc::malformed);
    if (!bytes.empty()) CHECK(record.error().message().find(bytes) == std::string::npos);
  }
}

TEST_CASE("store/sealed: CREDPOOL_KEY_FILE names the key, is never made, and may be a link") {
  World world;
  const auto mounted = world.home.path() / "mounted";
  const auto environment =
      world.environment.with_variable("CREDPOOL_KEY_FILE", (mounted / "key").string());
  cp::SealedFile store{world.directory, environment};
  CHECK(store.put(record_named("a:one")).error().errc() == cp::Errc::configuration);
  world.home.write("mounted/data/key", std::string(64, '7'));
  fs::create_symlink(mounted / "data/key", mounted / "key");
  REQUIRE(store.put(record_named("a:one")));
  CHECK_FALSE(fs::exists(world.directory.key_file()));
  CHECK(store.get("a:one")->secret.reveal() == canary);
  CHECK(world.store.get("a:one").error().errc() == cp::Errc::login_needed);
  // Where the link leads is judged like any other directory.
  REQUIRE(::chmod((mounted / "data").c_str(), 0777) == 0);
  CHECK(store.get("a:one").error().errc() == cp::Errc::unsafe_file);
}

TEST_CASE("store/sealed: B2 a link in the place of a file of ours is not followed") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  const auto outside = world.home.write("outside", "precious");
  for (const auto* name : {"secrets.json", "secrets.json.lock"}) {
    CAPTURE(name);
    const auto place = world.directory.path() / name;
    const auto kept = world.directory.path() / "kept";
    fs::rename(place, kept);
    fs::create_symlink(outside, place);
    CHECK(world.store.put(record_named("b:two")).error().errc() == cp::Errc::unsafe_file);
    fs::remove(place);
    fs::rename(kept, place);
  }
  CHECK(world.text(outside) == "precious");
}

TEST_CASE("store/sealed: B11 what a killed writer left is cleaned up, other files are not") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  const auto left_over = world.home.write(".local/state/credpool/secrets.json.tmp-0011", "half");
  const auto other = world.home.write(".local/state/credpool/notes.tmp-0011", "mine");
  REQUIRE(world.store.put(record_named("b:two")));
  CHECK_FALSE(fs::exists(left_over));
  CHECK(fs::exists(other));
}

TEST_CASE("store/sealed: more than the file may hold is refused before anything is lost") {
  World world;
  const std::string large(16000, 's');
  int kept = 0;
  cp::Result<void> put;
  while ((put = world.store.put(record_named("p:" + std::to_string(kept), large)))) ++kept;
  CHECK(put.error().errc() == cp::Errc::too_large);
  CHECK(kept > 40);
  CHECK(world.store.list()->size() == static_cast<std::size_t>(kept));
  CHECK(world.store.get("p:0")->secret.reveal() == large);
}

TEST_CASE("store/sealed: writers in several processes take turns, nothing is lost") {
  World world;
  constexpr int writers = 6, each = 8;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      bool good = true;
      for (int n = 0; n < each; ++n)
        good = world.store.put(record_named(std::to_string(writer) + ":" + std::to_string(n)))
                   .has_value() &&
               good;
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  const auto listed = world.store.list();
  REQUIRE(listed->size() == writers * each);
  for (const auto& record : *listed) CHECK(world.store.get(record.profile_id));
}

TEST_CASE("store/sealed: a writer killed at any time leaves the old or the new file") {
  World world;
  REQUIRE(world.store.put(record_named("a:one")));
  for (int round = 0; round < 60; ++round) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (char n = 0;; ++n) {
        if (!world.store.put(record_named("n:" + std::to_string(n % 16)))) ::_exit(1);
        if (::write(pipe[1], &n, 1) != 1) ::_exit(1);
      }
    }
    ::close(pipe[1]);
    char acknowledged = 0;
    for (int n = 0; n <= round % 4; ++n) REQUIRE(::read(pipe[0], &acknowledged, 1) == 1);
    std::this_thread::sleep_for(std::chrono::microseconds{37 * (round % 23)});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(pipe[0]);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(world.store.get("a:one"));
    REQUIRE(world.store.get("n:" + std::to_string(acknowledged % 16)));
  }
}
