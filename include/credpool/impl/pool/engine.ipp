#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/engine.hpp>

#include <credpool/impl/pool/engine_parts.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE void SpinLock::lock() noexcept {
  for (int spins = 0; !try_lock(); ++spins) {
    while (held_.load(std::memory_order_relaxed))
      if (++spins > 256) std::this_thread::yield();
  }
}

CREDPOOL_INLINE PoolEngine::PoolEngine(std::unique_ptr<PolicyBox> policy, PoolSettings settings,
                                       std::string_view host_name)
    : settings_{std::move(settings)}, policy_{std::move(policy)}, salt_{pool_hash(host_name)} {}

CREDPOOL_INLINE void PoolEngine::tick(TimePoint now) noexcept {
  if (now == ticked_at_) return;
  ticked_at_ = now;
  const auto half_lives = [&] {
    return std::chrono::duration<double>(now - landmark_) /
           std::chrono::duration<double>(settings_.half_life);
  };
  // Before the numbers leave the range of a double they are brought back to one use = 1. A clock
  // that was set back far gets a new landmark as well; nothing has decayed then.
  const double passed = half_lives();
  if (passed > 100 || passed < -1) {
    const double factor = passed > 0 ? std::exp2(-passed) : 1 / one_use_;
    const double latency_factor = pool_latency_unit(factor);
    for (auto& slot : slots_) {
      slot.facts.use *= factor;
      slot.new_use *= factor;
      slot.use_being_written *= factor;
      slot.facts.latency *= latency_factor;
    }
    landmark_ = now;
    one_use_ = 1;
    for (auto& slot : slots_) touch(slot.index);
    return;
  }
  one_use_ = std::exp2(passed);
}

CREDPOOL_INLINE PoolSlot& PoolEngine::slot_of(const CredentialId& id) {
  const auto [at, added] = by_id_.try_emplace(id, static_cast<std::uint32_t>(slots_.size()));
  if (!added) return slots_[at->second];
  auto& slot = slots_.emplace_back();
  slot.index = at->second;
  slot.facts.id = id;
  slot.state.id = id;
  unwritten_.reserve(slots_.size());  // so that marking does not allocate
  return slot;
}

CREDPOOL_INLINE void PoolEngine::mark(PoolSlot& slot, unsigned bits) {
  if (slot.unwritten == 0) unwritten_.push_back(slot.index);
  slot.unwritten |= static_cast<std::uint16_t>(bits);
}

CREDPOOL_INLINE std::uint32_t PoolEngine::host_of(const Credential& credential) {
  const auto& name = credential.base_url.empty() ? credential.provider : credential.base_url;
  for (std::uint32_t i = 0; i < hosts_.size(); ++i)
    if (hosts_[i].name == name) return i;
  hosts_.push_back({.name = name});
  return static_cast<std::uint32_t>(hosts_.size() - 1);
}

CREDPOOL_INLINE void PoolEngine::apply_rule(PoolSlot& slot) const {
  CredentialRule rule;
  for (const auto& [name, each] : settings_.rules)
    if (pool_named(slot, name)) rule = each;
  slot.models = std::move(rule.models);
  slot.forbidden = rule.forbidden;
  slot.ask = rule.ask;
  slot.fixed_limit = rule.limit.value_or(0);
  if (const auto* fixed = std::get_if<FixedLimit>(&settings_.admission); fixed && !rule.limit)
    slot.fixed_limit = std::max<std::uint32_t>(fixed->leases, 1);
  slot.facts.weight = std::max<std::uint32_t>(rule.weight, 1);
  slot.facts.priority = rule.priority.value_or(slot.credential->priority);
  if (slot.fixed_limit > 0)
    slot.facts.limit = static_cast<float>(slot.fixed_limit);
  else if (std::holds_alternative<Aimd>(settings_.admission))
    slot.facts.limit = static_cast<float>(std::floor(slot.aimd.limit));
  else
    slot.facts.limit = 0;
}

CREDPOOL_INLINE PoolSettings PoolEngine::settings() const {
  const std::lock_guard lock{lock_};
  return settings_;
}

CREDPOOL_INLINE std::string PoolEngine::policy() const {
  const std::lock_guard lock{lock_};
  return std::string{policy_->name()};
}

CREDPOOL_INLINE void PoolEngine::configure(std::unique_ptr<PolicyBox> policy, PoolSettings settings,
                                           TimePoint now) {
  const std::lock_guard lock{lock_};
  tick(now);
  settings_ = std::move(settings);
  if (policy) {
    policy_ = std::move(policy);
    for (auto& lane : lanes_) lane.policy = policy_->clone();
  }
  for (const auto index : order_) apply_rule(slots_[index]);
  put_in_order();
  for (auto& lane : lanes_) seat(lane, now);
}

CREDPOOL_INLINE void PoolEngine::put_in_order() {
  for (const auto index : order_) slots_[index].out_of_order = false;
  for (const auto& wanted : settings_.order) {
    const auto& provider = wanted.first;
    const auto& names = wanted.second;
    const auto place = [&](const PoolSlot& slot) {
      const auto at = std::find_if(names.begin(), names.end(),
                                   [&](const auto& name) { return pool_named(slot, name); });
      return static_cast<std::size_t>(at - names.begin());
    };
    const auto of_provider = [&](std::uint32_t index) {
      return slots_[index].credential->provider == provider;
    };
    // An order of which nobody is there is no order: better any login than none.
    const bool in_force = std::any_of(order_.begin(), order_.end(), [&](std::uint32_t index) {
      return of_provider(index) && place(slots_[index]) < names.size();
    });
    if (!in_force) continue;
    for (const auto index : order_) {
      if (!of_provider(index)) continue;
      const auto at = place(slots_[index]);
      slots_[index].out_of_order = at == names.size();
      slots_[index].facts.priority = static_cast<std::int32_t>(at);
    }
  }
  std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return slots_[a].facts.priority < slots_[b].facts.priority;
  });
  for (std::uint32_t i = 0; i < order_.size(); ++i) slots_[order_[i]].facts.order = i;
}

