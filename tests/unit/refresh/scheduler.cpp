// SPDX-License-Identifier: MIT
#include <credpool/refresh/scheduler.hpp>

#include <credpool/core/clock.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <map>
#include <string>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

cp::CredentialId id(int number) {
  return cp::Credential::login("acme-cli", "acme", std::to_string(number)).id;
}

cp::TimePoint now() {
  return cp::SystemClock{}.now();
}

/// Waits for something that another thread does; fails the test after a minute.
void eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 60'000 && !holds(); ++i) std::this_thread::sleep_for(1ms);
  REQUIRE(holds());
}

}  // namespace

TEST_CASE("refresh/scheduler: renews what is due, and again when it is told to") {
  std::atomic<int> renewed{0};
  auto scheduler = cp::RenewalScheduler::start(
      {.now = now, .renew = [&](const cp::CredentialId&) -> std::optional<cp::TimePoint> {
         return ++renewed < 3 ? std::optional{now()} : std::nullopt;
       }});
  REQUIRE(scheduler);
  (*scheduler)->put(id(1), now() + 1h);
  (*scheduler)->put(id(2), now());
  eventually([&] { return renewed == 3; });
  eventually([&] { return (*scheduler)->size() == 1; });
  (*scheduler)->put(id(1), now());  // moved to the front
  eventually([&] { return renewed == 4; });
}

TEST_CASE("refresh/scheduler: never the same login twice at once, however often it is put") {
  std::mutex mutex;
  std::map<cp::CredentialId, int> under_way;
  std::atomic<int> most{0};
  std::atomic<int> done{0};
  auto scheduler = cp::RenewalScheduler::start(
      {.now = now,
       .renew = [&](const cp::CredentialId& which) -> std::optional<cp::TimePoint> {
         {
           const std::lock_guard lock{mutex};
           most = std::max(most.load(), ++under_way[which]);
         }
         std::this_thread::yield();
         {
           const std::lock_guard lock{mutex};
           --under_way[which];
         }
         ++done;
         return std::nullopt;
       },
       .clock_changed = {},
       .workers = 8});
  REQUIRE(scheduler);
  for (int round = 0; round < 200; ++round)
    for (int i = 0; i < 5; ++i) (*scheduler)->put(id(i), now());
  eventually([&] { return (*scheduler)->size() == 0; });
  CHECK(done >= 5);
  CHECK(most == 1);
}

TEST_CASE("refresh/scheduler: what is removed while it is renewed does not come back") {
  std::promise<void> entered;
  std::promise<void> leave;
  auto scheduler = cp::RenewalScheduler::start(
      {.now = now, .renew = [&](const cp::CredentialId&) -> std::optional<cp::TimePoint> {
         entered.set_value();
         leave.get_future().wait();
         return now();
       }});
  REQUIRE(scheduler);
  (*scheduler)->put(id(1), now());
  entered.get_future().wait();
  CHECK((*scheduler)->size() == 1);
  (*scheduler)->remove(id(1));
  leave.set_value();
  eventually([&] { return (*scheduler)->size() == 0; });
}

TEST_CASE("refresh/scheduler: its end waits for the renewal that is under way") {
  std::promise<void> entered;
  std::atomic<bool> finished{false};
  auto scheduler = cp::RenewalScheduler::start(
      {.now = now, .renew = [&](const cp::CredentialId&) -> std::optional<cp::TimePoint> {
         entered.set_value();
         std::this_thread::sleep_for(20ms);
         finished = true;
         return std::nullopt;
       }});
  REQUIRE(scheduler);
  (*scheduler)->put(id(1), now());
  entered.get_future().wait();
  scheduler->reset();
  CHECK(finished);
}

TEST_CASE("refresh/scheduler: more due than workers are all renewed") {
  std::atomic<int> renewed{0};
  auto scheduler = cp::RenewalScheduler::start(
      {.now = now,
       .renew = [&](const cp::CredentialId&) -> std::optional<cp::TimePoint> {
         ++renewed;
         return now() + 1h;
       },
       .clock_changed = {},
       .workers = 2});
  REQUIRE(scheduler);
  const auto due = now();
  for (int i = 0; i < 3000; ++i) (*scheduler)->put(id(i), due);
  eventually([&] { return renewed == 3000; });
  CHECK((*scheduler)->size() == 3000);
}
