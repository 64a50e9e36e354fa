#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/memory_store.hpp>

#include <atomic>
#include <chrono>
#include <limits>
#include <thread>
#include <type_traits>
#include <utility>

namespace cp = credpool;

/// A store that fails when it is told to, and counts what it is asked.
class MoodyStore final : public cp::AccountStore {
 public:
  std::atomic<bool> broken{false};
  std::atomic<bool> lost_name{false};
  /// The allowances were taken back, until the server begins anew.
  std::atomic<bool> forgotten{false};
  /// Settlements are made durable, but their caller is told that nobody knows.
  std::atomic<int> lost_answers{0};
  std::atomic<int> reservations{0}, batches{0}, extensions{0};
  std::atomic<bool> blocked{false};

  /// Of an import: after so many writes every other fails; the first of them after it was made, if
  /// its answer is lost.
  int writes_left = std::numeric_limits<int>::max();
  bool loses_answer = false;

  cp::MemoryAccountStore inner;

  template <class T> static cp::Result<T> error() {
    return cp::fail(cp::Errc::network, "asking the store", "host", "it is gone");
  }
  template <class Write> std::invoke_result_t<Write> write(Write make) {
    using Value = typename std::invoke_result_t<Write>::value_type;
    if (writes_left > 0) {
      --writes_left;
      return make();
    }
    if (std::exchange(loses_answer, false))
      if (auto made = make(); !made) return made;
    return error<Value>();
  }
  void pause() const {
    while (blocked) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  cp::Result<cp::Allowance> reserve(const cp::AllowanceRequest& request) override {
    pause();
    ++reservations;
    if (broken) return error<cp::Allowance>();
    return inner.reserve(request);
  }
  cp::Result<void> settle(std::span<const cp::Settlement> settlements,
                          std::string_view batch) override {
    pause();
    if (broken) return error<void>();
    ++batches;
    auto done = write([&] { return inner.settle(settlements, batch); });
    if (done && lost_answers > 0) {
      --lost_answers;
      return cp::fail(cp::Errc::outcome_unknown, "settling", "host", "the connection broke");
    }
    return done;
  }
  cp::Result<void> extend(cp::TimePoint now, cp::TimePoint until) override {
    ++extensions;
    if (lost_name) return cp::fail(cp::Errc::conflict, "extending", "name", "it was taken");
    if (forgotten) return cp::fail(cp::Errc::not_found, "extending", "name", "too late");
    if (broken) return error<void>();
    return inner.extend(now, until);
  }
  cp::Result<void> reclaim(cp::TimePoint now, bool own) override {
    if (own) forgotten = false;
    return inner.reclaim(now, own);
  }

  cp::Result<void> add_account(const cp::Account& a, const cp::ManagementKey& k) override {
    return write([&] { return inner.add_account(a, k); });
  }
  cp::Result<std::optional<cp::Account>> account(const cp::AccountId& i) override {
    return inner.account(i);
  }
  cp::Result<std::optional<cp::Account>> account_by_email(std::string_view e) override {
    return inner.account_by_email(e);
  }
  cp::Result<std::optional<cp::Account>> account_by_github(std::int64_t g) override {
    return inner.account_by_github(g);
  }
  cp::Result<cp::Account> change_account(
      const cp::AccountId& i, const std::function<cp::Result<void>(cp::Account&)>& c) override {
    return write([&] { return inner.change_account(i, c); });
  }
  cp::Result<void> remove_account(const cp::AccountId& i, cp::TimePoint n) override {
    return inner.remove_account(i, n);
  }
  cp::Result<cp::Page<cp::Account>> accounts(cp::PageRequest p) override {
    return inner.accounts(p);
  }
  cp::Result<void> add_management_key(const cp::ManagementKey& k, bool r) override {
    return write([&] { return inner.add_management_key(k, r); });
  }
  cp::Result<std::optional<cp::Account>> account_by_management_key(std::string_view d) override {
    return inner.account_by_management_key(d);
  }
  cp::Result<void> revoke_management_key(const cp::AccountId& a, std::string_view d,
                                         cp::TimePoint n) override {
    return inner.revoke_management_key(a, d, n);
  }
  cp::Result<std::vector<cp::ManagementKey>> management_keys(const cp::AccountId& a) override {
    return inner.management_keys(a);
  }
  cp::Result<void> add_key(const cp::ProvisionedKey& k) override {
    return write([&] { return inner.add_key(k); });
  }
  cp::Result<std::optional<cp::ProvisionedKey>> key(const cp::AccountId& a,
                                                    std::string_view h) override {
    return inner.key(a, h);
  }
  cp::Result<std::optional<cp::ProvisionedKey>> key_by_digest(std::string_view d) override {
    return inner.key_by_digest(d);
  }
  cp::Result<cp::Page<cp::ProvisionedKey>> keys(const cp::AccountId& a, bool w,
                                                cp::PageRequest p) override {
    return inner.keys(a, w, p);
  }
  cp::Result<std::uint64_t> count_keys(const cp::AccountId& a) override {
    return inner.count_keys(a);
  }
  cp::Result<cp::ProvisionedKey> change_key(
      const cp::AccountId& a, std::string_view h,
      const std::function<cp::Result<void>(cp::ProvisionedKey&)>& c) override {
    return inner.change_key(a, h, c);
  }
  cp::Result<cp::Balance> balance(const cp::AccountId& a) override { return inner.balance(a); }
  cp::Result<Credited> credit(const cp::CreditChange& c) override {
    return write([&] { return inner.credit(c); });
  }
  cp::Result<cp::Page<cp::CreditTransaction>> transactions(const cp::AccountId& a,
                                                           std::optional<cp::TransactionType> t,
                                                           cp::PageRequest p) override {
    return inner.transactions(a, t, p);
  }
  cp::Result<cp::AutoTopUp> auto_topup(const cp::AccountId& a) override {
    return inner.auto_topup(a);
  }
  cp::Result<void> set_auto_topup(const cp::AccountId& a, const cp::AutoTopUp& t) override {
    return write([&] { return inner.set_auto_topup(a, t); });
  }
  cp::Result<std::vector<cp::UsageDay>> usage(const cp::AccountId& a, std::string_view k,
                                              std::string_view f, std::string_view l) override {
    return inner.usage(a, k, f, l);
  }
  cp::Result<cp::Page<cp::UsageRow>> usage_rows(const cp::AccountId& a, std::string_view k,
                                                cp::PageRequest p) override {
    return inner.usage_rows(a, k, p);
  }
  cp::Result<std::uint64_t> prune_usage(cp::TimePoint b, std::uint64_t m) override {
    return inner.prune_usage(b, m);
  }
  cp::Result<std::optional<cp::StoredAnswer>> claim_answer(const cp::AccountId& a,
                                                           std::string_view k, std::string_view r,
                                                           cp::TimePoint n) override {
    return inner.claim_answer(a, k, r, n);
  }
  cp::Result<void> keep_answer(const cp::AccountId& a, std::string_view k,
                               const cp::StoredAnswer& s) override {
    return inner.keep_answer(a, k, s);
  }
  cp::Result<void> drop_answer(const cp::AccountId& a, std::string_view k) override {
    return inner.drop_answer(a, k);
  }
  cp::Result<void> put_device_session(const cp::DeviceSession& s) override {
    return inner.put_device_session(s);
  }
  cp::Result<std::optional<cp::DeviceSession>> device_session(std::string_view d) override {
    return inner.device_session(d);
  }
  cp::Result<std::optional<cp::DeviceSession>> device_session_by_token(
      std::string_view t) override {
    return inner.device_session_by_token(t);
  }
  cp::Result<void> forget_ended(cp::TimePoint s, cp::TimePoint a) override {
    return inner.forget_ended(s, a);
  }
};
