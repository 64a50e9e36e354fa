// SPDX-License-Identifier: MIT
#include <credpool/source/store_locks.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <csignal>
#include <functional>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cp = credpool;
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::Duration at_once{0};
constexpr cp::Duration patient{10'000};

cp::HeartbeatRules rules(cp::Duration stale = seconds{30}, cp::Duration touch = seconds{5}) {
  return {"some-cli", stale, touch};
}

using Taken = cp::Result<std::unique_ptr<cp::StoreLock>>;
using Take = std::function<Taken(const fs::path&, cp::HeartbeatRules, cp::Duration)>;

/// The two locks that exist by their name.
struct Named {
  const char* name;
  Take take;
  std::function<void(const fs::path&)> make;  ///< as the CLI makes its own
};
const Named both[] = {
    {"directory", cp::DirectoryStoreLock::take,
     [](const fs::path& path) { REQUIRE(::mkdir(path.c_str(), 0777) == 0); }},
    {"file", cp::OwnedFileStoreLock::take,
     [](const fs::path& path) { std::ofstream{path} << "somebody-else"; }},
};

void set_age(const fs::path& path, seconds age) {
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const struct timespec times[2] = {{now.tv_sec - age.count(), 0}, {now.tv_sec - age.count(), 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

bool stands(const fs::path& path) {
  struct stat facts {};
  return ::lstat(path.c_str(), &facts) == 0;
}

int files_in(const fs::path& directory) {
  return static_cast<int>(
      std::distance(fs::directory_iterator{directory}, fs::directory_iterator{}));
}

cp::Errc errc(const Taken& taken) {
  REQUIRE_FALSE(taken);
  return taken.error().errc();
}

/// Another process that takes a lock, says so, and lives on until it is killed.
class Holder {
 public:
  explicit Holder(const std::function<Taken()>& take) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      const auto lock = take();
      const char answer = lock ? 'y' : 'n';
      (void)!::write(ends[1], &answer, 1);
      for (;;) ::pause();
    }
    char answer = 0;
    REQUIRE(::read(ends[0], &answer, 1) == 1);
    ::close(ends[0]);
    ::close(ends[1]);
    REQUIRE(answer == 'y');
  }
  ~Holder() { kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  pid_t child_ = 0;
};

}  // namespace

TEST_CASE("source/store_locks: a flock keeps out other processes, as the CLI's own does") {
  const ThrowawayHome home;
  const auto path = home.path() / "kimi-code.lock";
  Holder holder{[&] { return cp::FlockStoreLock::take(path, at_once, "kimi-cli"); }};
  const auto refused = cp::FlockStoreLock::take(path, milliseconds{30}, "kimi-cli");
  CHECK(errc(refused) == cp::Errc::busy);
  CHECK(refused.error().place == path.string());
  CHECK(refused.error().message().find("kimi-cli") != std::string::npos);

  holder.kill();
  const auto lock = cp::FlockStoreLock::take(path, patient, "kimi-cli");
  REQUIRE(lock);
  CHECK((*lock)->still_held());
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
  const cp::Descriptor as_the_cli{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  CHECK(::flock(as_the_cli.get(), LOCK_EX | LOCK_NB) != 0);
}

TEST_CASE("source/store_locks: a flock's file stays, with the mode that it had") {
  const ThrowawayHome home;
  const auto path = home.write("auth.lock", "", 0644);
  { REQUIRE(cp::FlockStoreLock::take(path, at_once, "codex-cli")); }
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0644);
}

TEST_CASE("source/store_locks: a flock whose file was replaced is not held") {
  const ThrowawayHome home;
  const auto path = home.path() / "auth.lock";
  const auto lock = cp::FlockStoreLock::take(path, at_once, "codex-cli");
  REQUIRE(lock);
  fs::remove(path);
  CHECK_FALSE((*lock)->still_held());
  home.write("auth.lock", "");
  const auto held = (*lock)->still_held();
  REQUIRE_FALSE(held);
  CHECK(held.error().errc() == cp::Errc::busy);
}

TEST_CASE("source/store_locks: a flock refuses links and what is no file") {
  const ThrowawayHome home;
  home.write("elsewhere", "");
  fs::create_symlink(home.path() / "elsewhere", home.path() / "link");
  fs::create_directory(home.path() / "directory");
  for (const auto* name : {"link", "directory"})
    CHECK(errc(cp::FlockStoreLock::take(home.path() / name, at_once, "kimi-cli")) ==
          cp::Errc::unsafe_file);
}

TEST_CASE("source/store_locks: a named lock is held by its name and gone afterwards") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    {
      const auto lock = kind.take(path, rules(), at_once);
      REQUIRE(lock);
      CHECK(stands(path));
      CHECK((*lock)->still_held());
      CHECK((*lock)->still_held());
      CHECK(errc(kind.take(path, rules(), milliseconds{30})) == cp::Errc::busy);
    }
    CHECK(files_in(home.path()) == 0);
    CHECK(kind.take(path, rules(), at_once));
  }
}

