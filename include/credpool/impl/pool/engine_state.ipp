#pragma once
// SPDX-License-Identifier: MIT
// What is remembered: told to the store, heard from it, changed by the user.

#include <credpool/pool/engine.hpp>

#include <credpool/impl/pool/engine_parts.hpp>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <tuple>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// So many records are worked on before the lock is given to somebody else for a moment.
inline constexpr std::size_t pool_chunk = 128;

CREDPOOL_INLINE void PoolEngine::learn(const PoolState& changed, TimePoint now) {
  if (changed.empty()) return;
  // What others selected comes after what was selected here before, each in its turn.
  std::vector<const CredentialState*> rows;
  rows.reserve(changed.credentials.size());
  for (const auto& row : changed.credentials) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
    return std::tie(a->last_selected, a->id) < std::tie(b->last_selected, b->id);
  });
  for (std::size_t first = 0; first < rows.size(); first += pool_chunk) {
    const std::lock_guard lock{lock_};
    tick(now);
    const auto end = std::min(first + pool_chunk, rows.size());
    for (auto i = first; i < end; ++i) learn(*rows[i], now);
  }
  const std::lock_guard lock{lock_};
  tick(now);
  for (const auto& row : changed.cooldowns) learn(row, now);
  for (const auto& cursor : changed.cursors) {
    cursors_[cursor.lane] = cursor;
    for (auto& lane : lanes_)
      if (!lane.cursor_unwritten && !lane.cursor_being_written && lane.name() == cursor.lane)
        lane.candidates.set_last(cursor.last);
  }
}

CREDPOOL_INLINE void PoolEngine::learn(const CredentialState& row, TimePoint now) {
  auto& slot = slot_of(row.id);
  slot.unknown_to_store = false;
  // What was changed here and is not written yet is newer than what is stored.
  const auto theirs = [&](Unwritten bit) {
    return ((slot.unwritten | slot.being_written) & bit) == 0;
  };
  auto& mine = slot.state;
  if (theirs(imported)) mine.imported = row.imported;
  if (theirs(disabled)) mine.disabled = row.disabled;
  if (theirs(failures)) {
    if (row.consecutive_failures > mine.consecutive_failures) slot.failed_at = now;
    slot.facts.failures = mine.consecutive_failures = row.consecutive_failures;
    mine.success_streak = row.success_streak;
  }
  const auto one_use = [&](TimePoint at) {
    return std::exp2(std::chrono::duration<double>(at - landmark_) /
                     std::chrono::duration<double>(settings_.half_life));
  };
  if (theirs(latency) && row.latency_ms > 0) {
    mine.latency_ms = row.latency_ms;
    mine.latency_at = row.latency_at;
    slot.facts.latency = row.latency_ms * pool_latency_unit(one_use(row.latency_at));
  }
  if (theirs(limit) && row.limit > 0) mine.limit = slot.aimd.threshold = row.limit;
  if (theirs(rejected)) mine.rejected_token = row.rejected_token;
  if (theirs(verified)) mine.verified_token = row.verified_token;
  if (row.last_selected > mine.last_selected) {
    mine.last_selected = row.last_selected;
    slot.facts.turn = ++turn_;
  }
  mine.last_used = std::max(mine.last_used, row.last_used);
  mine.total_uses = row.total_uses + slot.uses_being_written + slot.new_uses;
  slot.facts.use = row.use * one_use(row.use_at) + slot.use_being_written + slot.new_use;
  assess_everywhere(slot.index, now);
}

CREDPOOL_INLINE void PoolEngine::learn(const Cooldown& row, TimePoint now) {
  auto& slot = slot_of(row.id);
  const auto newer_here = [&](const std::vector<Cooldown>& mine) {
    return std::any_of(mine.begin(), mine.end(), [&](const Cooldown& each) {
      return each.id == row.id && each.model == row.model && each.noted_at > row.noted_at;
    });
  };
  if (newer_here(cooldowns_to_write_) || newer_here(cooldowns_being_written_)) return;
  std::erase_if(slot.cooldowns, [&](const Cooldown& each) { return each.model == row.model; });
  if (row.reason != CooldownReason::none) slot.cooldowns.push_back(row);
  assess_everywhere(slot.index, now);
}

