// SPDX-License-Identifier: MIT
#include <credpool/history/document.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iterator>
#include <string>
#include <vector>

#include <sys/wait.h>

namespace cp = credpool;
using Fault = cp::HistoryVerdict::Fault;
using std::chrono::minutes;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18T11:06:40Z
constexpr auto name = ".openclaw/cli-token-history.json";

cp::Credential key(std::string_view secret, std::string_view profile = "openai:default") {
  auto credential = cp::Credential::api_key("codex-cli", "openai", cp::Secret{secret});
  credential.profile_id = profile;
  return credential;
}

cp::Credential login(std::string_view account, std::string_view token,
                     std::string_view profile = "kimi-code:default") {
  auto credential = cp::Credential::login("kimi-cli", "kimi-code", "store", account);
  credential.profile_id = profile;
  credential.secret = cp::Secret{token};
  return credential;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void put(const std::filesystem::path& path, std::string_view text) {
  std::ofstream{path, std::ios::binary} << text;
}

struct World {
  World() : history{place(home)} {}

  static cp::HistoryDocument place(const ThrowawayHome& home) {
    std::filesystem::create_directory(home.path() / ".openclaw");
    return *cp::HistoryDocument::at_default_place(home.environment());
  }
  cp::HistoryChange found(const std::vector<cp::Credential>& credentials, cp::TimePoint at = now) {
    auto change = history.record_discovered(credentials, at);
    REQUIRE_MESSAGE(change, change.error().message());
    return *change;
  }
  std::vector<cp::HistoryEntry> entries(const cp::HistoryFilter& filter = {}) {
    auto entries = history.entries(filter);
    REQUIRE_MESSAGE(entries, entries.error().message());
    return *entries;
  }
  cp::HistoryVerdict verify() {
    auto verdict = history.verify();
    REQUIRE_MESSAGE(verdict, verdict.error().message());
    return *verdict;
  }
  std::vector<std::string> chain_lines() {
    std::vector<std::string> lines;
    std::ifstream file{history.chain_path()};
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  void put_chain(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    put(history.chain_path(), text);
  }

  ThrowawayHome home;
  cp::HistoryDocument history;
};

}  // namespace

TEST_CASE("history/document: the place is the seed's when OpenClaw is there") {
  const ThrowawayHome home;
  const auto at = [&](std::map<std::string, std::string, std::less<>> variables = {}) {
    return cp::HistoryDocument::at_default_place(home.environment(std::move(variables)))->path();
  };
  CHECK(at() == home.path() / ".local/state/credpool/history.json");
  std::filesystem::create_directory(home.path() / ".openclaw");
  CHECK(at() == home.path() / name);
  std::filesystem::create_directory(home.path() / "state");
  CHECK(at({{"OPENCLAW_STATE_DIR", "~/state"}}) == home.path() / "state/cli-token-history.json");
}

TEST_CASE("history/document: nothing there is an empty history, and reading writes nothing") {
  World world;
  CHECK(world.entries().empty());
  CHECK(world.verify().ok());
  CHECK(std::filesystem::is_empty(world.home.path() / ".openclaw"));
}

TEST_CASE("history/document: a scan is written in the seed's form, 0600, by hash only") {
  World world;
  const std::string secret = "sk-canary-0123456789-abcdefghijklmnopqrstuvwxyz";
  const std::string access = "at-canary-9876543210-zyxwvutsrqponmlkjihgfedcba";
  auto kimi = login("me", access);
  kimi.refresh_token = cp::Secret{std::string_view{"rt-canary-5555555555-lkjhgfdsapoiuytrewq"}};
  CHECK(world.found({key(secret), kimi}).changed == 2);
  REQUIRE(world.history.record_used(cp::token_hash(secret), now));
  REQUIRE(world.history.record_failure(kimi.id.hex(), cp::Reason::could_not_tell, now));

  const auto path = world.home.path() / name;
  const auto text = bytes_of(path);
  CHECK(text.starts_with("{\n  \"version\": 1,\n  \"lastScanAt\": \"2026-11-18T"));
  const auto entries = world.entries();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].cli == "codex-cli");
  CHECK(entries[0].provider == "openai");
  CHECK(entries[0].profile_id == "openai:default");
  CHECK(entries[0].token_hash == cp::token_hash(secret));
  CHECK(entries[0].token_type == "api_key");
  CHECK(entries[0].status == "active");
  CHECK(entries[0].detected_at == now);
  CHECK(entries[0].usage_count == 1);
  CHECK(entries[1].last_error == "could_not_tell");
  CHECK(entries[1].consecutive_failures == 1);

  // C8: no piece of any secret in anything that was written.
  for (const auto& file : std::filesystem::directory_iterator{path.parent_path()}) {
    struct stat facts {};
    REQUIRE(::stat(file.path().c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0600);
    const auto written = bytes_of(file.path());
    for (const std::string& whole : {secret, access, std::string{kimi.refresh_token.reveal()}})
      for (std::size_t i = 0; i + 20 <= whole.size(); ++i)
        CHECK(written.find(whole.substr(i, 20)) == std::string::npos);
  }
}

