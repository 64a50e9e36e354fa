#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/operation.hpp>
#include <credpool/proxy/sse.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {
class AnswerScan;
class LongUsageEvent;
}

/// Tokens that a service says it has counted. None: it did not say.
///
/// In every dialect `input` is the whole prompt: Anthropic counts apart what it read from and wrote
/// to its cache, and both are added here; OpenAI's number holds them already.
struct TokenUsage {
  std::optional<std::uint64_t> input;
  std::optional<std::uint64_t> cached_input;       ///< of these, read from a cache
  std::optional<std::uint64_t> cache_write_input;  ///< of these, written to a cache
  std::optional<std::uint64_t> output;
  std::optional<std::uint64_t> reasoning;  ///< of the output, thought and not said
  std::optional<std::uint64_t> total;      ///< as reported, not computed
  /// A number was negative, broken, over 2^53 or none at all: it counts as not said.
  bool malformed = false;

  friend bool operator==(const TokenUsage&, const TokenUsage&) = default;
};

/// Watches the body of a 2xx answer go by, in pieces of any size, and reads what was used. The
/// bytes themselves are the caller's to pass on; nothing is ever changed in them.
///
/// Of a JSON answer only the object `usage` is kept (8 KiB at most). Of a stream only the events
/// that may matter are looked into. One that comes in several pieces is kept up to half a KiB; of
/// more, only what is looked for.
///
/// A later number replaces an earlier one, a later zero does not: some services report the prompt
/// at the beginning and zero at the end, others the other way round.
///
/// @thread_safety caller serialises
class UsageTap {
 public:
  /// @param stream whether the answer is a stream of server-sent events (its Content-Type says so)
  UsageTap(Operation operation, bool stream);
  UsageTap(UsageTap&&) noexcept;
  UsageTap& operator=(UsageTap&&) noexcept;
  ~UsageTap();

  /// Reads the next piece of the body.
  void feed(std::string_view piece);

  /// Reads a body that is there whole, before anything else was read. Of a JSON answer, whose usage
  /// stands at its end as a rule, little more than that is looked at; it is taken to be valid JSON.
  void read_whole(std::string_view body);

  /// What has been reported up to now.
  TokenUsage usage() const;

  /// Whether the answer is complete: a stream by its last event ("[DONE]", message_stop,
  /// response.completed, .failed or .incomplete), a JSON answer by its closing bracket.
  bool complete() const noexcept { return complete_; }

  /// The first error that came inside a stream, as JSON in the service's own shape, 16 KiB at most:
  /// what a Response with that body would say to classify_answer(). Empty: none came.
  const std::string& stream_error() const noexcept { return error_; }

  /// Whether the event of a stream that has begun, and has not ended, may be an error. Of a long
  /// one its name or its beginning tells.
  bool may_be_in_error() const noexcept;

  /// The `id` of an answer of the Responses API, by which a later request may refer to it; empty:
  /// none yet, or one that is longer than 256 bytes.
  const std::string& response_id() const noexcept { return response_id_; }

  /// How many events with data a stream has had, "[DONE]" aside.
  std::uint64_t events() const noexcept { return events_; }

  /// Whether an event of our own may follow; always false for a JSON answer.
  bool at_event_boundary() const noexcept { return stream_ && sse_.at_boundary(); }

 private:
  bool read_usage_at_end(std::string_view body);
  void read_event(std::string_view event, std::string_view data);
  void read_long_event(std::string_view event);
  void read_scan(detail::AnswerScan& scan, std::string_view event, std::string_view data);
  void read_usage(std::string_view text);
  void keep_error(std::string error);
  void keep_id(std::string_view quoted);

  Operation operation_;
  bool stream_;
  bool complete_ = false;
  SseReader sse_;
  std::unique_ptr<detail::AnswerScan> json_;      ///< of a JSON answer
  std::unique_ptr<detail::LongUsageEvent> long_;  ///< of a stream that has had one
  TokenUsage reported_;                           ///< as the fields are called
  std::string error_;
  std::string response_id_;
  std::uint64_t events_ = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/usage.ipp>
#endif
