#pragma once
// SPDX-License-Identifier: MIT

// Reads the counts of a usage object. Internal: included by .ipp files only.

#include <credpool/proxy/usage.hpp>

#include <credpool/impl/proxy/json_reader.hpp>

#include <array>
#include <bitset>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where providers write a count of tokens.
struct UsageCount {
  std::string_view inside;  ///< the member that holds it; empty: the usage object itself
  std::string_view name;
  std::optional<std::uint64_t> TokenUsage::*into;
};

/// Where two say the same thing, the later one counts, unless it says nothing.
inline constexpr std::array<UsageCount, 13> usage_counts{{
    {"", "prompt_tokens", &TokenUsage::input},
    {"", "input_tokens", &TokenUsage::input},
    {"", "completion_tokens", &TokenUsage::output},
    {"", "output_tokens", &TokenUsage::output},
    {"", "total_tokens", &TokenUsage::total},
    {"", "cache_read_input_tokens", &TokenUsage::cached_input},
    {"", "cache_creation_input_tokens", &TokenUsage::cache_write_input},
    {"", "prompt_cache_hit_tokens", &TokenUsage::cached_input},  // DeepSeek
    {"", "cached_tokens", &TokenUsage::cached_input},            // Moonshot
    {"prompt_tokens_details", "cached_tokens", &TokenUsage::cached_input},
    {"input_tokens_details", "cached_tokens", &TokenUsage::cached_input},
    {"completion_tokens_details", "reasoning_tokens", &TokenUsage::reasoning},
    {"output_tokens_details", "reasoning_tokens", &TokenUsage::reasoning},
}};

class UsageReader {
 public:
  explicit UsageReader(JsonReader& reader) : reader_{reader} {}

  /// Reads what comes next.
  /// @return false for what is no sound object, or tells a count twice
  bool read() { return reader_.front() == '{' && members(1, ""); }

  /// What was read goes over what is there; a count that cannot be one marks the usage.
  void apply(TokenUsage& usage) const {
    usage.malformed = usage.malformed || malformed_;
    for (std::size_t i = 0; i < usage_counts.size(); ++i) {
      const auto number = numbers_[i];
      auto& count = usage.*usage_counts[i].into;
      if (number && (!count || *number != 0)) count = number;
    }
  }

 private:
  bool members(int depth, std::string_view inside) {
    return reader_.object(depth, [&](std::string_view key) {
      // A name written with escapes would have to be undone first; no provider writes one.
      if (key.find('\\') != std::string_view::npos) return reader_.refuse("an escape in a name");
      bool holds_counts = false;
      for (std::size_t i = 0; i < usage_counts.size(); ++i) {
        const auto& known = usage_counts[i];
        if (known.inside == inside && known.name == key) return count(i, depth);
        holds_counts = holds_counts || (inside.empty() && known.inside == key);
      }
      return holds_counts && reader_.front() == '{' ? members(depth + 1, key)
                                                    : reader_.value(depth);
    });
  }

  bool count(std::size_t which, int depth) {
    constexpr std::uint64_t most = std::uint64_t{1} << 53;  // what every JSON parser can hold
    const auto from = reader_.offset();
    if (!reader_.value(depth)) return false;
    if (seen_[which]) return reader_.refuse("a count stands twice");
    seen_[which] = true;
    const auto text = reader_.since(from);
    if (text == "null") return true;
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || number > most)
      malformed_ = true;
    else
      numbers_[which] = number;
    return true;
  }

  JsonReader& reader_;
  std::array<std::optional<std::uint64_t>, usage_counts.size()> numbers_{};
  std::bitset<usage_counts.size()> seen_;
  bool malformed_ = false;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