TEST_CASE("history/document: a scan that finds nothing new writes once an hour") {
  World world;
  const auto path = world.home.path() / name;
  struct stat before {};
  struct stat after {};
  world.found({key("k")});
  REQUIRE(::stat(path.c_str(), &before) == 0);
  const auto lines = world.chain_lines();
  CHECK(world.found({key("k")}, now + minutes{59}).changed == 0);
  REQUIRE(::stat(path.c_str(), &after) == 0);
  CHECK(after.st_ino == before.st_ino);  // a write makes a new file
  world.found({key("k")}, now + minutes{60});
  CHECK(bytes_of(path).find("\"lastScanAt\": \"2026-11-18T12:06:40Z\"") != std::string::npos);
  // A clock that was put back does not stop it, and a change is written at once.
  world.found({key("k")}, now);
  CHECK(bytes_of(path).find("\"lastScanAt\": \"2026-11-18T11:06:40Z\"") != std::string::npos);
  CHECK(world.chain_lines() == lines);
  world.found({key("other")}, now + minutes{1});
  CHECK(bytes_of(path).find("\"lastScanAt\": \"2026-11-18T11:07:40Z\"") != std::string::npos);
  CHECK(world.verify().ok());
}

TEST_CASE("history/document: two accounts never share an entry") {
  World world;
  world.found({login("a", "token-a"), login("b", "token-b", "kimi-code:default-2")});
  // The first account is gone: the second one gets its profile id, and keeps its own entry.
  world.found({login("b", "token-b")});
  const auto entries = world.entries();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].credential_id == login("a", "").id.hex());
  CHECK(entries[0].token_hash == cp::token_hash("token-a"));
  CHECK(entries[1].profile_id == "kimi-code:default");
  CHECK(entries[1].token_hash == cp::token_hash("token-b"));
}

TEST_CASE("history/document: a refreshed token keeps its entry; uses are counted once") {
  World world;
  world.found({login("a", "old")});
  REQUIRE(world.history.record_used(cp::token_hash("old"), now));
  world.found({login("a", "new")}, now + minutes{5});
  REQUIRE(world.history.record_used(login("a", "").id.hex(), now + minutes{6}));
  const auto entries = world.entries();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].usage_count == 2);
  CHECK(entries[0].detected_at == now);
  CHECK(entries[0].last_used_at == now + minutes{6});
  CHECK(entries[0].token_hash == cp::token_hash("new"));

  const std::vector<cp::HistoryUse> uses{{cp::token_hash("new"), 40, now},
                                         {cp::token_hash("new"), 2, {}}};
  REQUIRE(world.history.record_used(uses, now));
  CHECK(world.entries()[0].usage_count == 44);
  CHECK(world.entries()[0].last_used_at == now + minutes{6});
}

