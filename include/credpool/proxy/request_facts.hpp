#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What the proxy must know about the body of a request; the body itself goes on as it came.
///
/// A string that serves to keep a session on its credential is kept up to 512 bytes as it stands in
/// the body; a longer one, or another type, counts as not given.
struct RequestFacts {
  std::string model;            ///< decoded; empty when there is none
  std::size_t model_at = 0;     ///< where the model's JSON string begins, with its quote
  std::size_t model_bytes = 0;  ///< its length with both quotes; 0: there is no model

  bool stream = false;
  std::optional<bool> include_usage;  ///< stream_options.include_usage
  bool has_stream_options = false;    ///< whatever is in it
  /// The largest of max_tokens, max_completion_tokens and max_output_tokens.
  std::optional<std::uint64_t> max_output_tokens;
  std::optional<std::uint64_t> n;  ///< how many answers are asked for

  std::string prompt_cache_key;      ///< OpenAI; empty: not given
  std::string user;                  ///< OpenAI; empty: not given
  std::string metadata_user_id;      ///< Anthropic's metadata.user_id; empty: not given
  std::string previous_response_id;  ///< Responses API: kept by the account that gave that answer

  /// A hash of what every later request of this conversation begins with as well: `system` or
  /// `instructions`, and `messages` (or `input`) up to the first one of the user. Of the bytes as
  /// they stand, so a client that writes them differently the next time begins a new conversation.
  /// Of a text beyond 8 KiB only the first and last 4 KiB count, and its length.
  /// None when there is neither `messages` nor `input`.
  std::optional<std::uint64_t> conversation;

  bool prompt_template = false;  ///< Responses API: `prompt` names a text that the provider keeps

  /// Bytes of all that the model has to read: system, instructions, messages, input, prompt, tools.
  std::size_t prompt_bytes = 0;
};

/// Reads the facts out of a JSON body in one pass, without building a document.
///
/// The whole body is checked as strictly as JSON parsers do, so that no other parser reads another
/// document out of it: one object, complete, valid UTF-8, nothing after it. Escapes in keys are
/// honoured. A key that is read here and stands twice is refused, and so is one that differs from
/// it only in case, which some parsers (Go's) take for the same.
///
/// @errors malformed for what is not JSON; too_deep beyond 64 levels; duplicate_key;
/// invalid_argument
///         when it is JSON, but no object, or a value has the wrong type or size. `place` is the
///         byte offset ("byte 12"), `hint` says what is wrong; the body is never quoted
/// @effects none (pure)
Result<RequestFacts> read_request_facts(std::string_view body);
/// The same into facts that stand where they stay.
/// @param facts as a new one is; after an error of no use
Result<void> read_request_facts(std::string_view body, RequestFacts& facts);

/// The body with another model in the place of its own, all other bytes as they were.
///
/// @param facts of that very body, with a model
/// @param model any text; what is not valid UTF-8 in it becomes U+FFFD
std::string with_model(std::string_view body, const RequestFacts& facts, std::string_view model);

/// The body of a chat completion that asks for the usage at the end of its stream, all other bytes
/// as they were.
///
/// @param body read by read_request_facts() without an error, with a model and without
///             stream_options
std::string with_usage_asked_for(std::string_view body);

/// Whether a model may have to read more than the bytes of the body: an earlier answer, images,
/// files and sounds (a small picture can be many tokens). Says yes when in doubt, so also to
/// letters that are written as escapes, which no JSON writer does.
bool may_read_more_than_body(std::string_view body, const RequestFacts& facts) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/request_facts.ipp>
#endif