TEST_CASE("source/store_locks: another's live lock is respected, whatever the patience") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    kind.make(path);
    const auto refused = kind.take(path, rules(), milliseconds{50});
    CHECK(errc(refused) == cp::Errc::busy);
    CHECK(refused.error().place == path.string());
    CHECK(stands(path));
  }
}

TEST_CASE("source/store_locks: M10 A9 Q9 a stale lock is taken away, also without patience") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    kind.make(path);
    set_age(path, seconds{29});
    CHECK(errc(kind.take(path, rules(seconds{30}), at_once)) == cp::Errc::busy);
    set_age(path, seconds{31});
    const auto lock = kind.take(path, rules(seconds{30}), at_once);
    REQUIRE(lock);
    CHECK((*lock)->still_held());
    CHECK(files_in(home.path()) == 1);
  }
}

TEST_CASE("source/store_locks: a lock from the future is stale once it was not touched for long") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    kind.make(path);
    set_age(path, -seconds{3600});
    CHECK(errc(kind.take(path, rules(milliseconds{200}), at_once)) == cp::Errc::busy);
    CHECK(kind.take(path, rules(milliseconds{200}), patient));
  }
}

TEST_CASE("source/store_locks: a living holder is never stale; a killed one is, and leaves it") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    const auto brisk = rules(milliseconds{600}, milliseconds{50});
    Holder holder{[&] { return kind.take(path, brisk, at_once); }};
    // Three stale times: without the heart beat it would be taken.
    CHECK(errc(kind.take(path, brisk, milliseconds{1800})) == cp::Errc::busy);
    holder.kill();
    CHECK(stands(path));
    const auto lock = kind.take(path, brisk, patient);
    REQUIRE(lock);
    CHECK((*lock)->still_held());
  }
}

TEST_CASE("source/store_locks: still_held() makes the lock fresh") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    const auto lock = kind.take(path, rules(), at_once);
    REQUIRE(lock);
    struct stat before {};
    struct stat after {};
    REQUIRE(::stat(path.c_str(), &before) == 0);
    // The kernel's file times advance in steps of some milliseconds.
    for (int i = 0; i < 200; ++i) {
      std::this_thread::sleep_for(milliseconds{5});
      REQUIRE((*lock)->still_held());
      REQUIRE(::stat(path.c_str(), &after) == 0);
      if (after.st_mtim.tv_nsec != before.st_mtim.tv_nsec) break;
    }
    CHECK(after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
  }
}

TEST_CASE("source/store_locks: A19 a lock that somebody removed is noticed") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    const auto lock = kind.take(path, rules(), at_once);
    REQUIRE(lock);
    fs::remove(path);
    const auto held = (*lock)->still_held();
    REQUIRE_FALSE(held);
    CHECK(held.error().errc() == cp::Errc::busy);
    CHECK(held.error().place == path.string());
    // Once lost it stays lost: what was read under it is not protected any more.
    kind.make(path);
    CHECK_FALSE((*lock)->still_held());
  }
}

TEST_CASE("source/store_locks: somebody else's lock in its place is noticed and never removed") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    {
      const auto lock = kind.take(path, rules(), at_once);
      REQUIRE(lock);
      fs::remove(path);
      kind.make(path);
      CHECK_FALSE((*lock)->still_held());
    }
    CHECK(stands(path));
  }
}

TEST_CASE("source/store_locks: a lock that somebody else touches is not ours alone") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    const auto lock = kind.take(path, rules(), at_once);
    REQUIRE(lock);
    set_age(path, seconds{1});
    CHECK_FALSE((*lock)->still_held());
  }
}