TEST_CASE("history/document: an unknown credential is an error and writes nothing") {
  World world;
  world.found({key("k")});
  const auto before = bytes_of(world.home.path() / name);
  const std::vector<cp::HistoryUse> uses{{cp::token_hash("k"), 1, {}}, {"sha256:none", 1, {}}};
  CHECK(world.history.record_used(uses, now).error().errc() == cp::Errc::not_found);
  CHECK(world.history.record_failure("", cp::Reason::rejected, now).error().errc() ==
        cp::Errc::not_found);
  CHECK(bytes_of(world.home.path() / name) == before);
}

TEST_CASE("history/document: three failures make an entry invalid, a new token or a use mends it") {
  World world;
  const auto status = [&] { return world.entries()[0].status; };
  const auto fail_once = [&](cp::Reason reason) {
    REQUIRE(world.history.record_failure(login("a", "").id.hex(), reason, now));
  };
  world.found({login("a", "t")});
  fail_once(cp::Reason::could_not_tell);
  fail_once(cp::Reason::could_not_tell);
  CHECK(status() == "active");
  fail_once(cp::Reason::could_not_tell);
  CHECK(status() == "invalid");
  world.found({login("a", "t")});
  CHECK(status() == "invalid");
  world.found({login("a", "u")});
  CHECK(status() == "active");
  CHECK(world.entries()[0].consecutive_failures == 0);
  fail_once(cp::Reason::rejected);
  CHECK(status() == "revoked");
  REQUIRE(world.history.record_used(cp::token_hash("u"), now));
  CHECK(status() == "active");
  CHECK(world.entries()[0].last_error.empty());
  fail_once(cp::Reason::rejected);
  CHECK(world.history.prune_revoked(now)->changed == 1);
  CHECK(world.entries().empty());
  CHECK(world.verify().ok());
}

TEST_CASE("history/document: the seed's own example, edited by hand, keeps what we do not know") {
  World world;
  const auto path = world.home.write(name, R"({
    // my notes
    "version": 1, "owner": {"name": "me"},
    "discovered": [
      {"cli": "kimi-cli", "provider": "kimi-code", "profileId": "kimi-code:default",
       "detectedAt": 1700000000, "usageCount": "15", "tokenHash": "sha256:abc123",
       "status": "disabled", "consecutiveFailures": 0, "comment": "mine"},
      "not an entry", {"cli": "other"}
    ]})");
  CHECK(world.entries().size() == 2);
  CHECK(world.verify().notes.size() == 1);
  world.found({login("a", "token")});
  const auto entries = world.entries();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].credential_id == login("a", "").id.hex());
  CHECK(entries[0].usage_count == 15);
  CHECK(entries[0].status == "disabled");
  CHECK(entries[0].detected_at == cp::TimePoint{std::chrono::seconds{1700000000}});
  const auto text = bytes_of(path);
  for (const auto* kept : {"\"owner\"", "\"comment\": \"mine\"", "\"not an entry\"", "\"other\""})
    CHECK(text.find(kept) != std::string::npos);
  CHECK(world.verify().ok());
}

TEST_CASE("history/document: an unreadable document is kept aside and reported") {
  World world;
  world.found({key("k")});
  for (const auto* broken : {"{\"version\": 1, \"disc", "[]", "{\"discovered\": {}}",
                             "{\"version\":1,\"version\":1}", "\xff"}) {
    CAPTURE(broken);
    world.home.write(name, broken);
    CHECK(world.history.entries().error().errc() != cp::Errc::not_found);
    const auto change = world.found({key("k")});
    REQUIRE(change.set_aside);
    CHECK(change.set_aside->string().find(".corrupt-2026") != std::string::npos);
    CHECK(bytes_of(*change.set_aside) == broken);
    CHECK(world.entries().size() == 1);
  }
  // One a version ahead is neither read wrongly nor overwritten.
  world.home.write(name, "{\"version\": 2, \"discovered\": []}");
  CHECK(world.history.record_discovered({}, now).error().errc() == cp::Errc::unsupported);
  CHECK(bytes_of(world.home.path() / name) == "{\"version\": 2, \"discovered\": []}");
}

