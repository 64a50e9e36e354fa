// SPDX-License-Identifier: MIT
#include "account_keeper.hpp"

#include <chrono>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr auto every = std::chrono::seconds{60};         // payments, and what has ended
constexpr auto gather = std::chrono::milliseconds{500};  // accounts that have spent

}  // namespace

AccountKeeper::AccountKeeper(cp::AccountApi& api, cp::AccountStore& store,
                             std::function<void(const cp::Error&)> on_error)
    : api_{api}, store_{store}, on_error_{std::move(on_error)}, thread_{[this] { work(); }} {}

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
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock{mutex_};
  while (!ends_) {
    changed_.wait_for(lock, gather, [this] { return ends_ || !waiting_.empty(); });
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
    lock.lock();
  }
}

void AccountKeeper::fill_up(const cp::AccountId& account) {
  const auto wanted = store_.auto_topup(account);
  if (!wanted || !wanted->enabled) return;
  if (const auto done = api_.top_up(account); !done) on_error_(done.error());
}

void AccountKeeper::look_after() {
  if (const auto done = api_.reconcile(); !done) on_error_(done.error());
  if (const auto done = api_.forget_ended(); !done) on_error_(done.error());
}

}  // namespace credpool_cli