TEST_CASE("source/store_locks: an owned file names its owner, and is not removed under another") {
  const ThrowawayHome home;
  const auto path = home.path() / "oauth_creds.lock";
  std::string first;
  {
    const auto lock = cp::OwnedFileStoreLock::take(path, rules(), at_once);
    REQUIRE(lock);
    std::ifstream{path} >> first;
    CHECK(first.size() == 36);
    CHECK(first[14] == '4');
    // In place, with its time: only the content tells.
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    std::ofstream{path} << "another";
    const struct timespec times[2] = {facts.st_atim, facts.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    CHECK_FALSE((*lock)->still_held());
  }
  CHECK(stands(path));
  fs::remove(path);
  const auto lock = cp::OwnedFileStoreLock::take(path, rules(), at_once);
  REQUIRE(lock);
  std::string second;
  std::ifstream{path} >> second;
  CHECK(second.size() == 36);
  CHECK(second != first);
}

TEST_CASE("source/store_locks: M10 what has the name of a lock and is none is not touched") {
  const ThrowawayHome home;
  const auto file = home.write("file", "");
  fs::create_directory(home.path() / "directory");
  fs::create_symlink(home.path() / "directory", home.path() / "link");
  set_age(file, seconds{3600});
  set_age(home.path() / "directory", seconds{3600});
  CHECK(errc(cp::DirectoryStoreLock::take(file, rules(), patient)) == cp::Errc::unsafe_file);
  for (const auto* name : {"directory", "link"})
    CHECK(errc(cp::OwnedFileStoreLock::take(home.path() / name, rules(), patient)) ==
          cp::Errc::unsafe_file);
  CHECK(errc(cp::DirectoryStoreLock::take(home.path() / "link", rules(), patient)) ==
        cp::Errc::unsafe_file);
  CHECK(files_in(home.path()) == 3);
  CHECK(errc(cp::DirectoryStoreLock::take(home.path() / "no/lock", rules(), patient)) ==
        cp::Errc::not_found);
}

TEST_CASE("source/store_locks: a stale directory that is not empty is left alone") {
  const ThrowawayHome home;
  home.write("the.lock/file", "");
  const auto path = home.path() / "the.lock";
  set_age(path, seconds{3600});
  CHECK(errc(cp::DirectoryStoreLock::take(path, rules(), milliseconds{50})) == cp::Errc::busy);
  CHECK(stands(path / "file"));
}

TEST_CASE("source/store_locks: several processes, one holder at a time") {
  for (const auto& kind : both) {
    CAPTURE(kind.name);
    const ThrowawayHome home;
    const auto path = home.path() / "the.lock";
    const auto counter = home.write("counter", "");
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      const auto child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        for (int turn = 0; turn < 5; ++turn) {
          const auto lock = kind.take(path, rules(), seconds{60});
          if (!lock) ::_exit(1);
          const auto size = fs::file_size(counter);
          std::this_thread::sleep_for(milliseconds{1});
          fs::resize_file(counter, size + 1);  // loses a turn when two are in here
        }
        ::_exit(0);
      }
      children.push_back(child);
    }
    for (const auto child : children) {
      int status = 1;
      ::waitpid(child, &status, 0);
      CHECK(status == 0);
    }
    CHECK(fs::file_size(counter) == 20);
    CHECK_FALSE(stands(path));
  }
}

TEST_CASE("source/store_locks: no child process inherits a lock") {
  const ThrowawayHome home;
  std::vector<std::unique_ptr<cp::StoreLock>> locks;
  locks.push_back(cp::FlockStoreLock::take(home.path() / "a", at_once, "some-cli").value());
  locks.push_back(cp::DirectoryStoreLock::take(home.path() / "b", rules(), at_once).value());
  locks.push_back(cp::OwnedFileStoreLock::take(home.path() / "c", rules(), at_once).value());
  int ours = 0;
  for (const auto& entry : fs::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;
    const auto target = fs::read_symlink(entry, gone).string();
    if (target.find(home.path().string()) != 0) continue;
    ++ours;
    CHECK((::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(ours == 3);
}

TEST_CASE("source/store_locks: several locks are held together and let go in reverse") {
  const ThrowawayHome home;
  class Noisy final : public cp::StoreLock {
   public:
    Noisy(std::string& told, char name, bool held) : told_{told}, name_{name}, held_{held} {}
    ~Noisy() override { told_.push_back(name_); }
    cp::Result<void> still_held() const override {
      if (held_) return {};
      return cp::fail(cp::Errc::busy, "holding", std::string{name_});
    }

   private:
    std::string& told_;
    char name_;
    bool held_;
  };
  std::string told;
  {
    cp::StoreLocksInOrder locks;
    locks.add(std::make_unique<Noisy>(told, 'a', true));
    locks.add(std::make_unique<Noisy>(told, 'b', true));
    CHECK(locks.still_held());
    locks.add(std::make_unique<Noisy>(told, 'c', false));
    CHECK(locks.still_held().error().place == "c");
  }
  CHECK(told == "cba");
}