TEST_CASE("history/document: filters and limits") {
  World world;
  world.found({key("a", "openai:a"), key("b", "openai:b"), login("c", "c")});
  REQUIRE(world.history.record_used(cp::token_hash("b"), now + minutes{1}));
  CHECK(world.entries({.cli = "codex-cli"}).size() == 2);
  CHECK(world.entries({.provider = "kimi-code"}).size() == 1);
  CHECK(world.entries({.status = "revoked"}).empty());
  const auto last = world.entries({.limit = 1});
  REQUIRE(last.size() == 1);
  CHECK(last[0].profile_id == "openai:b");
}

TEST_CASE("history/document: clear removes the entries and begins the chain anew") {
  World world;
  world.found({key("a"), login("b", "b")});
  CHECK(world.history.clear(now)->changed == 2);
  CHECK(world.entries().empty());
  CHECK(world.chain_lines().size() == 1);
  CHECK(world.chain_lines()[0].find("\"cleared\"") != std::string::npos);
  CHECK(world.verify().ok());
  world.found({key("a")});
  CHECK(world.verify().ok());
  CHECK(world.verify().records == 2);
}

TEST_CASE("history/chain: verify tells what happened to the chain") {
  World world;
  std::vector<cp::Credential> credentials;
  for (int i = 0; i < 6; ++i)
    credentials.push_back(key("secret-" + std::to_string(i), "openai:" + std::to_string(i)));
  world.found(credentials);
  const auto lines = world.chain_lines();
  REQUIRE(lines.size() == 6);
  REQUIRE(world.verify().ok());
  const auto verdict_of = [&](std::vector<std::string> changed) {
    world.put_chain(changed);
    return world.verify();
  };

  auto changed = lines;
  changed[2].replace(changed[2].find("openai:2"), 8, "openai:9");
  auto verdict = verdict_of(changed);
  CHECK(verdict.fault == Fault::edited);
  CHECK(verdict.broken_record == 3);
  CHECK(verdict.broken_line == 3);

  changed = lines;
  changed[2] = "garbage";
  CHECK(verdict_of(changed).fault == Fault::edited);

  changed = lines;
  changed.erase(changed.begin() + 2);
  verdict = verdict_of(changed);
  CHECK(verdict.fault == Fault::removed);
  CHECK(verdict.broken_record == 4);

  changed = lines;
  changed.erase(changed.begin());
  CHECK(verdict_of(changed).fault == Fault::removed);

  changed = lines;
  std::swap(changed[2], changed[3]);
  verdict = verdict_of(changed);
  CHECK(verdict.fault == Fault::reordered);
  CHECK(verdict.broken_record == 4);

  changed = lines;
  changed.pop_back();
  verdict = verdict_of(changed);
  CHECK(verdict.fault == Fault::truncated);
  CHECK(verdict.broken_record == 6);
  // The next write does not paper over it.
  REQUIRE(world.history.record_used(cp::token_hash("secret-0"), now));
  CHECK(world.verify().fault == Fault::truncated);

  // A whole other chain, right in itself.
  World other;
  std::reverse(credentials.begin(), credentials.end());
  other.found(credentials);
  World third;
  third.found(std::vector<cp::Credential>{credentials.rbegin(), credentials.rend()});
  third.put_chain(other.chain_lines());
  CHECK(third.verify().fault == Fault::replaced);
  auto spliced = lines;
  spliced[5] = other.chain_lines()[5];
  third.put_chain(spliced);
  CHECK(third.verify().fault == Fault::replaced);
  CHECK(third.verify().broken_record == 6);
}

TEST_CASE("history/chain: an entry that somebody else changed is named") {
  World world;
  world.found({key("a", "openai:a"), key("b", "openai:b")});
  const auto path = world.home.path() / name;
  const auto text = bytes_of(path);
  auto edited = text;
  edited.replace(edited.find("\"usageCount\": 0"), 15, "\"usageCount\": 7");
  put(path, edited);
  auto verdict = world.verify();
  CHECK(verdict.fault == Fault::entry_changed);
  CHECK(verdict.detail.find("openai:a") != std::string::npos);
  // Writing that entry keeps the finding.
  REQUIRE(world.history.record_used(cp::token_hash("a"), now));
  CHECK(world.verify().fault == Fault::entry_changed);
  CHECK(world.verify().broken_record == 3);
}

