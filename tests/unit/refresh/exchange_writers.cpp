// SPDX-License-Identifier: MIT
// An exchange beside others who write the same file: its CLI, its user, another process.
#include <credpool/refresh/exchange.hpp>

#include <credpool/core/file_lock.hpp>
#include <credpool/impl/refresh/file_swap.hpp>
#include <credpool/impl/refresh/journal.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

#include <cstddef>

#include <sys/wait.h>

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

using namespace credpool;
using namespace std::chrono_literals;

namespace {

/// Calls it once, at the n-th time it is asked.
std::function<void()> at(int turn, std::function<void()> action) {
  return [turn, action = std::move(action), asked = 0]() mutable {
    if (asked++ == turn) action();
  };
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// What was put aside, all of it.
std::string parked_in(const ExchangeBench& bench) {
  std::string all;
  for (const auto& file : detail::ExchangeFiles::beside(bench.store.file()).list("parked-"))
    all += text_of(file);
  return all;
}

/// Has a child run it where renameat2(2) is not there. @return its exit status; -1 when the system
/// does not let us take that call away
int without_exchange_of_names(const std::function<int()>& body) {
#if defined(__linux__) && defined(SYS_renameat2)
  const auto child = ::fork();
  if (child == 0) {
    sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{4, steps};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) != 99 ? WEXITSTATUS(status) : -1;
#else
  (void)body;
  return -1;
#endif
}

}  // namespace

TEST_CASE("refresh/exchange_writers: of one account the access token that ends later stays") {
  ExchangeBench bench;
  SUBCASE("theirs: adopted, ours put aside") {
    bench.store.on_write = [&] { bench.login("a", "b", exchange_start + 20min); };
    CHECK(bench.run()->outcome == ExchangeOutcome::adopted);
    CHECK(bench.field("access") == "a");
    CHECK(parked_in(bench).find("access-1") != std::string::npos);
    CHECK_FALSE(bench.has("journal"));
    // The next success drops it.
    bench.store.on_write = nullptr;
    bench.clock.advance(20min);
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(parked_in(bench).empty());
  }
  SUBCASE("theirs on a tie") {
    bench.store.on_write = [&] { bench.login("a", "b", exchange_start + 15min); };
    CHECK(bench.run()->outcome == ExchangeOutcome::adopted);
    CHECK(bench.field("access") == "a");
  }
  SUBCASE("ours: theirs put aside") {
    bench.store.on_write = [&] { bench.login("a", "b", exchange_start + 10min); };
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.field("access") == "access-1");
    CHECK(parked_in(bench).find("\"b\"") != std::string::npos);
  }
}

TEST_CASE("refresh/exchange_writers: what is written over ours a moment later counts") {
  ExchangeBench bench;
  SUBCASE("by another account: its tokens are never given out as ours") {
    bench.on_sleep = [&] { bench.login("a", "b", exchange_start + 20min, "somebody"); };
    CHECK(bench.run().error().errc() == Errc::account_changed);
    CHECK(bench.field("access") == "a");
    CHECK(parked_in(bench).find("access-1") != std::string::npos);
  }
  SUBCASE("by the CLI, which went on from ours") {
    bench.on_sleep = [&] { bench.login("a", "b", exchange_start + 20min); };
    const auto report = bench.run();
    REQUIRE(report);
    CHECK(report->tokens.access_token.reveal() == "a");
    CHECK(report->outcome == ExchangeOutcome::adopted);
  }
  SUBCASE("by the CLI, an older one") {
    bench.on_sleep = at(0, [&] { bench.login("a", "b", exchange_start + 5min); });
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.field("access") == "access-1");
  }
  SUBCASE("by a logout") {
    bench.on_sleep = [&] { std::filesystem::remove(bench.store.file()); };
    CHECK(bench.run().error().errc() == Errc::login_needed);
    CHECK_FALSE(std::filesystem::exists(bench.store.file()));
  }
}

TEST_CASE("refresh/exchange_writers: a token that still works is no answer to another login") {
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start + 4min);  // nothing forces a refresh
  SUBCASE("another account") {
    bench.store.on_write = [&] { bench.login("a", "b", exchange_start + 20min, "somebody"); };
    CHECK(bench.run().error().errc() == Errc::account_changed);
  }
  SUBCASE("another account before the request") {
    bench.store.on_lock = [&] { bench.login("a", "b", exchange_start + 20min, "somebody"); };
    CHECK(bench.run().error().errc() == Errc::account_changed);
    CHECK(bench.sent == 0);
  }
  SUBCASE("logged out after the request") {
    bench.store.on_write = [&] { std::filesystem::remove(bench.store.file()); };
    CHECK(bench.run().error().errc() == Errc::login_needed);
  }
  SUBCASE("logged out before the request") {
    bench.store.on_lock = [&] { std::filesystem::remove(bench.store.file()); };
    CHECK(bench.run().error().errc() == Errc::not_found);
    CHECK(bench.sent == 0);
  }
}

