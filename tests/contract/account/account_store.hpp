#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/store.hpp>
#include <credpool/core/hash.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

/// What every AccountStore must do, whatever it is made of. Each part makes accounts of its own.
namespace account_contract {

namespace cp = credpool;

inline constexpr cp::TimePoint start{cp::Duration{1'790'000'000'000}};
inline constexpr cp::TimePoint epoch{};
inline constexpr cp::Duration day{86'400'000};

inline std::string digest(const std::string& text) {
  return cp::to_hex(cp::sha256(text));
}

template <class T> void refused(const cp::Result<T>& result, cp::Errc code) {
  REQUIRE_FALSE(result);
  INFO(result.error().message());
  CHECK(result.error().errc() == code);
}

/// A UUID made of a name.
inline std::string uuid(const std::string& name) {
  auto hex = digest(name).substr(0, 32);
  hex[12] = '4';
  hex[16] = '8';
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, "-");
  return hex;
}

inline cp::Account account_named(const std::string& name) {
  cp::Account account;
  account.id = uuid(name);
  account.email = name + "@example.com";
  account.password_hash = "$argon2id$fake";
  account.created_at = start;
  return account;
}

inline cp::ManagementKey management_key(const std::string& account, const std::string& name) {
  return {digest("mgmt " + name), uuid(account), start, std::nullopt};
}

/// An account with that many dollars.
inline cp::AccountId add_account(cp::AccountStore& store, const std::string& name,
                                 cp::Money credits = {}) {
  const auto account = account_named(name);
  REQUIRE(store.add_account(account, management_key(name, name)));
  if (credits != cp::Money{})
    REQUIRE(store.credit({account.id, cp::TransactionType::purchase, credits, "first", "",
                          uuid(name + " first"), start}));
  return account.id;
}

inline cp::ProvisionedKey key_named(const std::string& account, const std::string& name) {
  cp::ProvisionedKey key;
  key.digest = digest("key " + account + name);
  key.hash = key.digest.substr(0, 16);
  key.account = uuid(account);
  key.name = name;
  key.created_at = start;
  return key;
}

inline cp::ProvisionedKey add_key(cp::AccountStore& store, const std::string& account,
                                  const std::string& name, std::optional<cp::Money> limit = {},
                                  cp::LimitReset reset = cp::LimitReset::never) {
  auto key = key_named(account, name);
  key.credit_limit = limit;
  key.limit_reset = reset;
  REQUIRE(store.add_key(key));
  return key;
}

/// A calendar whose days, weeks and months begin every 1, 7 and 30 days after the epoch.
inline cp::LimitPeriod period(cp::LimitReset reset, cp::TimePoint now) {
  if (reset == cp::LimitReset::never) return {};
  const auto days = reset == cp::LimitReset::daily ? 1 : reset == cp::LimitReset::weekly ? 7 : 30;
  const auto length = day * days;
  const auto begun = epoch + (now - epoch) / length * length;
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(begun)};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return {begun, begun + length, text};
}

inline std::string day_of(cp::TimePoint now) {
  return period(cp::LimitReset::daily, now).first_day;
}