CREDPOOL_INLINE CredentialDelta PoolEngine::take_delta_of(PoolSlot& slot) {
  slot.being_written = std::exchange(slot.unwritten, std::uint16_t{0});
  slot.use_being_written = std::exchange(slot.new_use, 0.0);
  slot.uses_being_written = std::exchange(slot.new_uses, std::uint64_t{0});
  const auto& mine = slot.state;
  const auto has = [&](Unwritten bit) { return (slot.being_written & bit) != 0; };
  CredentialDelta change{.id = mine.id};
  if (has(imported)) change.imported = mine.imported;
  if (has(disabled)) change.disabled = mine.disabled;
  if (has(used)) {
    change.use = slot.use_being_written / one_use_;
    change.use_at = ticked_at_;
    change.uses = slot.uses_being_written;
    change.last_used = mine.last_used;
  }
  if (has(selected)) change.last_selected = mine.last_selected;
  if (has(failures)) {
    change.consecutive_failures = mine.consecutive_failures;
    change.success_streak = mine.success_streak;
  }
  if (has(latency)) {
    change.latency_ms = mine.latency_ms;
    change.latency_at = mine.latency_at;
  }
  if (has(limit)) change.limit = slot.aimd.limit;
  if (has(rejected)) change.rejected_token = mine.rejected_token;
  if (has(verified)) change.verified_token = mine.verified_token;
  return change;
}

CREDPOOL_INLINE PoolDelta PoolEngine::take_delta(TimePoint now) {
  PoolDelta delta;
  delta.half_life = settings_.half_life;
  {
    const std::lock_guard lock{lock_};
    tick(now);
    being_written_.swap(unwritten_);
    unwritten_.reserve(slots_.size());
    cooldowns_being_written_ = std::exchange(cooldowns_to_write_, {});
    delta.cooldowns = cooldowns_being_written_;
    for (auto& lane : lanes_) {
      if (!std::exchange(lane.cursor_unwritten, false)) continue;
      lane.cursor_being_written = true;
      const Cursor cursor{.lane = lane.name(), .last = lane.candidates.last(), .noted_at = now};
      cursors_[cursor.lane] = cursor;
      delta.cursors.push_back(cursor);
    }
  }
  // A slot that is not reached yet still has its bits, so what happens to it now goes with them.
  delta.credentials.reserve(being_written_.size());
  for (std::size_t first = 0; first < being_written_.size(); first += pool_chunk) {
    const std::lock_guard lock{lock_};
    const auto end = std::min(first + pool_chunk, being_written_.size());
    for (auto i = first; i < end; ++i)
      delta.credentials.push_back(take_delta_of(slots_[being_written_[i]]));
  }
  return delta;
}

CREDPOOL_INLINE void PoolEngine::drop_delta() {
  for (std::size_t first = 0; first < being_written_.size(); first += pool_chunk) {
    const std::lock_guard lock{lock_};
    const auto end = std::min(first + pool_chunk, being_written_.size());
    for (auto i = first; i < end; ++i) {
      auto& slot = slots_[being_written_[i]];
      slot.being_written = 0;
      slot.use_being_written = 0;
      slot.uses_being_written = 0;
    }
  }
  being_written_.clear();
  const std::lock_guard lock{lock_};
  cooldowns_being_written_.clear();
  for (auto& lane : lanes_) lane.cursor_being_written = false;
}

CREDPOOL_INLINE void PoolEngine::keep_delta() {
  const std::lock_guard lock{lock_};
  for (const auto index : being_written_) {
    auto& slot = slots_[index];
    mark(slot, std::exchange(slot.being_written, std::uint16_t{0}));
    slot.new_use += std::exchange(slot.use_being_written, 0.0);
    slot.new_uses += std::exchange(slot.uses_being_written, std::uint64_t{0});
  }
  being_written_.clear();
  cooldowns_to_write_.insert(cooldowns_to_write_.begin(), cooldowns_being_written_.begin(),
                             cooldowns_being_written_.end());
  cooldowns_being_written_.clear();
  for (auto& lane : lanes_)
    if (std::exchange(lane.cursor_being_written, false)) lane.cursor_unwritten = true;
}

