// SPDX-License-Identifier: MIT
#include "account_keeper.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr auto every = std::chrono::seconds{60};         // payments, and what has ended
constexpr auto gather = std::chrono::milliseconds{500};  // accounts that have spent
constexpr auto forget_every = std::chrono::hours{24};    // old requests
// Between two lots of them: whoever waits for the store has it first.
constexpr auto breath = std::chrono::milliseconds{20};

}  // namespace

AccountKeeper::AccountKeeper(cp::AccountApi& api, cp::AccountStore& store,
                             AccountKeeperOptions options)
    : api_{api}, store_{store}, options_{std::move(options)}, thread_{[this] { work(); }} {}

AccountKeeper::~AccountKeeper() {
  {
    const std::lock_guard lock{mutex_};
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void AccountKeeper::too_little(std::string digest, std::function<void()> again) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.emplace_back(std::move(digest), std::move(again));
  }
  changed_.notify_all();
}

void AccountKeeper::spent(const cp::AccountId& account) {
  const std::lock_guard lock{mutex_};
  spent_.insert(account);
}

void AccountKeeper::work() {
  auto next = std::chrono::steady_clock::now(), next_forget = next;
  bool forgetting = false;
  std::unique_lock lock{mutex_};
  while (!ends_) {
    changed_.wait_for(lock, forgetting ? breath : gather,
                      [this] { return ends_ || !waiting_.empty(); });
    while (!waiting_.empty()) {
      const auto [digest, again] = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      if (const auto key = store_.key_by_digest(digest); key && *key) fill_up((*key)->account);
      again();
      lock.lock();
    }
    const auto accounts = std::exchange(spent_, {});
    lock.unlock();
    for (const auto& account : accounts) fill_up(account);
    if (std::chrono::steady_clock::now() >= next) {
      look_after();
      next = std::chrono::steady_clock::now() + every;
    }
    if (forgetting || std::chrono::steady_clock::now() >= next_forget) {
      forgetting = forget_requests();
      next_forget = std::chrono::steady_clock::now() + forget_every;
    }
    lock.lock();
  }
}

void AccountKeeper::fill_up(const cp::AccountId& account) {
  const auto wanted = store_.auto_topup(account);
  if (!wanted || !wanted->enabled) return;
  if (const auto done = api_.top_up(account); !done) options_.on_error(done.error());
}

void AccountKeeper::look_after() {
  if (const auto done = api_.reconcile(); !done)
    options_.on_error(done.error());
  else if (done->doubtful > 0)
    options_.on_error(
        {make_error_code(cp::Errc::conflict),
         "booking what Stripe took back",
         {},
         std::to_string(done->doubtful) +
             " refunds or disputes do not fit their payments: look at them at Stripe"});
  if (const auto done = api_.forget_ended(); !done) options_.on_error(done.error());
}

bool AccountKeeper::forget_requests() {
  const auto forgotten =
      store_.prune_usage(options_.now() - options_.keep_requests, options_.forget_at_once);
  if (!forgotten) options_.on_error(forgotten.error());
  return forgotten && *forgotten >= options_.forget_at_once;
}

}  // namespace credpool_cli