inline cp::AllowanceRequest asking(const cp::ProvisionedKey& key, cp::Money least,
                                   cp::TimePoint now = start) {
  cp::AllowanceRequest request;
  request.key_digest = key.digest;
  request.least = request.wanted = request.most = least;
  request.period = [now](cp::LimitReset reset) { return period(reset, now); };
  request.now = now;
  request.expires_at = now + cp::Duration{60'000};
  return request;
}

inline cp::Settlement used(const cp::Allowance& allowance, cp::Money spent, cp::Money returned,
                           cp::TimePoint now = start, const std::string& model = "gpt-4o") {
  cp::Settlement settlement;
  settlement.key_hash = allowance.key_hash;
  settlement.account = allowance.account;
  settlement.period_start = allowance.period_start;
  settlement.spent = spent;
  settlement.returned = returned;
  settlement.day = day_of(now);
  cp::UsageRow row;
  row.request_id = "r";
  row.key_hash = allowance.key_hash;
  row.account = allowance.account;
  row.model = model;
  row.input_tokens = 100;
  row.cached_input_tokens = 50;
  row.output_tokens = 10;
  row.reasoning_tokens = 5;
  row.cost = spent;
  row.status = 200;
  row.at = now;
  settlement.usage = row;
  return settlement;
}

inline cp::Settlement back(const cp::Allowance& allowance, cp::Money returned) {
  cp::Settlement settlement;
  settlement.key_hash = allowance.key_hash;
  settlement.account = allowance.account;
  settlement.period_start = allowance.period_start;
  settlement.returned = returned;
  return settlement;
}

inline cp::Result<void> settle(cp::AccountStore& store, cp::Settlement settlement,
                               const std::string& batch = "") {
  return store.settle(std::span{&settlement, 1}, batch);
}

/// The books of an account agree: the sum of its transactions, each balance on the way, and its
/// usage by days and by requests.
inline void check_books(cp::AccountStore& store, const cp::AccountId& account) {
  const auto balance = store.balance(account);
  REQUIRE(balance);
  const auto transactions = store.transactions(account, std::nullopt, {1'000'000, 0});
  REQUIRE(transactions);
  cp::Money sum, spent;
  for (auto at = transactions->items.rbegin(); at != transactions->items.rend(); ++at) {
    sum += at->amount;
    CHECK(at->balance_after == sum);
    if (at->type == cp::TransactionType::usage) spent -= at->amount;
  }
  CHECK(sum == balance->remaining());
  CHECK(spent == balance->usage);
  const auto days = store.usage(account, "", "0000-00-00", "9999-99-99");
  REQUIRE(days);
  cp::Money by_day;
  for (const auto& row : *days) by_day += row.cost;
  CHECK(by_day == balance->usage);
  const auto rows = store.usage_rows(account, "", {1'000'000, 0});
  REQUIRE(rows);
  cp::Money by_row;
  for (const auto& row : rows->items) by_row += row.cost;
  CHECK(by_row == balance->usage);
  CHECK(balance->reserved >= cp::Money{});
}

inline void accounts(cp::AccountStore& store) {
  auto account = account_named("ann");
  account.github_id = 42;
  REQUIRE(store.add_account(account, management_key("ann", "ann")));
  const auto same = [&](const cp::Result<std::optional<cp::Account>>& found) {
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->id == account.id);
    CHECK((*found)->email == account.email);
    CHECK((*found)->password_hash == account.password_hash);
    CHECK((*found)->plan == account.plan);
    CHECK((*found)->github_id == account.github_id);
    CHECK((*found)->avatar_url == account.avatar_url);
    CHECK((*found)->created_at == start);
  };
  same(store.account(account.id));
  same(store.account_by_email("ann@example.com"));
  same(store.account_by_github(42));
  same(store.account_by_management_key(digest("mgmt ann")));
  for (const auto& none :
       {store.account(uuid("nobody")), store.account_by_email("nobody@example.com"),
        store.account_by_github(41), store.account_by_management_key(digest("nothing"))}) {
    REQUIRE(none);
    CHECK_FALSE(*none);
  }

  auto other = account_named("bob");
  other.email = account.email;
  refused(store.add_account(other, management_key("bob", "bob")), cp::Errc::conflict);
  other.email = "bob@example.com";
  other.github_id = 42;
  refused(store.add_account(other, management_key("bob", "bob")), cp::Errc::conflict);
  other.github_id.reset();
  // Nothing of a refused one stays.
  CHECK_FALSE(*store.account_by_management_key(digest("mgmt bob")));
  REQUIRE(store.add_account(other, management_key("bob", "bob")));
  refused(store.add_account(other, management_key("bob", "again")), cp::Errc::conflict);

  account.email = "anna@example.com";
  account.password_hash = "";
  account.plan = "pro";
  account.avatar_url = "https://example.com/a.png";
  account.github_id = 43;
  const auto become = [&](const cp::Account& wanted) {
    return store.change_account(wanted.id, [&](cp::Account& found) -> cp::Result<void> {
      found = wanted;
      found.id = uuid("another");  // that and the time of its making stay
      found.created_at = {};
      return {};
    });
  };
  const auto changed = become(account);
  REQUIRE(changed);
  CHECK(changed->id == account.id);
  CHECK(changed->created_at == account.created_at);
  same(store.account_by_github(43));
  CHECK_FALSE(*store.account_by_email("ann@example.com"));
  other.email = account.email;
  refused(become(other), cp::Errc::conflict);
  refused(become(account_named("nobody")), cp::Errc::not_found);
  refused(store.change_account(account.id,
                               [](cp::Account& found) -> cp::Result<void> {
                                 found.plan = "free";
                                 return cp::fail(cp::Errc::cancelled, "changing an account");
                               }),
          cp::Errc::cancelled);
  CHECK((*store.account(account.id))->plan == "pro");

  const auto total = store.accounts({1, 0});
  REQUIRE(total);
  REQUIRE(total->items.size() == 1);
  CHECK(total->items[0].id == other.id);
  CHECK(store.accounts({1, 1})->items.at(0).id == account.id);
  CHECK(store.accounts({5, total->total})->items.empty());
  CHECK(store.accounts({0, 0})->total == total->total);
}