CREDPOOL_INLINE void PoolEngine::put_turns_in_order() {
  std::vector<PoolSlot*> by_age;
  by_age.reserve(slots_.size());
  for (auto& slot : slots_) by_age.push_back(&slot);
  const auto age = [&](const PoolSlot* slot) {
    return std::tuple{slot->state.last_selected, slot->facts.turn,
                      pool_mix(pool_word(slot->facts.id) ^ salt_)};
  };
  std::sort(by_age.begin(), by_age.end(),
            [&](const auto* a, const auto* b) { return age(a) < age(b); });
  turn_ = 0;
  for (auto* slot : by_age) slot->facts.turn = ++turn_;
}

CREDPOOL_INLINE void PoolEngine::replace(std::vector<Credential> credentials, TimePoint now) {
  const std::lock_guard lock{lock_};
  tick(now);
  for (auto& slot : slots_) slot.found = false;
  order_.clear();
  std::vector<std::uint32_t> newcomers;
  for (auto& credential : credentials) {
    auto& slot = slot_of(credential.id);
    if (slot.found) continue;  // the same id twice: the first one counts
    const bool newcomer = !slot.credential && slot.unknown_to_store;
    if (newcomer) newcomers.push_back(slot.index);
    slot.found = true;
    slot.host = host_of(credential);
    slot.token_hash = credential.token_hash();
    // The same report of a probe once more is older than what answers have told since.
    const auto quota = tightest(credential.quotas);
    if (quota && !(slot.credential && quota == tightest(slot.credential->quotas)))
      learn_quota(slot, *quota);
    slot.credential = std::make_shared<const Credential>(std::move(credential));
    apply_rule(slot);
    order_.push_back(slot.index);
  }
  for (auto& slot : slots_)
    if (!slot.found) slot.credential.reset();
  put_in_order();
  put_turns_in_order();
  for (const auto index : newcomers) level_up(slots_[index], now);
  for (auto& lane : lanes_) seat(lane, now);
}

CREDPOOL_INLINE void PoolEngine::replace_one(Credential credential, TimePoint now) {
  const std::lock_guard lock{lock_};
  tick(now);
  const auto known = by_id_.find(credential.id);
  if (known == by_id_.end() || !slots_[known->second].found) return;  // gone meanwhile
  auto& slot = slots_[known->second];
  slot.token_hash = credential.token_hash();
  slot.credential = std::make_shared<const Credential>(std::move(credential));
  assess_everywhere(slot.index, now);
}

/// Gives a newcomer, or one that was away for long, the fewest uses of the others: its share from
/// now on, not all requests until it has caught up.
CREDPOOL_INLINE void PoolEngine::level_up(PoolSlot& slot, TimePoint now) {
  double least = std::numeric_limits<double>::infinity();
  for (const auto index : order_) {
    const auto& other = slots_[index];
    if (&other != &slot && other.credential->provider == slot.credential->provider &&
        other.state.total_uses > 0 && other.cooldowns.empty() && other.credential->usable_at(now) &&
        !other.state.disabled && other.state.rejected_token != other.token_hash)
      least = std::min(least, other.facts.use);
  }
  if (std::isinf(least) || least <= slot.facts.use) return;
  slot.new_use += least - slot.facts.use;
  slot.facts.use = least;
  mark(slot, used);
}

CREDPOOL_INLINE std::vector<std::shared_ptr<const Credential>> PoolEngine::credentials() const {
  const std::lock_guard lock{lock_};
  std::vector<std::shared_ptr<const Credential>> all;
  all.reserve(order_.size());
  for (const auto index : order_) all.push_back(slots_[index].credential);
  return all;
}

CREDPOOL_INLINE Result<std::uint32_t> PoolEngine::find_slot(std::string_view name,
                                                            std::string_view model) const {
  constexpr std::string_view doing = "looking for a credential";
  std::string_view before;
  auto wanted = name;
  if (const auto at = name.rfind('@'); at != std::string_view::npos) {
    before = name.substr(0, at);
    wanted = name.substr(at + 1);
  }
  std::optional<std::uint32_t> found;
  for (const auto index : order_) {
    const auto& slot = slots_[index];
    // A profile id may hold an "@" of its own (an e-mail address).
    const bool whole = pool_named(slot, name);
    const bool parts = !before.empty() && slot.credential->profile_id == wanted &&
                       (before == slot.credential->cli || before == slot.credential->provider ||
                        before == model || pool_named(slot, before));
    if (!whole && !parts) continue;
    if (found)
      return fail(Errc::invalid_argument, std::string{doing}, std::string{name},
                  "several have that name; use more digits of the id");
    found = index;
  }
  if (found) return *found;
  return fail(Errc::not_found, std::string{doing}, std::string{name},
              "`credpool list` shows profile ids and ids");
}

CREDPOOL_INLINE Result<std::shared_ptr<const Credential>> PoolEngine::find(
    std::string_view name) const {
  const std::lock_guard lock{lock_};
  const auto found = find_slot(name);
  if (!found) return fail(found.error());
  return slots_[*found].credential;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
