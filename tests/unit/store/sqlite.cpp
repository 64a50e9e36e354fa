// SPDX-License-Identifier: MIT
#include <credpool/store/sqlite.hpp>

#include <credpool/impl/store/sqlite_schema.hpp>

#include <contract/pool_state_store.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <csignal>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#if defined(__linux__)
#include <sched.h>
#endif

namespace cp = credpool;
namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};

cp::CredentialId id_of(std::string_view name) {
  return cp::CredentialId{cp::sha256(name)};
}

struct World {
  ThrowawayHome home;
  cp::Environment environment = home.environment();
  cp::StateDirectory directory = *cp::StateDirectory::locate(environment);

  fs::path file(const char* ending = "") const { return directory.state_file().string() + ending; }
  cp::Result<cp::SqliteState> open(cp::Duration patience = seconds{5}) const {
    return cp::SqliteState::open(directory, environment, patience);
  }
  std::string bytes(const fs::path& path) const {
    std::ostringstream all;
    all << std::ifstream{path, std::ios::binary}.rdbuf();
    return all.str();
  }
};

cp::PoolDelta one_use(std::string_view name, cp::TimePoint at = now) {
  cp::PoolDelta delta;
  auto& change = delta.credentials.emplace_back();
  change.id = id_of(name);
  change.use = 1;
  change.use_at = at;
  change.uses = 1;
  change.last_selected = at;
  return delta;
}

cp::Cooldown cooldown_of(std::string_view name, std::string model, cp::TimePoint noted_at = now) {
  cp::Cooldown cooldown;
  cooldown.id = id_of(name);
  cooldown.model = std::move(model);
  cooldown.reason = cp::CooldownReason::quota;
  cooldown.since = now;
  cooldown.until = now + minutes{90};
  cooldown.next_trial = now + minutes{5};
  cooldown.level = 3;
  cooldown.trials = 2;
  cooldown.noted_at = noted_at;
  return cooldown;
}

cp::Result<cp::Generation> hand_in(cp::SqliteState& store, const cp::PoolDelta& delta) {
  return store.transact(0, [&](const cp::PoolState&) { return delta; });
}

cp::PoolState changes(cp::SqliteState& store, cp::Generation seen = 0) {
  cp::PoolState state;
  REQUIRE(store.transact(seen, [&](const cp::PoolState& changed) {
    state = changed;
    return cp::PoolDelta{};
  }));
  return state;
}