inline void removal(cp::AccountStore& store) {
  const auto account = add_account(store, "cyd", cp::Money::dollars(10));
  const auto key = add_key(store, "cyd", "k");
  REQUIRE(store.credit({account, cp::TransactionType::grant, cp::Money{1}, "", "cyd ref",
                        uuid("cyd grant"), start}));
  const auto held = store.reserve(asking(key, cp::Money::dollars(2)));
  REQUIRE(held);
  REQUIRE(settle(store, used(*held, cp::Money::dollars(1), {})));
  REQUIRE(store.put_device_session({digest("cyd d"), digest("cyd t"), "c", account, start, "x"}));
  REQUIRE(store.claim_answer(account, "i", "d", start));

  REQUIRE(store.remove_account(account, start));
  refused(store.remove_account(account, start), cp::Errc::not_found);
  CHECK_FALSE(*store.account(account));
  CHECK_FALSE(*store.account_by_email("cyd@example.com"));
  CHECK_FALSE(*store.account_by_management_key(digest("mgmt cyd")));
  CHECK_FALSE(*store.key(account, key.hash));
  CHECK_FALSE(*store.key_by_digest(key.digest));
  CHECK_FALSE(*store.device_session(digest("cyd d")));
  CHECK(store.transactions(account, std::nullopt, {})->items.empty());
  CHECK(store.usage_rows(account, "", {})->items.empty());
  CHECK(store.usage(account, "", "0000-00-00", "9999-99-99")->empty());
  refused(store.balance(account), cp::Errc::not_found);
  refused(store.reserve(asking(key, cp::Money{1})), cp::Errc::unauthorized);

  // What was held when it went is settled all the same, and its usage has no name.
  REQUIRE(settle(store, used(*held, cp::Money{5}, cp::Money{7})));
  const auto rows = store.usage_rows("", key.hash, {});
  REQUIRE(rows);
  CHECK(rows->items.size() == 2);
  cp::Money spent;
  const auto days = store.usage("", key.hash, "0000-00-00", "9999-99-99");
  for (const auto& row : *days) spent += row.cost;
  CHECK(spent == cp::Money{1'000'005});
  // The names are free again.
  add_account(store, "cyd");
}

inline void management_keys(cp::AccountStore& store) {
  const auto account = add_account(store, "dan");
  REQUIRE(store.add_management_key(management_key("dan", "dan 2"), false));
  CHECK(*store.account_by_management_key(digest("mgmt dan")));
  refused(store.add_management_key(management_key("dan", "dan 2"), false), cp::Errc::conflict);
  refused(store.add_management_key(management_key("nobody", "x"), false), cp::Errc::not_found);
  auto third = management_key("dan", "dan 3");
  third.created_at = start + day;
  REQUIRE(store.add_management_key(third, true));
  CHECK_FALSE(*store.account_by_management_key(digest("mgmt dan")));
  CHECK_FALSE(*store.account_by_management_key(digest("mgmt dan 2")));
  CHECK(*store.account_by_management_key(third.digest));
  const auto keys = store.management_keys(account);
  REQUIRE(keys);
  REQUIRE(keys->size() == 3);
  CHECK((*keys)[0].digest == third.digest);
  CHECK_FALSE((*keys)[0].revoked_at);
  CHECK((*keys)[1].revoked_at == start + day);
  refused(store.revoke_management_key(account, digest("mgmt dan"), start), cp::Errc::not_found);
  refused(store.revoke_management_key(uuid("bob"), third.digest, start), cp::Errc::not_found);
  REQUIRE(store.revoke_management_key(account, third.digest, start + 2 * day));
  CHECK_FALSE(*store.account_by_management_key(third.digest));
}

