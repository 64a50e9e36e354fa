#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/ledger.hpp>
#include <credpool/core/clock.hpp>

#include <contract/account/account_spending.hpp>

#include <future>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// A server that spends through a Ledger in a process of its own until it is killed, and tells what
/// was acknowledged.
namespace ledger_spender {

namespace cp = credpool;

/// What a settlement was, once it was said to be durable.
struct Acknowledged {
  std::uint64_t life;
  std::uint64_t number;
  std::int64_t cost;
};
static_assert(sizeof(Acknowledged) <= 512, "written to a pipe in one piece (POSIX PIPE_BUF)");

inline std::string request_name(const Acknowledged& request) {
  return std::to_string(request.life) + "-" + std::to_string(request.number);
}

inline cp::LedgerOptions options() {
  cp::LedgerOptions how;
  how.now = [] { return cp::SystemClock{}.now(); };
  how.steady = [] { return cp::SystemClock{}.steady(); };
  how.wait = cp::Duration{200};
  how.chunk = cp::Money{20'000};
  return how;
}

inline cp::Result<cp::Spend> hold(cp::Ledger& ledger, const cp::ProvisionedKey& key,
                                  cp::Money amount) {
  auto promise = std::make_shared<std::promise<cp::Result<cp::Spend>>>();
  auto future = promise->get_future();
  auto now = ledger.hold(key.digest, amount,
                         [promise](auto later) { promise->set_value(std::move(later)); });
  return now ? *std::move(now) : future.get();
}

inline cp::Result<void> settle(cp::Spend& spend, cp::UsageRow usage) {
  auto promise = std::make_shared<std::promise<cp::Result<void>>>();
  auto future = promise->get_future();
  spend.settle(std::move(usage), [promise](auto done) { promise->set_value(std::move(done)); });
  return future.get();
}

/// Spends with so many requests at once. Returns when every key refuses, or the ledger has failed.
inline void spend(cp::Ledger& ledger, const std::vector<cp::ProvisionedKey>& keys,
                  std::uint64_t life, int pipe, unsigned threads, std::uint64_t most = 1'000'000) {
  std::atomic<std::uint64_t> numbers{0};
  std::vector<std::jthread> running;
  for (unsigned thread = 0; thread < threads; ++thread)
    running.emplace_back([&, thread] {
      std::mt19937_64 random{life * 1000 + thread};
      for (int refusals = 0; refusals < 200 && numbers < most;) {
        const auto& key = keys[random() % keys.size()];
        const cp::Money bound{1'000 + static_cast<std::int64_t>(random() % 2'000)};
        auto held = hold(ledger, key, bound);
        if (!held) {
          ++refusals;
          continue;
        }
        if (random() % 8 == 0) continue;  // the request failed: it goes back
        const Acknowledged request{
            life, numbers++,
            1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound.micros))};
        cp::UsageRow usage;
        usage.request_id = request_name(request);
        usage.model = "m";
        usage.cost = cp::Money{request.cost};
        usage.status = 200;
        if (settle(*held, usage) && ::write(pipe, &request, sizeof request) != sizeof request)
          return;
      }
    });
}

