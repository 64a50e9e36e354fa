// SPDX-License-Identifier: MIT
#include "unknown_keys.hpp"

#include <utility>

namespace credpool_cli {

namespace {

constexpr std::chrono::nanoseconds generation = std::chrono::minutes{1};

}  // namespace

UnknownKeys::UnknownKeys(std::function<std::chrono::nanoseconds()> steady, std::uint64_t most_bytes,
                         std::size_t most_entries)
    : steady_{std::move(steady)},
      most_bytes_{most_bytes},
      most_entries_{most_entries},
      under_way_{std::make_shared<std::atomic<std::uint64_t>>(0)},
      began_{steady_()} {}

void UnknownKeys::remember(std::string_view digest, Verdict verdict) {
  const auto now = steady_();
  const std::lock_guard lock{mutex_};
  if (newer_.size() >= most_entries_ || now - began_ >= generation) {
    older_ = std::exchange(newer_, {});
    if (now - began_ >= 2 * generation) older_.clear();
    began_ = now;
  }
  newer_.insert_or_assign(std::string{digest}, verdict);
}

std::optional<UnknownKeys::Verdict> UnknownKeys::verdict(std::string_view digest) {
  const auto age = steady_();
  const std::lock_guard lock{mutex_};
  if (newer_.empty() && older_.empty()) return std::nullopt;
  if (age - began_ >= 2 * generation) {
    newer_.clear();
    older_.clear();
    return std::nullopt;
  }
  const std::string wanted{digest};
  for (const auto* table : {&newer_, &older_})
    if (const auto found = table->find(wanted); found != table->end()) return found->second;
  return std::nullopt;
}

UnknownKeys::Share UnknownKeys::take(std::uint64_t bytes) {
  auto used = under_way_->load();
  do {
    if (bytes > most_bytes_ || used > most_bytes_ - bytes) return nullptr;
  } while (!under_way_->compare_exchange_weak(used, used + bytes));
  return Share{under_way_.get(),
               [counter = under_way_, bytes](const void*) { counter->fetch_sub(bytes); }};
}

}  // namespace credpool_cli
