// SPDX-License-Identifier: MIT
#include <credpool/core/file_lock.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>

namespace cp = credpool;
using std::chrono::milliseconds;

namespace {

cp::Errc refusal(const std::filesystem::path& path) {
  const auto lock = cp::FileLock::take(path, milliseconds{0});
  REQUIRE_FALSE(lock);
  return lock.error().errc();
}

}  // namespace

TEST_CASE("core/file_lock: one holder at a time, and the file stays") {
  const ThrowawayHome home;
  const auto path = home.path() / "x.lock";
  CHECK_FALSE(cp::FileLock{}.held());
  {
    const auto lock = cp::FileLock::take(path, milliseconds{0});
    REQUIRE(lock);
    CHECK(lock->held());
    CHECK(refusal(path) == cp::Errc::busy);
    const auto waited = cp::FileLock::take(path, milliseconds{30}, "waiting for a test");
    REQUIRE_FALSE(waited);
    CHECK(waited.error().message().find("waiting for a test") != std::string::npos);
  }
  CHECK(std::filesystem::exists(path));
  auto first = cp::FileLock::take(path, milliseconds{0});
  REQUIRE(first);
  cp::FileLock moved = *std::move(first);
  CHECK(refusal(path) == cp::Errc::busy);
  moved = {};
  CHECK(cp::FileLock::take(path, milliseconds{0}));
}

TEST_CASE("core/file_lock: the file is 0600 whatever the umask") {
  const ThrowawayHome home;
  const auto before = ::umask(0777);
  const auto lock = cp::FileLock::take(home.path() / "x.lock", milliseconds{0});
  ::umask(before);
  REQUIRE(lock);
  struct stat facts {};
  REQUIRE(::stat((home.path() / "x.lock").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
}

TEST_CASE("core/file_lock: a holder that dies lets go, a child that lives on does not hold it") {
  const ThrowawayHome home;
  const auto path = home.path() / "x.lock";
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto held = cp::FileLock::take(path, milliseconds{0});
    const char sign = held ? '1' : '0';
    if (::write(ready[1], &sign, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char sign = 0;
  REQUIRE(::read(ready[0], &sign, 1) == 1);
  CHECK(sign == '1');
  CHECK(refusal(path) == cp::Errc::busy);
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(cp::FileLock::take(path, milliseconds{0}));

  // Started while the lock is held, alive when it is given back: exec has closed it.
  auto lock = cp::FileLock::take(path, milliseconds{0});
  REQUIRE(lock);
  int started[2];
  REQUIRE(::pipe(started) == 0);
  const auto program = ::fork();
  REQUIRE(program >= 0);
  if (program == 0) {
    ::dup2(started[1], 1);
    ::execl("/bin/sh", "sh", "-c", "echo; exec sleep 60", nullptr);
    ::_exit(127);
  }
  REQUIRE(::read(started[0], &sign, 1) == 1);
  CHECK(sign == '\n');
  *lock = {};
  CHECK(cp::FileLock::take(path, milliseconds{0}));
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  for (const int end : {ready[0], ready[1], started[0], started[1]}) ::close(end);
}

TEST_CASE("core/file_lock: what may not be a lock file") {
  const ThrowawayHome home;
  const auto target = home.write("target", "");
  std::filesystem::create_symlink(target, home.path() / "link");
  CHECK(refusal(home.path() / "link") == cp::Errc::unsafe_file);
  CHECK(refusal(home.path()) == cp::Errc::unsafe_file);
  REQUIRE(::mkfifo((home.path() / "fifo").c_str(), 0600) == 0);
  CHECK(refusal(home.path() / "fifo") == cp::Errc::unsafe_file);
  CHECK(refusal(home.path() / "none/x.lock") == cp::Errc::not_found);
}