TEST_CASE(
    "refresh/exchange_writers: an old answer of another account does not stop the new login") {
  ExchangeBench bench;
  {
    auto journal = detail::Journal::create(
        detail::ExchangeFiles::beside(bench.store.file()),
        {token_hash("gone"), token_hash("somebody"), "cut", 0, "", exchange_start, false, "", 0});
    REQUIRE(journal->keep(Secret{ExchangeBench::granted(7).body}, exchange_start));
  }
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.field("refresh") == "refresh-1");
}

TEST_CASE("refresh/exchange_writers: a kept answer is stored though nothing is due") {
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start + 14min);
  const auto files = detail::ExchangeFiles::beside(bench.store.file());
  {
    auto journal = detail::Journal::create(files, {token_hash("refresh-0"), token_hash("me"), "cut",
                                                   0, "", exchange_start, false, "", 0});
    REQUIRE(journal->keep(Secret{ExchangeBench::granted(7).body}, exchange_start));
  }
  SUBCASE("at once") {
    CHECK(bench.run()->outcome == ExchangeOutcome::recovered);
    CHECK(bench.field("refresh") == "refresh-7");
    CHECK_FALSE(bench.has("journal"));
  }
  SUBCASE("unless somebody is at it") {
    const auto theirs = FileLock::take(files.lock, Duration{0});
    CHECK(bench.run()->outcome == ExchangeOutcome::still_fresh);
  }
  CHECK(bench.sent == 0);
}

TEST_CASE("refresh/exchange_writers: a swap shows who wrote in between") {
  ThrowawayHome home;
  const auto file = home.write("login.json", "theirs");
  auto swap = detail::FileSwap::reserve(detail::ExchangeFiles::beside(file), 100);
  REQUIRE(swap);
  REQUIRE(swap->write(Secret{"ours"}, 0640));
  SUBCASE("nobody") {
    CHECK(*swap->swap_with_target(Secret{"theirs"}) == detail::FileSwap::Swapped::expected);
    CHECK(text_of(file) == "ours");
    CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::mask) ==
          std::filesystem::perms{0640});
  }
  SUBCASE("somebody: theirs stands there again") {
    CHECK(*swap->swap_with_target(Secret{"before"}) == detail::FileSwap::Swapped::surprised);
    CHECK(text_of(file) == "theirs");
  }
  SUBCASE("somebody who removed it: nothing is made") {
    std::filesystem::remove(file);
    CHECK(*swap->swap_with_target(Secret{"theirs"}) == detail::FileSwap::Swapped::gone);
    CHECK_FALSE(std::filesystem::exists(file));
  }
  SUBCASE("made anew only where there is none") {
    CHECK(*swap->make_anew() == detail::FileSwap::Swapped::surprised);
    CHECK(text_of(file) == "theirs");
    std::filesystem::remove(file);
    CHECK(*swap->make_anew() == detail::FileSwap::Swapped::expected);
    CHECK(text_of(file) == "ours");
  }
}

TEST_CASE("refresh/exchange_writers: where names cannot be exchanged links do it") {
  ExchangeBench bench;
  const auto status = without_exchange_of_names([&] {
    const auto& file = bench.store.file();
    const int failed = exchange_names(file.c_str(), file.c_str());
    if (failed != ENOSYS && failed != EINVAL) return 98;
    const auto report = bench.run();
    if (!report || report->outcome != ExchangeOutcome::exchanged) return 1;
    if (bench.files() != 3) return 2;
    // And a surprise is found there too.
    auto swap = detail::FileSwap::reserve(detail::ExchangeFiles::beside(bench.store.file()), 100);
    if (!swap || !swap->write(Secret{"ours"}, 0600)) return 3;
    const auto swapped = swap->swap_with_target(Secret{"before"});
    return swapped && *swapped == detail::FileSwap::Swapped::surprised ? 0 : 4;
  });
  if (status == -1) {
    MESSAGE("this system does not let a test take renameat2 away");
    return;
  }
  CHECK(status == 0);
  CHECK(bench.field("refresh") == "refresh-1");
  CHECK(bench.field("other") == "kept");
}
