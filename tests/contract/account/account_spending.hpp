#pragma once
// SPDX-License-Identifier: MIT

#include <contract/account/account_store.hpp>

#include <barrier>

/// What every AccountStore must do with money.
namespace account_contract {

inline void spending(cp::AccountStore& store) {
  const auto account = add_account(store, "lea", cp::Money::dollars(100));
  const auto key = add_key(store, "lea", "k");
  const auto other = add_key(store, "lea", "o");

  INFO("much is left: what is wished for, or a small part of what there is");
  auto request = asking(key, cp::Money::dollars(1));
  request.most = cp::Money::dollars(3);
  const auto held = store.reserve(request);
  REQUIRE(held);
  CHECK(held->key_hash == key.hash);
  CHECK(held->account == account);
  CHECK(held->period_start == epoch);
  CHECK(held->valid_until == cp::TimePoint::max());
  CHECK(held->amount == cp::Money::dollars(3));
  CHECK_FALSE(held->tight);
  CHECK(store.balance(account)->reserved == cp::Money::dollars(3));
  CHECK(store.balance(account)->remaining() == cp::Money::dollars(100));
  request.most = cp::Money::dollars(50);
  const auto part = store.reserve(request);
  REQUIRE(part);
  CHECK(part->amount == cp::Money{97'000'000 / 16});
  CHECK_FALSE(part->tight);

  INFO("little is left: what waits, and no more than there is");
  auto rest = asking(other, cp::Money::dollars(60));
  rest.wanted = rest.most = cp::Money::dollars(200);
  const auto all = store.reserve(rest);
  REQUIRE(all);
  CHECK(all->amount == cp::Money{97'000'000 - 97'000'000 / 16});
  CHECK(all->tight);
  auto late = store.reserve(asking(key, cp::Money{1}));
  refused(late, cp::Errc::quota_exhausted);
  CHECK(late.error().place == "balance");
  CHECK(late.error().retry_at);  // it is all held
  auto idle = asking(key, cp::Money{1});
  idle.idle = cp::Money::dollars(100);
  late = store.reserve(idle);
  refused(late, cp::Errc::quota_exhausted);
  CHECK_FALSE(late.error().retry_at);  // by oneself
  late = store.reserve(asking(key, cp::Money::dollars(101)));
  refused(late, cp::Errc::quota_exhausted);
  CHECK_FALSE(late.error().retry_at);  // it never was that much

  INFO("settled: spent and given back");
  REQUIRE(settle(store, used(*all, cp::Money::dollars(10), all->amount - cp::Money::dollars(10))));
  const auto balance = store.balance(account);
  CHECK(balance->usage == cp::Money::dollars(10));
  CHECK(balance->reserved == held->amount + part->amount);
  CHECK((*store.key(account, other.hash))->usage == cp::Money::dollars(10));
  CHECK((*store.key(account, other.hash))->period_usage == cp::Money::dollars(10));
  REQUIRE(settle(store, back(*held, held->amount)));
  REQUIRE(settle(store, back(*part, part->amount)));
  CHECK(store.balance(account)->reserved == cp::Money{});

  INFO("more than was held, or from nothing: the books are right all the same");
  const auto small = store.reserve(asking(key, cp::Money{100}));
  REQUIRE(settle(store, used(*small, cp::Money{1'000}, cp::Money{500})));
  REQUIRE(settle(store, used(*small, cp::Money{1}, {})));
  CHECK(store.balance(account)->reserved == cp::Money{});
  CHECK(store.balance(account)->usage == cp::Money{10'001'001});
  check_books(store, account);

  INFO("a batch is one transaction, and counts once");
  const auto two = store.reserve(asking(key, cp::Money::dollars(2)));
  REQUIRE(two);
  std::vector<cp::Settlement> bad{used(*two, cp::Money::dollars(1), {}),
                                  used(*two, cp::Money{} - cp::Money{1}, {})};
  refused(store.settle(bad, ""), cp::Errc::invalid_argument);
  bad[1] = used(*two, cp::Money{5}, {});
  bad[1].usage->cost = cp::Money{4};
  refused(store.settle(bad, ""), cp::Errc::invalid_argument);
  CHECK(store.balance(account)->usage == cp::Money{10'001'001});
  for (int i = 0; i < 3; ++i)
    REQUIRE(settle(store, used(*two, cp::Money::dollars(1), {}), "lea batch 1"));
  CHECK(store.balance(account)->usage == cp::Money{11'001'001});
  REQUIRE(settle(store, used(*two, cp::Money::dollars(1), {}), "lea batch 2"));
  CHECK(store.balance(account)->usage == cp::Money{12'001'001});
  REQUIRE(store.settle({}, ""));
  check_books(store, account);
}

inline void refusals(cp::AccountStore& store) {
  const auto account = add_account(store, "mia", cp::Money::dollars(10));
  const auto key = add_key(store, "mia", "k", cp::Money::dollars(2));
  const auto change = [&](auto f) {
    REQUIRE(store.change_key(account, key.hash, [&](cp::ProvisionedKey& k) -> cp::Result<void> {
      f(k);
      return {};
    }));
  };
  const auto says = [&](const cp::AllowanceRequest& request, cp::Errc code, std::string_view hint) {
    const auto answer = store.reserve(request);
    refused(answer, code);
    CHECK(answer.error().place == "key");
    if (!hint.empty()) CHECK(answer.error().hint == hint);
  };
  const auto one = asking(key, cp::Money::dollars(1));
  auto unknown = one;
  unknown.key_digest = digest("nothing");
  says(unknown, cp::Errc::unauthorized, cp::key_unknown_hint);
  unknown.key_digest = "";
  says(unknown, cp::Errc::unauthorized, cp::key_unknown_hint);
  says(asking(key, cp::Money{2'000'001}), cp::Errc::rate_limited, "");
  const auto held = store.reserve(one);
  REQUIRE(held);
  auto two = store.reserve(asking(key, cp::Money::dollars(2)));
  refused(two, cp::Errc::rate_limited);
  CHECK(two.error().retry_at);
  REQUIRE(settle(store, used(*held, cp::Money::dollars(1), {})));
  two = store.reserve(asking(key, cp::Money::dollars(2)));
  refused(two, cp::Errc::rate_limited);
  CHECK_FALSE(two.error().retry_at);
  CHECK(store.reserve(asking(key, {})));  // only whether it may be used

  change([](auto& k) { k.disabled = true; });
  says(one, cp::Errc::forbidden, cp::key_disabled_hint);
  change([](auto& k) {
    k.disabled = false;
    k.expires_at = start;
  });
  says(one, cp::Errc::forbidden, cp::key_expired_hint);
  change([](auto& k) { k.expires_at = start + cp::Duration{5}; });
  const auto short_lived = store.reserve(one);
  REQUIRE(short_lived);
  CHECK(short_lived->valid_until == start + cp::Duration{5});
  change([](auto& k) {
    k.expires_at.reset();
    k.digest = digest("mia rotated");
  });
  says(one, cp::Errc::unauthorized, cp::key_unknown_hint);
  auto rotated = one;
  rotated.key_digest = digest("mia rotated");
  says(rotated, cp::Errc::rate_limited, "");  // the rest is held under the old value
  REQUIRE(settle(store, back(*short_lived, short_lived->amount)));
  CHECK(store.reserve(rotated));
  change([](auto& k) {
    k.revoked_at = start;
    k.disabled = true;
  });
  says(rotated, cp::Errc::unauthorized, cp::key_revoked_hint);

  INFO("a limit below what was spent, and one of nothing");
  const auto zero = add_key(store, "mia", "zero", cp::Money{});
  says(asking(zero, cp::Money{1}), cp::Errc::rate_limited, "");

  INFO("several at once, each by itself");
  const auto free = add_key(store, "mia", "free");
  const std::vector<cp::AllowanceRequest> several{asking(free, cp::Money{1}), unknown,
                                                  asking(free, cp::Money{2})};
  const auto answers = store.reserve_all(several);
  REQUIRE(answers.size() == 3);
  CHECK(answers[0]->amount == cp::Money{1});
  refused(answers[1], cp::Errc::unauthorized);
  CHECK(answers[2]->amount == cp::Money{2});
}

inline void periods(cp::AccountStore& store) {
  const auto account = add_account(store, "ned", cp::Money::dollars(100));
  const auto today = epoch + (start - epoch) / day * day;
  const auto limit = cp::Money::dollars(2);
  const auto key = add_key(store, "ned", "k", limit, cp::LimitReset::daily);
  const auto read = [&] { return **store.key(account, key.hash); };

  const auto first = store.reserve(asking(key, limit, today + day - cp::Duration{1}));
  REQUIRE(first);
  CHECK(first->period_start == today);
  CHECK(first->valid_until == today + day);
  REQUIRE(settle(store, used(*first, cp::Money::dollars(1), {}, today + day - cp::Duration{1})));
  CHECK(read().period_usage == cp::Money::dollars(1));
  CHECK(read().period_start == today);

  INFO("the next period begins with the first request in it, and with the whole limit");
  const auto second = store.reserve(asking(key, limit, today + day));
  REQUIRE(second);
  CHECK(second->period_start == today + day);
  CHECK(read().period_usage == cp::Money{});
  INFO("what began in the old one counts there");
  REQUIRE(settle(store, used(*first, cp::Money::dollars(1), {}, today + day)));
  CHECK(read().period_usage == cp::Money{});
  CHECK(read().usage == cp::Money::dollars(2));
  REQUIRE(settle(store, used(*second, cp::Money::dollars(2), {}, today + day)));
  CHECK(read().period_usage == cp::Money::dollars(2));
  refused(store.reserve(asking(key, cp::Money{1}, today + 2 * day - cp::Duration{1})),
          cp::Errc::rate_limited);
  INFO("a clock that is behind does not bring back the old one");
  refused(store.reserve(asking(key, cp::Money{1}, today + day - cp::Duration{1})),
          cp::Errc::rate_limited);
  CHECK(read().period_start == today + day);

  INFO("another kind of period: what was spent in it counts");
  const auto reset = [&](cp::LimitReset to, cp::Money new_limit) {
    REQUIRE(store.change_key(account, key.hash, [&](auto& k) -> cp::Result<void> {
      k.limit_reset = to;
      k.credit_limit = new_limit;
      return {};
    }));
  };
  const auto now = today + day;
  const auto spent_since = [&](cp::LimitReset kind) {
    cp::Money sum;
    const auto days = store.usage(account, key.hash, period(kind, now).first_day, "9999-99-99");
    for (const auto& row : *days) sum += row.cost;
    return sum;
  };
  for (const auto kind : {cp::LimitReset::weekly, cp::LimitReset::never, cp::LimitReset::monthly,
                          cp::LimitReset::daily}) {
    reset(kind, cp::Money::dollars(5));
    const auto third = store.reserve(asking(key, cp::Money::dollars(1), now));
    REQUIRE(third);
    CHECK(third->period_start == period(kind, now).start);
    CHECK(read().period_usage == spent_since(kind));
    auto too_much = asking(key, cp::Money::dollars(5) - spent_since(kind), now);
    refused(store.reserve(too_much), cp::Errc::rate_limited);
    REQUIRE(settle(store, back(*third, third->amount)));
  }
  CHECK(spent_since(cp::LimitReset::never) == cp::Money::dollars(4));

  INFO("what is held while the kind changes still counts");
  const auto held = store.reserve(asking(key, cp::Money::dollars(1), now));
  REQUIRE(held);
  reset(cp::LimitReset::monthly, cp::Money::dollars(100));
  REQUIRE(store.reserve(asking(key, {}, now)));
  const auto before = read().period_usage;
  REQUIRE(settle(store, used(*held, cp::Money::dollars(1), {}, now)));
  CHECK(read().period_usage == before + cp::Money::dollars(1));
  check_books(store, account);
}

inline void usage(cp::AccountStore& store) {
  const auto account = add_account(store, "oda", cp::Money::dollars(100));
  const auto key = add_key(store, "oda", "k");
  const auto other = add_key(store, "oda", "o");
  const auto a = store.reserve(asking(key, cp::Money::dollars(50)));
  const auto b = store.reserve(asking(other, cp::Money::dollars(1)));
  REQUIRE(a);
  REQUIRE(b);
  std::vector<cp::Settlement> settlements;
  for (int i = 0; i < 5; ++i) {
    settlements.push_back(used(*a, cp::Money{100}, {}, start + day * i));
    settlements.back().usage->request_id = "a" + std::to_string(i);
  }
  settlements.push_back(used(*a, cp::Money{7}, {}, start, "claude"));
  settlements.push_back(used(*b, cp::Money{9}, {}, start));
  settlements.back().usage->estimated = true;
  settlements.push_back(used(*a, {}, {}, start));  // refused upstream: it costs nothing
  settlements.back().usage->status = 500;
  REQUIRE(store.settle(settlements, ""));

  const auto first_day = day_of(start);
  const auto days = store.usage(account, key.hash, first_day, day_of(start + 2 * day));
  REQUIRE(days);
  REQUIRE(days->size() == 4);
  CHECK((*days)[0].day == first_day);
  CHECK((*days)[0].model == "claude");
  CHECK((*days)[0].cost == cp::Money{7});
  CHECK((*days)[1].model == "gpt-4o");
  CHECK((*days)[1].requests == 2);
  CHECK((*days)[1].input_tokens == 200);
  CHECK((*days)[1].output_tokens == 20);
  CHECK((*days)[1].cost == cp::Money{100});
  CHECK((*days)[3].day == day_of(start + 2 * day));
  CHECK(store.usage(account, "", first_day, first_day)->size() == 3);
  CHECK(store.usage(account, key.hash, "2020-01-01", "2020-12-31")->empty());
  CHECK(store.usage(add_account(store, "pat"), "", "0000-00-00", "9999-99-99")->empty());

  const auto rows = store.usage_rows(account, "", {3, 0});
  REQUIRE(rows);
  CHECK(rows->total == 8);
  REQUIRE(rows->items.size() == 3);
  CHECK(rows->items[0].status == 500);
  CHECK(rows->items[1].estimated);
  CHECK(rows->items[1].key_hash == other.hash);
  const auto last = store.usage_rows(account, key.hash, {1, 6});
  CHECK(last->total == 7);
  REQUIRE(last->items.size() == 1);
  const auto& row = last->items[0];
  CHECK(row.request_id == "a0");
  CHECK(row.account == account);
  CHECK(row.model == "gpt-4o");
  CHECK(row.input_tokens == 100);
  CHECK(row.cached_input_tokens == 50);
  CHECK(row.output_tokens == 10);
  CHECK(row.reasoning_tokens == 5);
  CHECK(row.cost == cp::Money{100});
  CHECK(row.status == 200);
  CHECK(row.at == start);
  CHECK_FALSE(row.estimated);
  check_books(store, account);

  INFO("usage is one entry a day, and a new one after every other change");
  const auto entries = [&] {
    return store.transactions(account, cp::TransactionType::usage, {100, 0})->total;
  };
  const auto before = entries();
  REQUIRE(settle(store, used(*a, cp::Money{1}, {}, start + 9 * day)));
  REQUIRE(settle(store, used(*a, cp::Money{1}, {}, start + 9 * day)));
  CHECK(entries() == before + 1);
  REQUIRE(store.credit(
      {account, cp::TransactionType::grant, cp::Money{5}, "", "", uuid("oda g"), start}));
  REQUIRE(settle(store, used(*a, cp::Money{1}, {}, start + 9 * day)));
  CHECK(entries() == before + 2);
  const auto newest = store.transactions(account, std::nullopt, {1, 0})->items.at(0);
  CHECK(newest.amount == cp::Money{-1});
  CHECK(newest.id.size() == 36);
  CHECK(newest.description == "Usage on " + day_of(start + 9 * day));
  check_books(store, account);
}

/// Single requests are forgotten, days and balances stay.
inline void pruning(cp::AccountStore& store) {
  const auto account = add_account(store, "una", cp::Money::dollars(1));
  const auto key = add_key(store, "una", "k");
  const auto held = store.reserve(asking(key, cp::Money{100}));
  REQUIRE(held);
  for (int i = 0; i < 3; ++i)
    REQUIRE(settle(store, used(*held, cp::Money{10}, {}, start + i * cp::Duration{1})));
  // The oldest first, and no more than asked for at once.
  while (*store.prune_usage(start, 100) > 0) continue;  // what other parts left
  const auto before = start + cp::Duration{2};
  for (int left = 2; left > 0; --left) {
    const auto pruned = store.prune_usage(before, 1);
    REQUIRE(pruned);
    CHECK(*pruned >= 1);
    if (store.usage_rows(account, "", {100, 0})->total == 3) ++left;  // of another part
  }
  CHECK(store.usage_rows(account, "", {100, 0})->items.back().at > start);
  while (*store.prune_usage(before, 100) > 0) continue;
  CHECK(*store.prune_usage(before, 100) == 0);
  CHECK(store.usage_rows(account, "", {100, 0})->total == 1);
  CHECK(store.balance(account)->usage == cp::Money{30});
  CHECK(store.usage(account, key.hash, "0000-00-00", "9999-99-99")->at(0).requests == 3);

  INFO("no limit adds them up");
  const auto other = add_account(store, "ute", cp::Money::dollars(1));
  const auto limited = add_key(store, "ute", "k", cp::Money{30}, cp::LimitReset::monthly);
  const auto all = store.reserve(asking(limited, cp::Money{30}));
  REQUIRE(all);
  REQUIRE(settle(store, used(*all, cp::Money{30}, {})));
  while (*store.prune_usage(before, 100) > 0) continue;
  CHECK(store.usage_rows(other, "", {100, 0})->total == 0);
  CHECK((**store.key(other, limited.hash)).period_usage == cp::Money{30});
  refused(store.reserve(asking(limited, cp::Money{1})), cp::Errc::rate_limited);
}

/// 512 tasks on 16 threads spend what is enough for fewer, each by a hold and a settlement.
inline void concurrency(cp::AccountStore& store, const std::string& name, bool by_limit) {
  constexpr int threads = 16, each = 32, enough = 100;
  const cp::Money price{10'000};
  const cp::Money budget{price.micros * enough + price.micros / 2};
  const auto account = add_account(store, name, by_limit ? cp::Money::dollars(1000) : budget);
  const auto key = add_key(store, name, "k", by_limit ? std::optional{budget} : std::nullopt,
                           by_limit ? cp::LimitReset::daily : cp::LimitReset::never);
  std::atomic<int> served{0}, refused_tasks{0}, failed{0};
  std::barrier together{threads};
  std::vector<std::jthread> running;
  for (int thread = 0; thread < threads; ++thread)
    running.emplace_back([&, thread] {
      together.arrive_and_wait();
      for (int task = 0; task < each; ++task) {
        auto held = store.reserve(asking(key, price));
        // What is held may come back, here never for good.
        if (!held) {
          const auto code = held.error().errc();
          const bool expected =
              code == (by_limit ? cp::Errc::rate_limited : cp::Errc::quota_exhausted);
          ++(expected ? refused_tasks : failed);
          continue;
        }
        auto settlement = used(*held, price, {});
        settlement.usage->request_id = std::to_string(thread) + "-" + std::to_string(task);
        if (!settle(store, settlement)) ++failed;
        ++served;
      }
    });
  running.clear();
  CHECK(failed == 0);
  CHECK(served == enough);
  CHECK(refused_tasks == threads * each - enough);
  const auto balance = store.balance(account);
  REQUIRE(balance);
  CHECK(balance->usage.micros == price.micros * enough);
  CHECK(balance->reserved == cp::Money{});
  CHECK((*store.key(account, key.hash))->usage.micros == price.micros * enough);
  check_books(store, account);
}

inline void concurrent_changes(cp::AccountStore& store) {
  constexpr int threads = 8, rounds = 5;
  const auto account = add_account(store, "quy");
  const auto before = (*store.account(account))->avatar_url.size();
  std::atomic<int> credited{0}, claimed{0}, named{0}, changed{0};
  std::barrier together{threads};
  std::vector<std::jthread> running;
  for (int thread = 0; thread < threads; ++thread)
    running.emplace_back([&, thread] {
      together.arrive_and_wait();
      const auto credit =
          store.credit({account, cp::TransactionType::purchase, cp::Money::dollars(5), "",
                        "quy payment", uuid("quy " + std::to_string(thread)), start});
      if (credit && !credit->second) ++credited;
      const auto claim = store.claim_answer(account, "once", "same", start);
      if (claim && !*claim) ++claimed;
      auto key = key_named("quy", "k" + std::to_string(thread));
      key.name = "same";
      if (store.add_key(key)) ++named;
      // Each sees what the others have written, and loses nothing of it.
      const auto change = [](cp::Account& found) -> cp::Result<void> {
        found.avatar_url += '+';
        return {};
      };
      for (int i = 0; i < rounds; ++i)
        if (store.change_account(account, change)) ++changed;
    });
  running.clear();
  CHECK(credited == 1);
  CHECK(claimed == 1);
  CHECK(named == 1);
  CHECK(changed == threads * rounds);
  CHECK((*store.account(account))->avatar_url.size() == before + threads * rounds);
  CHECK(store.balance(account)->credits == cp::Money::dollars(5));
  check_books(store, account);
}

/// A server's earlier life is over: what it held comes back. Ends the life of every allowance that
/// the other parts left.
inline void own_reclaim(cp::AccountStore& store) {
  const auto account = add_account(store, "roy", cp::Money::dollars(10));
  const auto key = add_key(store, "roy", "k", cp::Money::dollars(4), cp::LimitReset::monthly);
  REQUIRE(store.reserve(asking(key, cp::Money::dollars(4))));
  refused(store.reserve(asking(key, cp::Money{1})), cp::Errc::rate_limited);
  REQUIRE(store.extend(start, start + day));
  REQUIRE(store.reclaim(start, false));
  refused(store.reserve(asking(key, cp::Money{1})), cp::Errc::rate_limited);
  REQUIRE(store.reclaim(start, true));
  CHECK(store.balance(account)->reserved == cp::Money{});
  CHECK(store.reserve(asking(key, cp::Money::dollars(4))));
}

inline void whole_contract(cp::AccountStore& store) {
  accounts(store);
  removal(store);
  management_keys(store);
  keys(store);
  credits(store);
  answers(store);
  device_sessions(store);
  spending(store);
  refusals(store);
  periods(store);
  usage(store);
  pruning(store);
  concurrency(store, "sam", false);
  concurrency(store, "tom", true);
  concurrent_changes(store);
  own_reclaim(store);
}

}  // namespace account_contract
