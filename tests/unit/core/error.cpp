// SPDX-License-Identifier: MIT
#include <credpool/core/error.hpp>
#include <credpool/core/result.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <set>

namespace cp = credpool;
using cp::Condition;
using cp::Errc;

namespace {

constexpr int first = static_cast<int>(Errc::not_found);
constexpr int last = static_cast<int>(Errc::configuration);

bool answers(Errc code, Condition condition) {
  return std::error_code{code} == condition;
}

}  // namespace

TEST_CASE("core/error: every code has a name and a meaning of its own") {
  std::set<std::string> names;
  std::set<std::string> meanings;
  for (int code = first; code <= last; ++code) {
    const std::string name{cp::to_string(static_cast<Errc>(code))};
    CAPTURE(name);
    CHECK(names.insert(name).second);
    CHECK(meanings.insert(std::error_code{static_cast<Errc>(code)}.message()).second);
  }
  CHECK_FALSE(names.contains("unknown"));
  CHECK(cp::to_string(static_cast<Errc>(9999)) == "unknown");
  CHECK(cp::error_category().name() == std::string{"credpool"});
}

TEST_CASE("core/error: the questions that callers ask") {
  CHECK(answers(Errc::rate_limited, Condition::try_next_credential));
  CHECK(answers(Errc::rate_limited, Condition::retry_later));
  CHECK(answers(Errc::unauthorized, Condition::try_next_credential));
  CHECK_FALSE(answers(Errc::unauthorized, Condition::retry_later));
  CHECK(answers(Errc::login_needed, Condition::login_needed));
  CHECK_FALSE(answers(Errc::unauthorized, Condition::login_needed));
  CHECK(answers(Errc::configuration, Condition::caller_mistake));
  CHECK_FALSE(answers(Errc::io, Condition::caller_mistake));
  // A token that may have been spent must not be sent again in the hope of the best.
  CHECK_FALSE(answers(Errc::outcome_unknown, Condition::retry_later));
  // Codes of other categories answer no question of ours.
  CHECK_FALSE(std::make_error_code(std::errc::timed_out) == Condition::retry_later);
}

TEST_CASE("core/error: one line that says what, where, why and what next") {
  cp::Error error{Errc::too_large, "reading a file", "/a/b", "move it away"};
  CHECK(error.message() == "reading a file: /a/b: too large; move it away");
  error.http_status = 413;
  CHECK(error.message() == "reading a file: /a/b: too large (HTTP 413); move it away");
  CHECK(cp::Error{Errc::io, "", "", ""}.message() == "input/output error");
  CHECK(cp::Error{Errc::io, "reading", "", ""}.message() == "reading: input/output error");
  CHECK(error.errc() == Errc::too_large);
}

TEST_CASE("core/error: the exit codes that front ends promise") {
  const auto code = [](Errc errc) { return cp::exit_code(cp::Error{errc, "", "", ""}); };
  CHECK(code(Errc::not_found) == 1);
  CHECK(code(Errc::invalid_argument) == 3);
  CHECK(code(Errc::configuration) == 3);
  CHECK(code(Errc::login_needed) == 4);
  CHECK(code(Errc::outcome_unknown) == 5);
}

TEST_CASE("core/result: a value or an error, and never the wrong one by accident") {
  const cp::Result<int> good = 5;
  CHECK(good.has_value());
  CHECK(*good == 5);
  CHECK(good.value_or(7) == 5);
  CHECK_THROWS_AS((void)good.error(), std::logic_error);

  const cp::Result<int> bad = cp::fail(Errc::io, "reading");
  CHECK_FALSE(bad);
  CHECK(bad.error().errc() == Errc::io);
  CHECK(bad.value_or(7) == 7);
  CHECK_THROWS_AS((void)*bad, std::logic_error);
}

TEST_CASE("core/result: steps are chained, an error goes through as it is") {
  const auto half = [](int value) -> cp::Result<int> {
    if (value % 2 != 0) return cp::fail(Errc::invalid_argument, "halving");
    return value / 2;
  };
  CHECK(*cp::Result<int>{8}.and_then(half).and_then(half) == 2);
  CHECK(cp::Result<int>{3}.and_then(half).and_then(half).error().doing == "halving");
  CHECK(*cp::Result<int>{8}.transform([](int value) { return std::to_string(value); }) == "8");
  cp::Result<int> failed = cp::fail(Errc::io, "reading");
  CHECK(std::move(failed).transform([](int value) { return value + 1; }).error().errc() ==
        Errc::io);
}

TEST_CASE("core/result: values that can only be moved, and no value at all") {
  cp::Result<std::unique_ptr<int>> owner = std::make_unique<int>(5);
  const auto taken = *std::move(owner);
  CHECK(*taken == 5);
  const cp::Result<void> done;
  CHECK(done);
  CHECK_THROWS_AS((void)done.error(), std::logic_error);
  const cp::Result<void> failed = cp::fail(Errc::busy, "locking");
  CHECK_FALSE(failed);
  CHECK(failed.error().errc() == Errc::busy);
}
