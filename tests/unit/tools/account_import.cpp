// SPDX-License-Identifier: MIT
#include "../../../tools/credpool/account_import.hpp"

#include "../account/moody_store.hpp"
#include <throwaway_home.hpp>

#include <credpool/core/iso8601.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace cli = credpool_cli;

namespace {

constexpr const char* ann = "10000000-0000-4000-8000-000000000000";
constexpr const char* bea = "20000000-0000-4000-8000-000000000000";

cp::TimePoint at(const char* text) {
  const auto when = cp::parse_iso8601(text);
  REQUIRE(when);
  return *when;
}

const char* const now = "2026-03-15T12:00:00Z";

/// Ann: two keys, used before, between and after her payments. Bea: nothing but a balance.
cli::ReferenceBooks some_books() {
  cli::ReferenceBooks books;
  books.users = {
      {ann, "Ann@example.com", "$2b$10$x", "pro", 7, "", at("2026-01-01T00:00:00Z")},
      {bea, "bea@example.com", "", "free", std::nullopt, "", at("2026-01-02T00:00:00Z")},
  };
  for (const char* digest : {"d1", "d2"})
    books.management_keys.push_back(
        {digest, ann, digest, digest[1] == '1', at("2026-01-01T00:00:00Z"), std::nullopt});
  for (const char* hash : {"k1", "k2"})
    books.keys.push_back({.id = hash,
                          .user = ann,
                          .hash = hash,
                          .digest = hash,
                          .name = hash,
                          .credit_limit = "5",
                          .limit_reset = hash[1] == '1' ? "monthly" : "",
                          .usage = "0.6",
                          .created_at = at("2026-01-01T00:00:00Z"),
                          .expires_at = {},
                          .revoked_at = {}});
  books.balances = {{"b1", ann, "15", "1.2", true, "5", "25", at("2026-01-01T00:00:00Z")},
                    {"b2", bea, "0.5", "0", false, "5", "25", at("2026-01-01T00:00:00Z")}};
  for (const auto* day : {"2026-01-01", "2026-02-28", "2026-03-10"})
    books.transactions.push_back({"t" + std::string{day}, ann, "purchase", "5.000000", "",
                                  at((std::string{day} + "T12:00:00Z").c_str())});
  int number = 0;
  // The last of February in UTC is already March in Berlin.
  for (const auto* when : {"2026-01-02T00:00:00Z", "2026-02-28T23:30:00Z", "2026-03-14T00:00:00Z"})
    for (const char* key : {"k1", "k2"})
      books.usage.push_back(
          {"u" + std::to_string(++number), ann, key, "gpt-4o", 10, 5, "0.2", 200, at(when)});
  return books;
}

cli::ImportPlan plan_of(const cli::ReferenceBooks& books, const cp::LedgerCalendar& calendar = {}) {
  auto plan = cli::plan_import(books, calendar, at(now));
  REQUIRE_MESSAGE(plan, plan.error().message());
  return std::move(*plan);
}

cp::Error fault_of(const cli::ReferenceBooks& books) {
  const auto plan = cli::plan_import(books, {}, at(now));
  REQUIRE_FALSE(plan);
  CHECK(plan.error().errc() == cp::Errc::invalid_argument);
  return plan.error();
}

}  // namespace

TEST_CASE("tools/account_import: wherever an import is cut off, the next one ends it") {
  const auto plan = plan_of(some_books());
  MoodyStore whole;
  REQUIRE(cli::carry_out(whole, plan, false));
  const auto expected = whole.inner.document();
  const auto balance = whole.balance(ann);
  REQUIRE(balance);
  CHECK(balance->remaining() == cp::Money{13'800'000});
  for (const bool loses_answer : {false, true}) {
    bool cut = true;
    int writes = 0;
    for (; cut; ++writes) {
      CAPTURE(writes);
      CAPTURE(loses_answer);
      MoodyStore store;
      store.writes_left = writes;
      store.loses_answer = loses_answer;
      cut = !cli::carry_out(store, plan, false);
      store.writes_left = std::numeric_limits<int>::max();
      const auto ended = cli::carry_out(store, plan, false);
      REQUIRE_MESSAGE(ended, ended.error().message());
      CHECK(store.inner.document() == expected);
    }
    CHECK(writes > 12);
  }
}