/// A child process that runs `body(pipe)`, and what it writes to the pipe.
class Child {
 public:
  template <class Body> explicit Child(Body body) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error{"no pipe"};
    id_ = ::fork();
    if (id_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(ends[0]);
      int status = 99;
      try {
        status = body(ends[1]);
      } catch (const std::exception& failed) {
        std::fprintf(stderr, "# %s\n", failed.what());
      }
      ::_exit(status);
    }
    ::close(ends[1]);
    read_ = ends[0];
  }
  ~Child() {
    if (id_ > 0) kill();
    ::close(read_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Reads what has been acknowledged for that long, or until its end.
  void read_for(std::chrono::milliseconds time, std::vector<Acknowledged>& acknowledged) {
    const auto until = cp::SystemClock{}.steady() + time;
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(until - cp::SystemClock{}.steady());
      pollfd ready{read_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return;
      if (!read_one(acknowledged)) return;
    }
  }
  /// kill -9, and what had been written before.
  void kill(std::vector<Acknowledged>* acknowledged = nullptr) {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
    id_ = 0;
    if (acknowledged != nullptr)
      while (read_one(*acknowledged)) {
      }
  }
  /// Its end by itself. @return the exit status; -1 when a signal ended it
  int wait(std::vector<Acknowledged>& acknowledged) {
    while (read_one(acknowledged)) {
    }
    int status = 0;
    ::waitpid(id_, &status, 0);
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  bool read_one(std::vector<Acknowledged>& acknowledged) {
    Acknowledged one{};
    for (std::size_t have = 0; have < sizeof one;) {
      const auto count = ::read(read_, reinterpret_cast<char*>(&one) + have, sizeof one - have);
      if (count <= 0) return false;
      have += static_cast<std::size_t>(count);
    }
    acknowledged.push_back(one);
    return true;
  }

  pid_t id_ = 0;
  int read_ = -1;
};

/// What must hold whatever was killed: books that agree, nothing acknowledged missing or twice,
/// nothing spent beyond a balance or a limit.
inline void check_ledger(cp::AccountStore& store, const std::vector<cp::AccountId>& accounts,
                         const std::vector<cp::ProvisionedKey>& keys,
                         const std::vector<Acknowledged>& acknowledged) {
  std::map<std::string, std::int64_t> costs;
  for (const auto& account : accounts) {
    account_contract::check_books(store, account);
    CHECK(store.balance(account)->remaining() >= cp::Money{});
    const auto rows = store.usage_rows(account, "", {10'000'000, 0});
    REQUIRE(rows);
    for (const auto& row : rows->items)
      CHECK(costs.emplace(row.request_id, row.cost.micros).second);
  }
  int missing = 0;
  for (const auto& request : acknowledged) {
    const auto found = costs.find(request_name(request));
    missing += found == costs.end() || found->second != request.cost ? 1 : 0;
  }
  CHECK(missing == 0);
  for (const auto& key : keys) {
    const auto now = *store.key(key.account, key.hash);
    if (now->credit_limit) CHECK(now->period_usage <= *now->credit_limit);
  }
}

/// The same, quickly: without looking at each request. What a host that was killed had sent is
/// still being done by the database, perhaps: an account is read again if it changes meanwhile.
inline void check_balances(cp::AccountStore& store, const std::vector<cp::AccountId>& accounts) {
  for (const auto& account : accounts) {
    cp::Money sum, by_day;
    auto balance = store.balance(account);
    for (bool changed = true; changed;) {
      REQUIRE(balance);
      const auto transactions = store.transactions(account, std::nullopt, {1'000'000, 0});
      const auto days = store.usage(account, "", "0000-00-00", "9999-99-99");
      sum = by_day = cp::Money{};
      for (const auto& transaction : transactions->items) sum += transaction.amount;
      for (const auto& day : *days) by_day += day.cost;
      const auto after = store.balance(account);
      REQUIRE(after);
      changed = after->usage != balance->usage;
      balance = after;
    }
    CHECK(sum == balance->remaining());
    CHECK(by_day == balance->usage);
    CHECK(balance->remaining() >= cp::Money{});
  }
}

/// Accounts and keys to spend from: much, little, and limits that end on the way.
struct World {
  std::vector<cp::AccountId> accounts;
  std::vector<cp::ProvisionedKey> keys;

  explicit World(cp::AccountStore& store) {
    using namespace account_contract;
    accounts = {add_account(store, "much", cp::Money::dollars(1000)),
                add_account(store, "little", cp::Money{3'000'000})};
    keys = {add_key(store, "much", "a"), add_key(store, "much", "b"),
            add_key(store, "much", "limited", cp::Money{2'000'000}), add_key(store, "little", "c"),
            add_key(store, "little", "d")};
  }
};

}  // namespace ledger_spender