mode_t mode_of(const fs::path& path) {
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

/// Runs in a child process; @return its exit code, or -1 when a signal ended it.
template <class F> int in_child(F&& run) {
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(run());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool is_sound(const fs::path& file) {
  auto database = cp::detail::SqliteDatabase::open(file, seconds{5});
  REQUIRE(database);
  auto check = database->prepare("PRAGMA integrity_check");
  REQUIRE(check);
  std::string verdict;
  REQUIRE(check->each("checking", [&](auto& row) { verdict += row.bytes(0); }));
  return verdict == "ok";
}

}  // namespace

TEST_CASE("store/sqlite: the contract of pool state stores") {
  const World world;
  pool_state_store_contract([&] { return world.open().value(); });
}

TEST_CASE("store/sqlite: a new store is empty and of generation 0") {
  const World world;
  auto store = world.open();
  REQUIRE(store);
  CHECK(*store->generation() == 0);
  CHECK(changes(*store).empty());
  CHECK(*store->generation() == 0);  // an empty delta writes nothing
}

TEST_CASE("store/sqlite: every member survives a restart") {
  const World world;
  cp::PoolDelta delta = one_use("a");
  auto& change = delta.credentials.front();
  change.imported = true;
  change.disabled = true;
  change.last_used = now + seconds{1};
  change.consecutive_failures = 4;
  change.success_streak = 5;
  change.latency_ms = 12.5;
  change.latency_at = now + seconds{2};
  change.limit = 7.25;
  change.rejected_token = cp::token_hash("rejected");
  change.verified_token = cp::token_hash("verified");
  delta.cooldowns = {cooldown_of("a", "model-x"), cooldown_of("a", "")};
  delta.cursors = {{"openai/gpt", id_of("a"), now}};
  {
    auto store = world.open();
    REQUIRE(store);
    CHECK(*hand_in(*store, delta) == 1);
  }
  auto store = world.open();
  REQUIRE(store);
  CHECK(*store->generation() == 1);
  const auto state = changes(*store);
  REQUIRE(state.credentials.size() == 1);
  cp::CredentialState expected;
  expected.id = id_of("a");
  cp::merge(expected, change, delta.half_life);
  CHECK(state.credentials.front() == expected);
  REQUIRE(state.cooldowns.size() == 2);
  CHECK(state.cooldowns[0] == cooldown_of("a", ""));
  CHECK(state.cooldowns[1] == cooldown_of("a", "model-x"));
  CHECK(state.cursors == delta.cursors);
}

TEST_CASE("store/sqlite: only what changed since a generation is told") {
  const World world;
  auto store = world.open();
  REQUIRE(store);
  REQUIRE(hand_in(*store, one_use("a")));
  const auto seen = *hand_in(*store, one_use("b"));
  CHECK(changes(*store, seen).empty());
  REQUIRE(hand_in(*store, one_use("a")));
  const auto changed = changes(*store, seen);
  REQUIRE(changed.credentials.size() == 1);
  CHECK(changed.credentials[0].id == id_of("a"));
  CHECK(changed.credentials[0].total_uses == 2);
  CHECK(changes(*store).credentials.size() == 2);
}

TEST_CASE("store/sqlite: older evidence does not replace newer, and changes nothing") {
  const World world;
  auto store = world.open();
  REQUIRE(store);
  cp::PoolDelta delta;
  delta.cooldowns = {cooldown_of("a", "m", now)};
  delta.cursors = {{"lane", id_of("a"), now}};
  const auto seen = *hand_in(*store, delta);
  delta.cooldowns[0].noted_at = delta.cursors[0].noted_at = now - seconds{1};
  delta.cooldowns[0].reason = cp::CooldownReason::none;
  delta.cursors[0].last = id_of("b");
  REQUIRE(hand_in(*store, delta));
  CHECK(changes(*store, seen).empty());
  CHECK(changes(*store).cooldowns[0].reason == cp::CooldownReason::quota);
  CHECK(changes(*store).cursors[0].last == id_of("a"));
}

TEST_CASE("store/sqlite: numbers at the end of their range") {
  const World world;
  auto store = world.open();
  REQUIRE(store);
  cp::PoolDelta delta = one_use("a");
  delta.credentials[0].uses = ~0ULL;
  delta.credentials[0].consecutive_failures = ~0U;
  REQUIRE(hand_in(*store, delta));
  const auto state = changes(*store).credentials.at(0);
  CHECK(state.total_uses == (~0ULL >> 1));
  CHECK(state.consecutive_failures == ~0U);
}

TEST_CASE("store/sqlite: an exchange that throws keeps nothing and blocks nobody") {
  const World world;
  auto store = world.open();
  REQUIRE(store);
  CHECK_THROWS_AS(
      static_cast<void>(store->transact(
          0, [](const cp::PoolState&) -> cp::PoolDelta { throw std::logic_error{"x"}; })),
      std::logic_error);
  CHECK(*hand_in(*store, one_use("a")) == 1);
}

TEST_CASE("store/sqlite: files are 0600 and the directory 0700 under umask 000 and 777") {
  for (const mode_t mask : {0000, 0777}) {
    const World world;
    const auto before = ::umask(mask);
    auto store = world.open();
    const auto written = hand_in(*store, one_use("a"));
    ::umask(before);
    REQUIRE(written);
    CHECK(mode_of(world.directory.path()) == 0700);
    int files = 0;
    for (const auto& entry : fs::directory_iterator{world.directory.path()}) {
      CAPTURE(entry.path().string());
      CHECK(mode_of(entry.path()) == 0600);
      ++files;
    }
    CHECK(files == 4);  // the database, its -wal and -shm, the lock
  }
}

TEST_CASE("store/sqlite: a file of every earlier version is brought up to date") {
  constexpr auto& steps = cp::detail::sqlite_migrations;
  for (std::size_t version = 0; version <= steps.size(); ++version) {
    CAPTURE(version);
    const World world;
    REQUIRE(world.directory.create());
    {
      const auto path = world.home.write(".local/state/credpool/state.sqlite", "");
      auto database = cp::detail::SqliteDatabase::open(path, seconds{1});
      REQUIRE(database);
      for (std::size_t step = 0; step < version; ++step) REQUIRE(database->run("", steps[step]));
      if (version > 0)
        REQUIRE(database->run("", "PRAGMA user_version = " + std::to_string(version) +
                                      "; PRAGMA application_id = " +
                                      std::to_string(cp::detail::sqlite_application_id) +
                                      "; UPDATE generation SET number = 41"));
    }
    auto store = world.open();
    REQUIRE(store);
    CHECK(*hand_in(*store, one_use("a")) == (version > 0 ? 42 : 1));
    CHECK(is_sound(world.file()));
  }
}

TEST_CASE("store/sqlite: a newer version and another program's database are left alone") {
  const World world;
  REQUIRE(world.open());
  auto expected = cp::Errc::unsupported;
  {
    auto database = cp::detail::SqliteDatabase::open(world.file(), seconds{1});
    REQUIRE(database);
    REQUIRE(database->run("", "PRAGMA journal_mode = DELETE"));
    SUBCASE("newer") {
      REQUIRE(database->run("", "PRAGMA user_version = 99"));
    }
    SUBCASE("another program's") {
      REQUIRE(database->run("", "PRAGMA application_id = 7"));
      expected = cp::Errc::malformed;
    }
    SUBCASE("without a mark") {
      REQUIRE(database->run("", "PRAGMA application_id = 0; PRAGMA user_version = 0"));
      expected = cp::Errc::malformed;
    }
  }
  const auto before = world.bytes(world.file());
  const auto store = world.open();
  REQUIRE_FALSE(store);
  CHECK(store.error().errc() == expected);
  CHECK_FALSE(store.error().hint.empty());
  CHECK(world.bytes(world.file()) == before);
}

TEST_CASE("store/sqlite: a damaged file is a clear error and is never deleted") {
  const World world;
  {
    auto store = world.open();
    for (int n = 0; n < 200; ++n) REQUIRE(hand_in(*store, one_use(std::to_string(n))));
  }
  {
    auto database = cp::detail::SqliteDatabase::open(world.file(), seconds{1});
    REQUIRE(database->run("", "PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  auto bytes = world.bytes(world.file());
  REQUIRE(bytes.size() > 20000);
  SUBCASE("no database") {
    bytes = "this is not a database, it is a text of some length " + bytes;
  }
  SUBCASE("garbage in the pages") {
    bytes.replace(2000, 16000, std::string(16000, '\x5a'));
  }
  SUBCASE("cut off") {
    bytes.resize(bytes.size() / 3);
  }
  world.home.write(".local/state/credpool/state.sqlite", bytes);
  const auto failure = [&]() -> std::optional<cp::Error> {
    auto store = world.open();
    if (!store) return store.error();
    const auto read = store->transact(0, [](const cp::PoolState&) { return cp::PoolDelta{}; });
    if (!read) return read.error();
    return std::nullopt;
  }();
  REQUIRE(failure);
  CHECK(failure->errc() == cp::Errc::malformed);
  CHECK(failure->hint.find("mv '") != std::string::npos);
  CHECK(world.bytes(world.file()) == bytes);
}

TEST_CASE("store/sqlite: B1 B2 B4 what is not a file of ours is refused") {
  const World world;
  REQUIRE(world.open());
  const auto kept = world.home.path() / "kept.sqlite";
  fs::rename(world.file(), kept);
  SUBCASE("a link") {
    fs::create_symlink(kept, world.file());
  }
  SUBCASE("a dangling link") {
    fs::create_symlink(world.home.path() / "nowhere", world.file());
  }
  SUBCASE("a FIFO") {
    REQUIRE(::mkfifo(world.file().c_str(), 0600) == 0);
  }
  SUBCASE("a directory") {
    fs::create_directory(world.file());
  }
  SUBCASE("writable by others") {
    fs::copy(kept, world.file());
    REQUIRE(::chmod(world.file().c_str(), 0620) == 0);
  }
  const auto store = world.open();
  REQUIRE_FALSE(store);
  CHECK(store.error().errc() == cp::Errc::unsafe_file);
  CHECK_FALSE(fs::exists(world.home.path() / "nowhere"));
}

TEST_CASE("store/sqlite: a link on the way to the directory is fine") {
  const World world;
  fs::create_directories(world.home.path() / "disk/state");
  fs::create_directory(world.home.path() / ".local");
  fs::create_directory_symlink(world.home.path() / "disk/state",
                               world.home.path() / ".local/state");
  CHECK(world.open());
  CHECK(fs::exists(world.home.path() / "disk/state/credpool/state.sqlite"));
}

TEST_CASE("store/sqlite: another writer that does not finish is an error, not a hang") {
  const World world;
  auto first = world.open();
  auto second = world.open(std::chrono::milliseconds{20});
  REQUIRE(second);
  cp::Result<cp::Generation> refused, read;
  REQUIRE(first->transact(0, [&](const cp::PoolState&) {
    refused = hand_in(*second, one_use("b"));
    read = second->generation();
    return one_use("a");
  }));
  CHECK(refused.error().errc() == cp::Errc::busy);
  CHECK(*read == 0);  // readers do not wait
  CHECK(*hand_in(*second, one_use("b")) == 2);
}

TEST_CASE("store/sqlite: C8 no piece of a token stands in the database or its log") {
  const World world;
  const std::string canary = "sk-canary-0123456789abcdefghijklmnop";
  auto store = world.open();
  auto delta = one_use(canary);
  delta.credentials[0].rejected_token = cp::token_hash(canary);
  REQUIRE(hand_in(*store, delta));
  // In a child: closing the files here would drop the locks of the open store.
  CHECK(in_child([&] {
          for (const auto* ending : {"", "-wal", "-shm"}) {
            const auto bytes = world.bytes(world.file(ending));
            if (bytes.empty()) return 2;
            for (std::size_t at = 0; at + 12 <= canary.size(); ++at)
              if (bytes.find(canary.substr(at, 12)) != std::string::npos) return 1;
          }
          return world.bytes(world.file("-wal")).find(cp::token_hash(canary)) == std::string::npos
                     ? 3
                     : 0;
        }) == 0);
}

TEST_CASE("store/sqlite: processes that write at once lose nothing") {
  const World world;
  constexpr int writers = 4, each = 100;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {  // the file is made by whoever comes first
      auto store = world.open(seconds{60});
      bool good = store.has_value();
      for (int n = 0; good && n < each; ++n) {
        auto delta = one_use("shared");
        delta.credentials.push_back(one_use("own" + std::to_string(writer)).credentials[0]);
        delta.cooldowns = {cooldown_of("shared", std::to_string(writer), now + seconds{n})};
        good = hand_in(*store, delta).has_value();
      }
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  auto store = world.open();
  REQUIRE(store);
  CHECK(*store->generation() == writers * each);
  const auto state = changes(*store);
  CHECK(state.credentials.size() == writers + 1);
  std::uint64_t total = 0;
  double use = 0;
  for (const auto& credential : state.credentials) {
    total += credential.total_uses;
    if (credential.id == id_of("shared")) use = credential.use;
  }
  CHECK(total == 2 * writers * each);
  CHECK(use == doctest::Approx(writers * each));  // all at one time: nothing decays
  REQUIRE(state.cooldowns.size() == writers);
  for (const auto& cooldown : state.cooldowns) CHECK(cooldown.noted_at == now + seconds{each - 1});
}

TEST_CASE("store/sqlite: two processes take turns by the stored cursor") {
  const World world;
  const std::array ids{id_of("a"), id_of("b"), id_of("c")};
  std::string order;
  for (int turn = 0; turn < 7; ++turn) {
    const int chosen = in_child([&] {
      auto store = world.open();
      int next = 0;
      const auto done = store->transact(0, [&](const cp::PoolState& state) {
        if (!state.cursors.empty())
          for (std::size_t i = 0; i < ids.size(); ++i)
            if (ids[i] == state.cursors[0].last) next = static_cast<int>((i + 1) % ids.size());
        cp::PoolDelta delta;
        delta.cursors = {{"lane", ids[static_cast<std::size_t>(next)], now + seconds{turn}}};
        return delta;
      });
      return done ? next : 9;
    });
    order += static_cast<char>('a' + chosen);
  }
  CHECK(order == "abcabca");
}

TEST_CASE("store/sqlite: a hundred kills lose nothing that was acknowledged") {
  const World world;
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 100; ++round) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto store = world.open();
      while (store && hand_in(*store, one_use("a")))
        if (::write(pipe[1], "x", 1) != 1) break;
      ::_exit(1);
    }
    ::close(pipe[1]);
    char byte = 0;
    REQUIRE(::read(pipe[0], &byte, 1) == 1);
    std::this_thread::sleep_for(std::chrono::microseconds{53 * (round % 31)});
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    for (++acknowledged; ::read(pipe[0], &byte, 1) == 1;) ++acknowledged;
    ::close(pipe[0]);
  }
  auto store = world.open();
  REQUIRE(store);
  const auto state = changes(*store);
  REQUIRE(state.credentials.size() == 1);
  CHECK(state.credentials[0].total_uses >= acknowledged);
  CHECK(state.credentials[0].total_uses <= acknowledged + 100);  // one not yet told in each round
  CHECK(is_sound(world.file()));
}

TEST_CASE("store/sqlite: a write that the system refuses keeps nothing and loses nothing") {
  const World world;
  {
    auto store = world.open();
    REQUIRE(hand_in(*store, one_use("a")));
  }
  // No file may grow past 64 KiB: the log cannot take a large change.
  CHECK(in_child([&] {
          std::signal(SIGXFSZ, SIG_IGN);
          const rlimit limit{64 * 1024, 64 * 1024};
          if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
          auto store = world.open();
          cp::PoolDelta large;
          for (int n = 0; n < 5000; ++n)
            large.credentials.push_back(one_use(std::to_string(n)).credentials[0]);
          if (!store || hand_in(*store, large)) return 3;
          // The same object goes on.
          if (*store->generation() != 1) return 4;
          return hand_in(*store, one_use("a")) ? 0 : 5;
        }) == 0);
  auto store = world.open();
  REQUIRE(store);
  const auto state = changes(*store);
  REQUIRE(state.credentials.size() == 1);
  CHECK(state.credentials[0].total_uses == 2);
  CHECK(is_sound(world.file()));
}

#if defined(__linux__)
TEST_CASE("store/sqlite: B12 a full disk and a read-only file system are clear errors") {
  const World world;
  REQUIRE(world.directory.create());
  constexpr int not_allowed = 77;
  const int outcome = in_child([&] {
    const auto* place = world.directory.path().c_str();
    if (::unshare(CLONE_NEWNS) != 0) return not_allowed;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", place, "tmpfs", 0, "size=256k,mode=0700") != 0)
      return not_allowed;
    auto store = world.open();
    if (!store || !hand_in(*store, one_use("a"))) return 1;
    cp::Result<cp::Generation> full;
    for (int n = 0; n < 5000 && full; ++n) full = hand_in(*store, one_use(std::to_string(n)));
    if (full || full.error().errc() != cp::Errc::store_unwritable) return 2;
    if (changes(*store).credentials.empty()) return 3;
    store = cp::fail(cp::Errc::cancelled, "closing");
    if (!is_sound(world.file())) return 4;
    if (::mount("none", place, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return 5;
    const auto read_only = world.open();
    return !read_only && read_only.error().errc() == cp::Errc::permission_denied ? 0 : 6;
  });
  if (outcome == not_allowed) MESSAGE("only root may mount: not shown here");
  CAPTURE(outcome);
  CHECK((outcome == 0 || outcome == not_allowed));
}
#endif
