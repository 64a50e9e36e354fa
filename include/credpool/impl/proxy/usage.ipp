#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/usage.hpp>

#include <credpool/impl/proxy/answer_scan.hpp>
#include <credpool/impl/proxy/usage_reader.hpp>
#include <credpool/impl/proxy/usage_search.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

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

/// What is looked for in an event that is too long to be kept.
class LongUsageEvent final : public SseLongData {
 public:
  void add(std::string_view event, std::string_view part) override {
    scan.feed(part);
    is_error = event == "error" || scan.type() == "\"error\"";
    // Most errors say what they are before anything else.
    const auto room = is_error ? most_of_error : most_of_any;
    beginning.append(part, 0, room - std::min(beginning.size(), room));
  }

  static constexpr std::size_t most_of_error = 16 << 10;
  static constexpr std::size_t most_of_any = 512;

  AnswerScan scan;
  std::string beginning;
  bool is_error = false;
};

}  // namespace detail

CREDPOOL_INLINE UsageTap::UsageTap(Operation operation, bool stream)
    : operation_{operation}, stream_{stream}, sse_{detail::LongUsageEvent::most_of_any} {}
CREDPOOL_INLINE UsageTap::UsageTap(UsageTap&&) noexcept = default;
CREDPOOL_INLINE UsageTap& UsageTap::operator=(UsageTap&&) noexcept = default;
CREDPOOL_INLINE UsageTap::~UsageTap() = default;

CREDPOOL_INLINE void UsageTap::feed(std::string_view piece) {
  if (stream_) {
    struct Long final : SseLongData {
      std::unique_ptr<detail::LongUsageEvent>& event;
      explicit Long(std::unique_ptr<detail::LongUsageEvent>& given) noexcept : event{given} {}
      void add(std::string_view name, std::string_view part) override {
        if (!event) event = std::make_unique<detail::LongUsageEvent>();
        event->add(name, part);
      }
    } in_parts{long_};
    while (sse_.next(piece, &in_parts)) {
      if (sse_.in_parts())
        read_long_event(sse_.event());
      else
        read_event(sse_.event(), sse_.data());
    }
    return;
  }
  if (complete_) return;
  if (!json_) json_ = std::make_unique<detail::AnswerScan>(operation_ == Operation::responses);
  json_->feed(piece);
  complete_ = json_->complete();
  keep_id(json_->id());
  const auto found = json_->take_usage();
  if (found.empty()) return;
  reported_ = {};  // as other parsers do with a key that stands twice: the last one counts
  read_usage(found);
}

CREDPOOL_INLINE void UsageTap::read_whole(std::string_view body) {
  const bool may_be_short = !stream_ && operation_ != Operation::responses;  // whose id is wanted
  if (!may_be_short || !read_usage_at_end(body)) feed(body);
}

/// @return false when it is to be looked for from the beginning
CREDPOOL_INLINE bool UsageTap::read_usage_at_end(std::string_view body) {
  const auto end = body.find_last_not_of(" \t\r\n") + 1;  // npos + 1 is 0
  body = body.substr(0, end);
  // In a string it would stand behind a backslash: its own quote has one.
  const auto at = detail::usage_find_last(body);
  if (at == body.npos || at == 0 || body[at - 1] == '\\') return false;
  detail::JsonReader reader{body.substr(at)};
  detail::UsageReader usage{reader};
  std::size_t usage_ends = 0;
  const bool is_member_of_answer = reader.members([&](std::string_view) {
    if (usage_ends != 0) return reader.value(1);
    if (!usage.read()) return false;
    usage_ends = reader.offset();
    return true;
  });
  if (!is_member_of_answer || !reader.at_end() || usage_ends > detail::AnswerScan::max_kept)
    return false;
  complete_ = true;
  usage.apply(reported_);
  return true;
}

CREDPOOL_INLINE bool UsageTap::may_be_in_error() const noexcept {
  return !long_ || long_->is_error || long_->scan.in_error() || !long_->scan.error().empty();
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
  read_scan(scan, event, data);
}

CREDPOOL_INLINE void UsageTap::read_long_event(std::string_view event) {
  ++events_;
  complete_ = complete_ || detail::usage_is_last(event);
  if (const auto read = std::exchange(long_, nullptr))  // none: its data was empty
    read_scan(read->scan, event, read->beginning);
}

/// @param data of an error, or its beginning
CREDPOOL_INLINE void UsageTap::read_scan(detail::AnswerScan& scan, std::string_view event,
                                         std::string_view data) {
  const bool is_error = event == "error" || scan.type() == "\"error\"";
  const auto usage = scan.take_usage();
  // Of what has another name only these are looked at.
  if (!is_error && !event.empty() && event != "response.created" && usage.empty() &&
      scan.error().empty())
    return;
  if (is_error) keep_error(std::string{data});
  read_usage(usage);
  keep_id(scan.id());
  auto type = std::string_view{scan.type()};
  if (type.size() >= 2) type = type.substr(1, type.size() - 2);
  complete_ = complete_ || detail::usage_is_last(type);
  // The event may hold the whole answer: its error is what says something.
  const bool has_error = scan.error().starts_with('{') || scan.error().starts_with('"');
  if (has_error) keep_error("{\"error\":" + scan.error() + '}');
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
  detail::JsonReader reader{text};
  detail::UsageReader usage{reader};
  reader.skip_blanks();
  const bool is_sound = usage.read();
  reader.skip_blanks();
  if (is_sound && reader.at_end())
    usage.apply(reported_);
  else
    reported_.malformed = true;
}

CREDPOOL_INLINE TokenUsage UsageTap::usage() const {
  auto usage = reported_;
  if (operation_ == Operation::messages && usage.input)
    *usage.input += usage.cached_input.value_or(0) + usage.cache_write_input.value_or(0);
  return usage;
}

}  // namespace credpool::inline CREDPOOL_ABI