TEST_CASE("history/chain: interrupted writes are no fault and are mended") {
  World world;
  world.found({key("a", "openai:a")});
  const auto path = world.home.path() / name;
  const auto before = bytes_of(path);
  REQUIRE(world.history.record_used(cp::token_hash("a"), now));
  put(path, before);  // as if killed between chain and document
  CHECK(world.verify().ok());
  CHECK(world.verify().notes.size() == 1);
  std::ofstream{world.history.chain_path(), std::ios::app} << "{\"seq\":3,\"at";
  CHECK(world.verify().ok());
  REQUIRE(world.history.record_used(cp::token_hash("a"), now));
  CHECK(world.verify().ok());
  CHECK(world.verify().notes.empty());
  CHECK(world.entries()[0].usage_count == 1);
}

TEST_CASE("history/document: two processes never lose each other's entries") {
  World world;
  constexpr int processes = 4;
  constexpr int rounds = 10;
  std::vector<pid_t> children;
  world.found({key("shared", "openai:shared")});
  for (int p = 0; p < processes; ++p) {
    const auto child = ::fork();
    if (child == 0) {
      bool good = true;
      for (int i = 0; i < rounds; ++i) {
        const auto id = std::to_string(p) + "-" + std::to_string(i);
        const std::vector<cp::Credential> one{key("secret-" + id, "openai:" + id)};
        good = good && world.history.record_discovered(one, now).has_value();
        good = good && world.history.record_used(cp::token_hash("shared"), now).has_value();
      }
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  const auto entries = world.entries();
  CHECK(entries.size() == processes * rounds + 1);
  CHECK(entries[0].usage_count == processes * rounds);
  CHECK(world.verify().ok());
}

TEST_CASE("history/document: 200 kills leave a document that can be read and no leftovers") {
  World world;
  world.found({key("k", "openai:k")});
  std::uint64_t seen = 0;
  for (int kill = 0; kill < 200; ++kill) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const auto child = ::fork();
    if (child == 0) {
      for (;;) {
        (void)!world.history.record_used(cp::token_hash("k"), now);
        (void)!::write(ready[1], "x", 1);
      }
    }
    char one = 0;
    REQUIRE(::read(ready[0], &one, 1) == 1);
    // A different moment of the write each time, without a clock: by spinning.
    std::atomic<int> spin{0};
    while (spin < kill * 5000) ++spin;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    const auto entries = world.entries();
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].usage_count > seen);
    seen = entries[0].usage_count;
    const auto verdict = world.verify();
    CHECK_MESSAGE(verdict.ok(), verdict.detail);
  }
  REQUIRE(world.history.record_used(cp::token_hash("k"), now));
  CHECK(world.verify().notes.empty());
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator{world.home.path() / ".openclaw"}) {
    (void)file;
    ++files;
  }
  CHECK(files == 3);  // document, chain, lock
}

TEST_CASE("history/document: what may not be written through is refused") {
  World world;
  const auto lock = (world.home.path() / name).string() + ".lock";
  std::filesystem::create_symlink("/nowhere", lock);
  CHECK(world.history.record_discovered({}, now).error().errc() == cp::Errc::unsafe_file);
  std::filesystem::remove(lock);
  std::filesystem::create_symlink("/nowhere", world.history.chain_path());
  const std::vector<cp::Credential> one{key("k")};
  CHECK(world.history.record_discovered(one, now).error().errc() == cp::Errc::unsafe_file);
}

TEST_CASE("history/document: a long history stays usable") {
  World world;
  std::vector<cp::Credential> many;
  for (int i = 0; i < 2000; ++i)
    many.push_back(key("secret-" + std::to_string(i), "openai:" + std::to_string(i)));
  CHECK(world.found(many).changed == 2000);
  CHECK(world.found(many).changed == 0);
  CHECK(world.entries().size() == 2000);
  CHECK(world.verify().ok());
}
