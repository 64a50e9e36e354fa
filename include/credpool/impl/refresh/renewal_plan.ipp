#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/renewal_plan.hpp>

#include <algorithm>
#include <cstring>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Eight bytes of an id: it is a hash, so they are as good as random.
inline std::uint64_t renewal_word(const CredentialId& id) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, id.digest().data(), sizeof word);
  return word;
}

}  // namespace detail

CREDPOOL_INLINE TimePoint renewal_time(const CredentialId& id, TimePoint expires_at,
                                       Duration window) noexcept {
  const auto token = static_cast<std::uint64_t>(expires_at.time_since_epoch().count());
  const auto mixed = (detail::renewal_word(id) ^ token) * 0x9E3779B97F4A7C15u;
  const auto dice = static_cast<Duration::rep>((mixed >> 40) % 1001);  // 0 to 1000
  return expires_at - window * (9500 + dice) / 10000;
}

CREDPOOL_INLINE std::size_t RenewalPlan::IdHash::operator()(const CredentialId& id) const noexcept {
  return static_cast<std::size_t>(detail::renewal_word(id));
}

CREDPOOL_INLINE void RenewalPlan::put(const CredentialId& id, TimePoint due) {
  due_[id] = due;
  heap_.push_back({due, id});
  std::push_heap(heap_.begin(), heap_.end(),
                 [](const Entry& a, const Entry& b) { return a.due > b.due; });
  sweep();
}

CREDPOOL_INLINE void RenewalPlan::remove(const CredentialId& id) {
  due_.erase(id);
  sweep();
}

CREDPOOL_INLINE std::optional<TimePoint> RenewalPlan::next() const noexcept {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due;  // sweep() has seen to it that it is planned
}

CREDPOOL_INLINE std::optional<CredentialId> RenewalPlan::take(TimePoint now) {
  if (heap_.empty() || heap_.front().due > now) return std::nullopt;
  const auto id = heap_.front().id;
  due_.erase(id);
  sweep();
  return id;
}

CREDPOOL_INLINE std::optional<TimePoint> RenewalPlan::due(const CredentialId& id) const {
  const auto known = due_.find(id);
  if (known == due_.end()) return std::nullopt;
  return known->second;
}

/// Drops leftovers from the front, and all of them before they outnumber the plan.
CREDPOOL_INLINE void RenewalPlan::sweep() {
  const auto later = [](const Entry& a, const Entry& b) { return a.due > b.due; };
  const auto planned = [&](const Entry& entry) {
    const auto known = due_.find(entry.id);
    return known != due_.end() && known->second == entry.due;
  };
  if (heap_.size() > 2 * due_.size() + 64) {
    heap_.clear();
    for (const auto& [id, due] : due_) heap_.push_back({due, id});
    std::make_heap(heap_.begin(), heap_.end(), later);
  }
  while (!heap_.empty() && !planned(heap_.front())) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
  }
}

}  // namespace credpool::inline CREDPOOL_ABI
