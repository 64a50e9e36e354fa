#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/memory.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// A record and the generation in which it last changed.
template <class Record> struct MemoryRow {
  Record record;
  Generation changed = 0;
};

template <class Key, class Record>
std::vector<Record> memory_rows_since(const std::map<Key, MemoryRow<Record>>& rows,
                                      Generation seen) {
  std::vector<Record> changed;
  for (const auto& [key, row] : rows)
    if (row.changed > seen) changed.push_back(row.record);
  return changed;
}

template <class Key, class Record>
void memory_merge(std::map<Key, MemoryRow<Record>>& rows, Key key, const Record& newer,
                  Generation now) {
  const auto [at, added] = rows.try_emplace(std::move(key), MemoryRow<Record>{newer, now});
  if (!added && merge(at->second.record, newer)) at->second.changed = now;
}

}  // namespace detail

struct MemoryState::Shared {
  std::mutex mutex;
  std::atomic<Generation> generation{0};
  std::map<CredentialId, detail::MemoryRow<CredentialState>> credentials;
  std::map<std::pair<CredentialId, std::string>, detail::MemoryRow<Cooldown>> cooldowns;
  std::map<std::string, detail::MemoryRow<Cursor>> cursors;
};

CREDPOOL_INLINE MemoryState::MemoryState() : shared_{std::make_shared<Shared>()} {}

CREDPOOL_INLINE Result<Generation> MemoryState::generation() const {
  return shared_->generation.load();
}

CREDPOOL_INLINE Result<Generation> MemoryState::transact(Generation seen,
                                                         const StateExchange& exchange) {
  auto& shared = *shared_;
  const std::lock_guard lock{shared.mutex};
  const auto delta = exchange(PoolState{
      .credentials = detail::memory_rows_since(shared.credentials, seen),
      .cooldowns = detail::memory_rows_since(shared.cooldowns, seen),
      .cursors = detail::memory_rows_since(shared.cursors, seen),
  });
  if (delta.empty()) return shared.generation.load();

  const Generation now = shared.generation.load() + 1;
  for (const auto& change : delta.credentials) {
    auto& row = shared.credentials[change.id];
    row.record.id = change.id;
    if (merge(row.record, change, delta.half_life) || row.changed == 0) row.changed = now;
  }
  for (const auto& cooldown : delta.cooldowns)
    detail::memory_merge(shared.cooldowns, std::pair{cooldown.id, cooldown.model}, cooldown, now);
  for (const auto& cursor : delta.cursors)
    detail::memory_merge(shared.cursors, std::string{cursor.lane}, cursor, now);
  shared.generation.store(now);
  return now;
}

}  // namespace credpool::inline CREDPOOL_ABI
