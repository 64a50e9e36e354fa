// SPDX-License-Identifier: MIT
#include <credpool/refresh/renewal_plan.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

constexpr cp::TimePoint start{std::chrono::milliseconds{1795000000000}};

cp::CredentialId id(int number) {
  return cp::Credential::login("acme-cli", "acme", std::to_string(number)).id;
}

}  // namespace

TEST_CASE("refresh/renewal_plan: the time is the window before the end, spread by 5 percent") {
  const auto end = start + 15min;
  cp::TimePoint first = end;
  cp::TimePoint last = start;
  for (int i = 0; i < 1000; ++i) {
    const auto at = cp::renewal_time(id(i), end, 540s);
    CHECK(at >= end - 567s);
    CHECK(at <= end - 513s);
    first = std::min(first, at);
    last = std::max(last, at);
    CHECK(at == cp::renewal_time(id(i), end, 540s));  // looking again does not move it
  }
  CHECK(last - first > 50s);  // of 54 possible
}

TEST_CASE("refresh/renewal_plan: gives what is due, the longest due first") {
  cp::RenewalPlan plan;
  CHECK_FALSE(plan.next());
  CHECK_FALSE(plan.take(start));
  plan.put(id(1), start + 2s);
  plan.put(id(2), start + 1s);
  plan.put(id(3), start + 3s);
  CHECK(plan.next() == start + 1s);
  CHECK_FALSE(plan.take(start));
  CHECK(plan.take(start + 2s) == id(2));
  CHECK(plan.take(start + 2s) == id(1));
  CHECK_FALSE(plan.take(start + 2s));
  CHECK(plan.size() == 1);
  CHECK(plan.due(id(3)) == start + 3s);
  CHECK_FALSE(plan.due(id(1)));
}

TEST_CASE("refresh/renewal_plan: moving and removing leave nothing behind") {
  cp::RenewalPlan plan;
  plan.put(id(1), start + 1s);
  plan.put(id(1), start + 9s);
  CHECK(plan.next() == start + 9s);
  CHECK_FALSE(plan.take(start + 8s));
  plan.put(id(1), start + 4s);
  CHECK(plan.take(start + 4s) == id(1));
  CHECK_FALSE(plan.take(start + 99s));
  plan.put(id(2), start);
  plan.remove(id(2));
  plan.remove(id(2));
  CHECK_FALSE(plan.next());
  CHECK_FALSE(plan.take(start + 99s));
}

TEST_CASE("refresh/renewal_plan: property: it agrees with a sorted list under random changes") {
  std::mt19937 random{20261121};
  cp::RenewalPlan plan;
  std::map<cp::CredentialId, cp::TimePoint> model;
  const auto within = [&](int limit) { return static_cast<int>(random() % limit); };
  for (int step = 0; step < 20000; ++step) {
    const auto which = id(within(50));
    switch (within(4)) {
      case 0:
      case 1: {
        const auto due = start + 1ms * within(100000);
        plan.put(which, due);
        model[which] = due;
        break;
      }
      case 2:
        plan.remove(which);
        model.erase(which);
        break;
      default: {
        const auto now = start + 1ms * within(100000);
        const auto soonest =
            std::min_element(model.begin(), model.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        const auto taken = plan.take(now);
        REQUIRE(taken.has_value() == (soonest != model.end() && soonest->second <= now));
        if (taken) {
          REQUIRE(model.at(*taken) == soonest->second);  // equal times in any order
          model.erase(*taken);
        }
        break;
      }
    }
    REQUIRE(plan.size() == model.size());
  }
}