inline void keys(cp::AccountStore& store) {
  const auto account = add_account(store, "eve");
  add_account(store, "fay");
  auto key = key_named("eve", "one");
  key.credit_limit = cp::Money{12'345'678};
  key.limit_reset = cp::LimitReset::weekly;
  key.expires_at = start + day;
  REQUIRE(store.add_key(key));
  const auto read = store.key(account, key.hash);
  REQUIRE(read);
  REQUIRE(*read);
  CHECK((*read)->digest == key.digest);
  CHECK((*read)->name == "one");
  CHECK((*read)->credit_limit == key.credit_limit);
  CHECK((*read)->limit_reset == cp::LimitReset::weekly);
  CHECK((*read)->expires_at == key.expires_at);
  CHECK((*read)->created_at == start);
  CHECK_FALSE((*read)->disabled);
  CHECK_FALSE((*read)->revoked_at);
  CHECK((*store.key_by_digest(key.digest))->hash == key.hash);
  CHECK_FALSE(*store.key(uuid("fay"), key.hash));
  CHECK_FALSE(*store.key_by_digest(digest("nothing")));

  refused(store.add_key(key), cp::Errc::conflict);
  auto same_name = key_named("eve", "two");
  same_name.name = "one";
  refused(store.add_key(same_name), cp::Errc::conflict);
  CHECK_FALSE(*store.key(account, same_name.hash));
  add_key(store, "fay", "one");  // another account's
  refused(store.add_key(key_named("nobody", "x")), cp::Errc::not_found);
  add_key(store, "eve", "two");

  const auto revoke = [](cp::ProvisionedKey& changed) -> cp::Result<void> {
    changed.revoked_at = start;
    return {};
  };
  INFO("changes, all or nothing");
  const auto changed = store.change_key(account, key.hash, [&](auto& k) -> cp::Result<void> {
    CHECK(k.name == "one");
    k.name = "uno";
    k.digest = digest("another value");
    k.credit_limit.reset();
    k.limit_reset = cp::LimitReset::daily;
    k.disabled = true;
    k.expires_at.reset();
    k.usage = cp::Money::dollars(5);  // not by this
    k.period_usage = cp::Money::dollars(5);
    k.hash = "0000000000000000";
    return {};
  });
  REQUIRE(changed);
  CHECK(changed->hash == key.hash);
  CHECK(changed->usage == cp::Money{});
  const auto after = **store.key(account, key.hash);
  CHECK(after.name == "uno");
  CHECK(after.digest == digest("another value"));
  CHECK_FALSE(after.credit_limit);
  CHECK(after.limit_reset == cp::LimitReset::daily);
  CHECK(after.disabled);
  CHECK_FALSE(after.expires_at);
  CHECK(after.usage == cp::Money{});
  CHECK(after.period_usage == cp::Money{});
  CHECK_FALSE(*store.key_by_digest(key.digest));
  CHECK((*store.key_by_digest(digest("another value")))->hash == key.hash);
  refused(store.change_key(account, key.hash,
                           [](auto& k) -> cp::Result<void> {
                             k.name = "two";
                             return {};
                           }),
          cp::Errc::conflict);
  refused(store.change_key(account, key.hash,
                           [](auto& k) -> cp::Result<void> {
                             k.name = "three";
                             return cp::fail(cp::Errc::forbidden, "no");
                           }),
          cp::Errc::forbidden);
  CHECK((*store.key(account, key.hash))->name == "uno");
  refused(store.change_key(uuid("fay"), key.hash, revoke), cp::Errc::not_found);
  refused(store.change_key(account, "ffffffffffffffff", revoke), cp::Errc::not_found);

  INFO("a revoked one: its name is free, it is still there");
  REQUIRE(store.change_key(account, key.hash, revoke));
  CHECK(*store.count_keys(account) == 1);
  CHECK((*store.key(account, key.hash))->revoked_at == start);
  auto heir = key_named("eve", "heir");
  heir.name = "uno";
  REQUIRE(store.add_key(heir));
  refused(store.change_key(account, key.hash,
                           [](auto& k) -> cp::Result<void> {
                             k.revoked_at.reset();
                             return {};
                           }),
          cp::Errc::conflict);
  const auto live = store.keys(account, false, {20, 0});
  REQUIRE(live);
  CHECK(live->total == 2);
  CHECK(live->items.at(0).hash == heir.hash);
  CHECK(live->items.at(1).name == "two");
  const auto all = store.keys(account, true, {2, 1});
  CHECK(all->total == 3);
  REQUIRE(all->items.size() == 2);
  CHECK(all->items[1].hash == key.hash);
}