TEST_CASE("tools/account_import: what is there is left alone") {
  const auto plan = plan_of(some_books());
  MoodyStore store;
  cp::Account other;
  other.id = "other";
  other.email = "ann@example.com";
  REQUIRE(store.inner.add_account(other, {"key", "other", at(now), std::nullopt}));
  store.writes_left = 0;
  const auto dry = cli::carry_out(store, plan, true);  // a write would fail
  REQUIRE(dry);
  CHECK(dry->accounts == 1);
  CHECK(dry->corrections == 1);
  REQUIRE(dry->skipped.size() == 1);
  CHECK(dry->skipped[0].first == "ann@example.com");

  SUBCASE("a key that somebody else has ends it before anything is written") {
    auto books = some_books();
    books.users[0].email = "anna@example.com";
    cp::ProvisionedKey key;
    key.hash = key.name = "x";
    key.digest = "k2";
    key.account = "other";
    REQUIRE(store.inner.add_key(key));
    const auto before = store.inner.document();
    const auto done = cli::carry_out(store, plan_of(books), false);
    REQUIRE_FALSE(done);
    CHECK(done.error().errc() == cp::Errc::conflict);
    CHECK(store.inner.document() == before);
  }
}

TEST_CASE("tools/account_import: the running period of a limit is that of the time zone") {
  const auto period_usage = [](const cp::LedgerCalendar& calendar) {
    return plan_of(some_books(), calendar).accounts.at(0).keys;
  };
  const auto utc = period_usage({});
  CHECK(utc[0].period_usage == cp::Money{200'000});
  CHECK(utc[0].period_start == at("2026-03-01T00:00:00Z"));
  CHECK(utc[1].period_usage == cp::Money{600'000});  // never begins anew
  const ThrowawayHome home;
  const auto berlin = cp::LedgerCalendar::open("Europe/Berlin", home.environment());
  if (!berlin) {
    MESSAGE("no time zones here");
    return;
  }
  CHECK(period_usage(*berlin)[0].period_usage == cp::Money{400'000});
}

TEST_CASE("tools/account_import: amounts are exact, or refused with their row") {
  auto books = some_books();
  SUBCASE("zeros at the end are no decimals") {
    books.usage[0].cost = "0.2000000000";
    CHECK_FALSE(plan_of(books).accounts[0].corrected);
  }
  SUBCASE("seven decimals") {
    books.usage[3].cost = "0.2000001";
    const auto fault = fault_of(books);
    CHECK(fault.place == "usage_logs row u4");
    CHECK(fault.hint.starts_with("cost: "));
  }
  SUBCASE("no number") {
    books.keys[1].credit_limit = "Infinity";
    CHECK(fault_of(books).place == "provisioned_keys row k2");
  }
  SUBCASE("two minus signs") {
    books.transactions[1].amount = "--5";
    CHECK(fault_of(books).place == "credit_transactions row t2026-02-28");
  }
  SUBCASE("a sum that is too large") {
    for (auto& transaction : books.transactions) transaction.amount = "1000000000000";
    CHECK(fault_of(books).place == "credit_transactions row t2026-02-28");
  }
  SUBCASE("a user who is not there") {
    books.balances[1].user = "nobody";
    CHECK(fault_of(books).place == "credit_balances row b2");
  }
  SUBCASE("another user's key") {
    books.usage[0].user = bea;
    CHECK(fault_of(books).place == "usage_logs row u1");
  }
  SUBCASE("below zero") {
    books.balances[0].credits = "-1.5";
    books.keys[0].credit_limit = "-3";
    books.usage[0].cost = "-0.2";
    const auto plan = plan_of(books);
    CHECK(plan.accounts[0].remaining == cp::Money{-2'700'000});
    CHECK(plan.accounts[0].keys[0].credit_limit == cp::Money{});
    CHECK(plan.negative_costs == 1);
    MoodyStore store;
    REQUIRE(cli::carry_out(store, plan, false));
    CHECK(store.balance(ann)->remaining() == cp::Money{-2'700'000});
  }
}

TEST_CASE("tools/account_import: users that cannot be accounts are named") {
  auto books = some_books();
  books.users[1].email = "ANN@example.com";
  books.users.push_back({"3", "not an address", "", "free", std::nullopt, "", at(now)});
  const auto plan = plan_of(books);
  CHECK(plan.accounts.size() == 1);
  REQUIRE(plan.skipped.size() == 2);
  CHECK(plan.skipped[0].first == "ann@example.com");
  CHECK(plan.skipped[1].first == "not an address");
}
