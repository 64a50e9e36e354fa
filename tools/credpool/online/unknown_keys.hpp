#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace credpool_cli {

/// What is remembered of keys that are no good, and how much may be sent by those of whom nobody
/// knows yet: bounded, whatever strangers make up.
///
/// @thread_safety safe
class UnknownKeys {
 public:
  enum class Verdict { unknown, revoked };

  /// @param steady       monotonic clock
  /// @param most_bytes   of bodies that are under way at once
  /// @param most_entries that are remembered for a minute; twice as many are kept at most
  UnknownKeys(std::function<std::chrono::nanoseconds()> steady, std::uint64_t most_bytes,
              std::size_t most_entries = 8'192);

  /// A key was looked up, and is no good. Both verdicts are final: a digest that nobody has is not
  /// made later, and a key that was revoked stays so.
  void remember(std::string_view digest, Verdict verdict);
  /// For a minute or two after remember().
  std::optional<Verdict> verdict(std::string_view digest);

  /// A part of the bytes that may be under way; goes back when it is dropped.
  using Share = std::shared_ptr<const void>;
  /// @return none: too much is under way
  Share take(std::uint64_t bytes);

 private:
  using Table = std::unordered_map<std::string, Verdict>;

  const std::function<std::chrono::nanoseconds()> steady_;
  const std::uint64_t most_bytes_;
  const std::size_t most_entries_;
  std::shared_ptr<std::atomic<std::uint64_t>> under_way_;
  std::mutex mutex_;
  Table newer_, older_;
  std::chrono::nanoseconds began_{};  ///< of `newer_`
};

}  // namespace credpool_cli
