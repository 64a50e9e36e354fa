// SPDX-License-Identifier: MIT
// A disk or file that could not take the answer: found out before anything is spent.
#include <credpool/refresh/exchange.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

using namespace credpool;
using namespace std::chrono_literals;

namespace {

/// Runs it in a child, whose limits and mounts are its own. @return its exit status
int in_child(const std::function<int()>& body) {
  const auto child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

constexpr int not_possible_here = 99;

/// 0: refused as it should be, with nothing spent and nothing left behind.
int refused_unspent(ExchangeBench& bench) {
  bench.clock.advance(1min);
  const auto refused = bench.run();
  if (refused) return 1;
  if (refused.error().errc() != Errc::store_unwritable) return 2;
  if (bench.sent != 0) return 3;
  if (bench.has("journal")) return 4;
  return bench.field("refresh") == "refresh-0" ? 0 : 5;
}

#if defined(__linux__)
bool own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}
#endif

}  // namespace

TEST_CASE("refresh/exchange_unwritable: no room for the answer") {
  // 40 KiB a file: less than what a journal reserves, more than our state.
  CHECK(in_child([] {
          ExchangeBench bench;
          ::signal(SIGXFSZ, SIG_IGN);
          const rlimit small{40 * 1024, 40 * 1024};
          if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return not_possible_here;
          return refused_unspent(bench);
        }) == 0);
}

TEST_CASE("refresh/exchange_unwritable: a directory in which nothing can be made") {
  const auto status = in_child([] {
    ExchangeBench bench;
    bench.clock.advance(1min);
    CHECK(bench.run());  // our lock is there
    bench.login("access-0", "refresh-0", exchange_start);
    bench.sent = 0;
    bench.clock.advance(1min);
    if (::geteuid() != 0) {
      ::chmod(bench.home.path().c_str(), 0500);
      const auto result = refused_unspent(bench);
      ::chmod(bench.home.path().c_str(), 0700);
      return result;
    }
#if defined(__linux__)
    const auto* path = bench.home.path().c_str();
    if (!own_mounts() || ::mount(path, path, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(path, path, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      return not_possible_here;
    const auto result = refused_unspent(bench);
    ::umount(path);
    return result;
#else
    return not_possible_here;
#endif
  });
  if (status == not_possible_here) MESSAGE("root cannot mount here: not tested");
  CHECK((status == 0 || status == not_possible_here));
}

#if defined(__linux__)
TEST_CASE("refresh/exchange_unwritable: a file that no rename replaces") {
  const auto status = in_child([] {
    if (!own_mounts()) return not_possible_here;
    ExchangeBench bench;
    const auto* file = bench.store.file().c_str();
    if (::mount(file, file, nullptr, MS_BIND, nullptr) != 0) return not_possible_here;
    const auto result = refused_unspent(bench);
    ::umount(file);
    return result;
  });
  if (status == not_possible_here) MESSAGE("no mounts here: not tested");
  CHECK((status == 0 || status == not_possible_here));
}

TEST_CASE("refresh/exchange_unwritable: a full disk") {
  const auto status = in_child([] {
    if (!own_mounts()) return not_possible_here;
    ExchangeBench bench;
    if (::mount("none", bench.home.path().c_str(), "tmpfs", 0, "size=96k") != 0)
      return not_possible_here;
    bench.login("access-0", "refresh-0", exchange_start);
    const auto result = refused_unspent(bench);
    ::umount(bench.home.path().c_str());
    return result;
  });
  if (status == not_possible_here) MESSAGE("no mounts here: not tested");
  CHECK((status == 0 || status == not_possible_here));
}
#endif

TEST_CASE("refresh/exchange_unwritable: somebody else's file") {
  if (::geteuid() != 0) return;  // only root can read it and give it away
  ExchangeBench bench;
  REQUIRE(::chown(bench.store.file().c_str(), 12345, 12345) == 0);
  bench.clock.advance(1min);
  CHECK_FALSE(bench.run());
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange_unwritable: a state that cannot be read stops nothing that works") {
  ExchangeBench bench;
  std::filesystem::create_directory(bench.home.path() / ".credpool-login.json.state");
  bench.login("access-0", "refresh-0", exchange_start + 14min);
  CHECK(bench.run()->outcome == ExchangeOutcome::still_fresh);
  bench.login("access-0", "refresh-0", exchange_start + 4min);
  CHECK(bench.run()->outcome == ExchangeOutcome::kept);
  bench.clock.advance(5min);
  CHECK(bench.run().error().errc() == Errc::unsafe_file);
  CHECK(bench.sent == 0);
}