inline void credits(cp::AccountStore& store) {
  using enum cp::TransactionType;
  const auto account = add_account(store, "gil");
  const auto other = add_account(store, "hal");
  CHECK(store.balance(account)->credits == cp::Money{});
  const cp::CreditChange change{
      account, purchase, cp::Money::dollars(25), "25 dollars", "stripe:1", uuid("gil 1"), start};
  const auto first = store.credit(change);
  REQUIRE(first);
  CHECK_FALSE(first->second);
  CHECK(first->transaction.id == uuid("gil 1"));
  CHECK(first->transaction.type == purchase);
  CHECK(first->transaction.amount == cp::Money::dollars(25));
  CHECK(first->transaction.balance_after == cp::Money::dollars(25));
  CHECK(first->transaction.description == "25 dollars");
  CHECK(first->transaction.created_at == start);

  INFO("a reference counts once");
  auto again = change;
  again.id = uuid("gil 2");
  const auto second = store.credit(again);
  REQUIRE(second);
  CHECK(second->second);
  CHECK(second->transaction.id == uuid("gil 1"));
  CHECK(store.balance(account)->credits == cp::Money::dollars(25));
  again.amount = cp::Money::dollars(26);
  refused(store.credit(again), cp::Errc::conflict);
  again = change;
  again.account = other;
  refused(store.credit(again), cp::Errc::conflict);
  again.account = uuid("nobody");
  refused(store.credit(again), cp::Errc::not_found);

  REQUIRE(store.credit(
      {account, refund, cp::Money{} - cp::Money::dollars(5), "back", "", uuid("gil 3"), start}));
  REQUIRE(store.credit({account, auto_topup, cp::Money::dollars(1), "", "", uuid("gil 4"), start}));
  CHECK(store.balance(account)->remaining() == cp::Money::dollars(21));
  const auto all = store.transactions(account, std::nullopt, {2, 0});
  REQUIRE(all);
  CHECK(all->total == 3);
  REQUIRE(all->items.size() == 2);
  CHECK(all->items[0].type == auto_topup);
  CHECK(all->items[0].balance_after == cp::Money::dollars(21));
  CHECK(all->items[1].type == refund);
  const auto bought = store.transactions(account, purchase, {20, 0});
  CHECK(bought->total == 1);
  CHECK(store.transactions(account, usage, {20, 0})->total == 0);
  CHECK(store.transactions(other, std::nullopt, {20, 0})->total == 0);

  INFO("no balance outgrows its type");
  auto much = change;
  much.reference.clear();
  much.amount = cp::most_money;
  refused(store.credit(much), cp::Errc::invalid_argument);
  much.amount = cp::Money{std::numeric_limits<std::int64_t>::min()};
  refused(store.credit(much), cp::Errc::invalid_argument);
  check_books(store, account);

  INFO("top-up");
  auto topup = store.auto_topup(account);
  REQUIRE(topup);
  CHECK_FALSE(topup->enabled);
  CHECK(topup->threshold == cp::Money::dollars(5));
  CHECK(topup->amount == cp::Money::dollars(25));
  CHECK_FALSE(topup->updated_at);
  REQUIRE(store.set_auto_topup(account, {true, cp::Money{1}, cp::Money::dollars(7), start}));
  topup = store.auto_topup(account);
  CHECK(topup->enabled);
  CHECK(topup->threshold == cp::Money{1});
  CHECK(topup->amount == cp::Money::dollars(7));
  CHECK(topup->updated_at == start);
  refused(store.auto_topup(uuid("nobody")), cp::Errc::not_found);
  refused(store.set_auto_topup(uuid("nobody"), {}), cp::Errc::not_found);
  refused(store.balance(uuid("nobody")), cp::Errc::not_found);
}