CREDPOOL_INLINE std::vector<CredentialState> PoolEngine::states(TimePoint now) const {
  const std::lock_guard lock{lock_};
  std::vector<CredentialState> all;
  all.reserve(order_.size());
  const double unit = std::exp2(std::chrono::duration<double>(now - landmark_) /
                                std::chrono::duration<double>(settings_.half_life));
  for (const auto index : order_) {
    const auto& slot = slots_[index];
    auto& state = all.emplace_back(slot.state);
    state.use = slot.facts.use / unit;
    state.use_at = now;
    state.limit = slot.aimd.limit;
  }
  return all;
}

CREDPOOL_INLINE std::vector<Cooldown> PoolEngine::cooldowns() const {
  const std::lock_guard lock{lock_};
  std::vector<Cooldown> all;
  for (const auto index : order_)
    all.insert(all.end(), slots_[index].cooldowns.begin(), slots_[index].cooldowns.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const Cooldown& a, const Cooldown& b) { return a.until < b.until; });
  return all;
}

CREDPOOL_INLINE Result<std::size_t> PoolEngine::clear_cooldowns(std::string_view name,
                                                                std::string_view model,
                                                                TimePoint now) {
  const std::lock_guard lock{lock_};
  tick(now);
  auto whom = order_;
  if (!name.empty()) {
    const auto found = find_slot(name);
    if (!found) return fail(found.error());
    whom = {*found};
  }
  std::size_t cleared = 0;
  for (const auto index : whom) {
    auto& slot = slots_[index];
    cleared += std::erase_if(slot.cooldowns, [&](Cooldown& cooldown) {
      if (!model.empty() && cooldown.model != model) return false;
      cooldown.reason = CooldownReason::none;
      cooldown.noted_at = now;
      cooldowns_to_write_.push_back(cooldown);
      return true;
    });
    if (model.empty()) {
      hosts_[slot.host] = {.name = hosts_[slot.host].name};
      if (!slot.state.rejected_token.empty()) {
        slot.state.rejected_token.clear();
        mark(slot, rejected);
        ++cleared;
      }
    }
  }
  for (const auto index : order_) assess_everywhere(index, now);
  return cleared;
}

CREDPOOL_INLINE Result<void> PoolEngine::set_disabled(std::string_view name, bool value,
                                                      TimePoint now) {
  const std::lock_guard lock{lock_};
  const auto found = find_slot(name);
  if (!found) return fail(found.error());
  slots_[*found].state.disabled = value;
  mark(slots_[*found], disabled);
  assess_everywhere(*found, now);
  return {};
}

CREDPOOL_INLINE Result<void> PoolEngine::set_imported(std::string_view name, bool value,
                                                      TimePoint now) {
  const std::lock_guard lock{lock_};
  const auto found = find_slot(name);
  if (!found) return fail(found.error());
  slots_[*found].state.imported = value;
  mark(slots_[*found], imported);
  assess_everywhere(*found, now);
  return {};
}

CREDPOOL_INLINE Result<void> PoolEngine::note_validation(const CredentialId& id, Status status,
                                                         Reason reason,
                                                         const std::vector<QuotaWindow>& quotas,
                                                         const Outcome& answer, TimePoint now) {
  const std::lock_guard lock{lock_};
  const auto known = by_id_.find(id);
  if (known == by_id_.end() || !slots_[known->second].found)
    return fail(Errc::not_found, "noting a validation", id.short_hex());
  auto& slot = slots_[known->second];
  if (const auto quota = tightest(quotas)) learn_quota(slot, *quota);
  const bool bad =
      status == Status::revoked || status == Status::needs_login || status == Status::invalid;
  if (status == Status::active || status == Status::expiring) {
    slot.state.verified_token = slot.token_hash;
    if (slot.state.rejected_token == slot.token_hash) slot.state.rejected_token.clear();
    mark(slot, verified | rejected);
  } else if (bad && reason != Reason::could_not_tell) {
    slot.state.rejected_token = slot.token_hash;
    mark(slot, rejected);
  }
  rest_after_validation(slot, answer, now);
  assess_everywhere(slot.index, now);
  return {};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
