#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/usage.hpp>

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/proxy/answer_scan.hpp>

#include <algorithm>
#include <cstring>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A count of tokens; a number that cannot be one marks the usage and is left out.
inline void usage_count(const Json& object, std::string_view name,
                        std::optional<std::uint64_t>& count, bool& malformed) {
  constexpr std::uint64_t most = std::uint64_t{1} << 53;  // what every JSON parser can hold
  const auto* value = member(object, name);
  if (value == nullptr || value->is_null()) return;
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most) {
    malformed = true;
    return;
  }
  const auto number = value->get<std::uint64_t>();
  if (!count || number != 0) count = number;
}

/// Where `part` begins in `text`, or npos: find() with the C library's faster search.
inline std::size_t usage_find(std::string_view text, std::string_view part) noexcept {
  if (text.empty())
    return std::string_view::npos;  // its data() may be null, which memmem() refuses
  const void* found = ::memmem(text.data(), text.size(), part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

inline bool usage_holds(std::string_view text, std::string_view part) noexcept {
  return usage_find(text, part) != std::string_view::npos;
}

/// Whether a member of that name, quotes included, stands somewhere with a value that is not null:
/// OpenAI writes "usage":null into every chunk.
inline bool usage_says(std::string_view text, std::string_view quoted_name) noexcept {
  for (auto at = usage_find(text, quoted_name); at != std::string_view::npos;
       at = usage_find(text, quoted_name)) {
    text.remove_prefix(at + quoted_name.size());
    const auto value = std::min(text.find_first_not_of(" \t\r\n:"), text.size());
    if (!text.substr(value).starts_with("null")) return true;
  }
  return false;
}

/// Whether an event of that type is the last one of its stream.
inline bool usage_is_last(std::string_view type) noexcept {
  return type == "message_stop" || type == "response.completed" || type == "response.failed" ||
         type == "response.incomplete";
}

/// Whether an event without a name may be the last one.
inline bool usage_may_be_last(Operation operation, std::string_view data) noexcept {
  if (operation == Operation::messages) return usage_holds(data, "\"message_stop\"");
  return operation == Operation::responses && usage_holds(data, "\"response.");
}

}  // namespace detail

CREDPOOL_INLINE UsageTap::UsageTap(Operation operation, bool stream)
    : operation_{operation},
      stream_{stream},
      json_{stream ? nullptr : std::make_unique<detail::AnswerScan>()} {}
CREDPOOL_INLINE UsageTap::UsageTap(UsageTap&&) noexcept = default;
CREDPOOL_INLINE UsageTap& UsageTap::operator=(UsageTap&&) noexcept = default;
CREDPOOL_INLINE UsageTap::~UsageTap() = default;

CREDPOOL_INLINE void UsageTap::feed(std::string_view piece) {
  if (stream_) {
    while (sse_.next(piece)) read_event(sse_.event(), sse_.data());
    return;
  }
  if (complete_) return;
  json_->feed(piece);
  complete_ = json_->complete();
  keep_id(json_->id());
  const auto found = json_->take_usage();
  if (found.empty()) return;
  reported_ = {};  // as other parsers do with a key that stands twice: the last one counts
  read_usage(found);
}

CREDPOOL_INLINE void UsageTap::read_event(std::string_view event, std::string_view data) {
  const bool named_error = event == "error";
  const bool done = data == "[DONE]";
  events_ += done ? 0 : 1;
  complete_ = complete_ || done || detail::usage_is_last(event);
  // Of the events in between, which are nearly all, nothing is read but these words.
  const bool begins = operation_ == Operation::responses && response_id_.empty() &&
                      (event == "response.created" ||
                       (event.empty() && detail::usage_holds(data, "\"response.created\"")));
  if (!named_error && !begins && !detail::usage_says(data, "\"usage\"") &&
      !detail::usage_says(data, "\"error\"") &&
      !(event.empty() && detail::usage_may_be_last(operation_, data)))
    return;

  detail::AnswerScan scan;
  scan.feed(data);
  read_usage(scan.take_usage());
  keep_id(scan.id());
  auto type = std::string_view{scan.type()};
  if (type.size() >= 2) type = type.substr(1, type.size() - 2);
  complete_ = complete_ || detail::usage_is_last(type);
  const bool has_error = scan.error().starts_with('{') || scan.error().starts_with('"');
  if (named_error || type == "error")
    keep_error(std::string{data});
  else if (has_error)
    // The event may hold the whole answer: its error is what says something.
    keep_error("{\"error\":" + scan.error() + '}');
}

CREDPOOL_INLINE void UsageTap::keep_error(std::string error) {
  constexpr std::size_t most_bytes = 16 << 10;
  if (!error_.empty()) return;
  error_ = std::move(error);
  if (error_.size() > most_bytes) error_.resize(most_bytes);
}

CREDPOOL_INLINE void UsageTap::keep_id(std::string_view quoted) {
  constexpr std::size_t longest = 256;
  if (operation_ != Operation::responses || !response_id_.empty()) return;
  if (quoted.size() < 3 || quoted.size() > longest + 2 || quoted.front() != '"') return;
  response_id_ = quoted.substr(1, quoted.size() - 2);
}

CREDPOOL_INLINE void UsageTap::read_usage(std::string_view text) {
  if (text.empty()) return;
  const auto parsed = detail::parse_json(text);
  if (!parsed || !parsed->is_object()) {
    reported_.malformed = true;
    return;
  }
  const auto& usage = *parsed;
  auto& seen = reported_;
  const auto count = [&seen](const detail::Json& object, std::string_view name,
                             std::optional<std::uint64_t>& into) {
    detail::usage_count(object, name, into, seen.malformed);
  };
  count(usage, "prompt_tokens", seen.input);
  count(usage, "input_tokens", seen.input);
  count(usage, "completion_tokens", seen.output);
  count(usage, "output_tokens", seen.output);
  count(usage, "total_tokens", seen.total);
  count(usage, "cache_read_input_tokens", seen.cached_input);
  count(usage, "cache_creation_input_tokens", seen.cache_write_input);
  count(usage, "prompt_cache_hit_tokens", seen.cached_input);  // DeepSeek
  count(usage, "cached_tokens", seen.cached_input);            // Moonshot
  for (const auto* details : {"prompt_tokens_details", "input_tokens_details"})
    if (const auto* found = detail::member(usage, details); found != nullptr)
      count(*found, "cached_tokens", seen.cached_input);
  for (const auto* details : {"completion_tokens_details", "output_tokens_details"})
    if (const auto* found = detail::member(usage, details); found != nullptr)
      count(*found, "reasoning_tokens", seen.reasoning);
}

CREDPOOL_INLINE TokenUsage UsageTap::usage() const {
  auto usage = reported_;
  if (operation_ == Operation::messages && usage.input)
    *usage.input += usage.cached_input.value_or(0) + usage.cache_write_input.value_or(0);
  return usage;
}

}  // namespace credpool::inline CREDPOOL_ABI