inline void answers(cp::AccountStore& store) {
  const auto account = add_account(store, "ida");
  const auto other = add_account(store, "jon");
  const auto claim = [&](const cp::AccountId& who, const char* request, cp::TimePoint now = start) {
    return store.claim_answer(who, "key", request, now);
  };
  auto claimed = claim(account, "a");
  REQUIRE(claimed);
  CHECK_FALSE(*claimed);
  refused(claim(account, "a"), cp::Errc::busy);
  refused(claim(account, "b"), cp::Errc::conflict);
  claimed = claim(other, "b");  // another account's key
  REQUIRE(claimed);
  CHECK_FALSE(*claimed);
  REQUIRE(store.drop_answer(other, "key"));
  REQUIRE(claim(other, "c"));

  REQUIRE(store.keep_answer(account, "key", {"a", 201, "{\"body\":\"\\u0000\xc3\xa9\"}"}));
  claimed = claim(account, "a");
  REQUIRE(claimed);
  REQUIRE(*claimed);
  CHECK((*claimed)->status == 201);
  CHECK((*claimed)->body == "{\"body\":\"\\u0000\xc3\xa9\"}");
  CHECK((*claimed)->request_digest == "a");
  refused(claim(account, "b"), cp::Errc::conflict);
  REQUIRE(store.drop_answer(account, "key"));  // too late: it was kept
  CHECK(*claim(account, "a"));
  refused(store.keep_answer(account, "none", {"a", 200, ""}), cp::Errc::not_found);

  INFO("a claim whose owner has died is claimed anew");
  refused(claim(other, "c", start + cp::answer_claim_life - cp::Duration{1}), cp::Errc::busy);
  claimed = claim(other, "c", start + cp::answer_claim_life);
  REQUIRE(claimed);
  CHECK_FALSE(*claimed);

  REQUIRE(store.forget_ended(epoch, start + cp::Duration{1}));
  CHECK_FALSE(*claim(account, "z"));
  refused(claim(other, "c", start + cp::answer_claim_life), cp::Errc::busy);
}

inline void device_sessions(cp::AccountStore& store) {
  cp::DeviceSession session{digest("d1"), "", "client", "", start + day, "sealed \xff\x01 text"};
  REQUIRE(store.put_device_session(session));
  const auto read = store.device_session(session.device_digest);
  REQUIRE(read);
  REQUIRE(*read);
  CHECK((*read)->client_id == "client");
  CHECK((*read)->sealed == session.sealed);
  CHECK((*read)->expires_at == start + day);
  CHECK_FALSE(*store.device_session_by_token(""));
  session.token_digest = digest("t1");
  session.account = add_account(store, "kim");
  REQUIRE(store.put_device_session(session));
  const auto by_token = store.device_session_by_token(session.token_digest);
  REQUIRE(by_token);
  REQUIRE(*by_token);
  CHECK((*by_token)->account == session.account);
  REQUIRE(store.forget_ended(start + day, epoch));
  CHECK(*store.device_session(session.device_digest));
  REQUIRE(store.forget_ended(start + day + cp::Duration{1}, epoch));
  CHECK_FALSE(*store.device_session(session.device_digest));
}

}  // namespace account_contract
