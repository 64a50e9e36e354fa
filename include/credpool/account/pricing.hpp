#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/money.hpp>
#include <credpool/core/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What a million tokens cost.
struct TokenRates {
  Money input;
  Money cached_input;  ///< read from the provider's prompt cache
  Money cache_write;   ///< written to it
  Money output;        ///< said and thought
};

/// What a model costs, and how much it can read and write.
struct ModelPrice {
  std::string model;  ///< name of the model, or of a family: the part before a "-", ":" or "@"
  TokenRates rates;
  std::uint64_t context_tokens = 0;     ///< most that it reads; of an embedding: of one request
  std::uint64_t max_output_tokens = 0;  ///< most that one answer has; 0: it writes nothing
  std::uint64_t long_above = 0;  ///< a longer prompt costs long_rates for everything; 0: never
  TokenRates long_rates;
};

/// The tokens of one request, as a provider counts them.
struct BilledTokens {
  std::uint64_t input = 0;              ///< the whole prompt
  std::uint64_t cached_input = 0;       ///< of these, read from a cache
  std::uint64_t cache_write_input = 0;  ///< of these, written to a cache
  std::uint64_t output = 0;
  std::uint64_t reasoning = 0;  ///< of the output, thought and not said
};

/// What is known of a request before it is sent.
struct RequestSize {
  /// Bytes of all that the model has to read, as they stand in the JSON body: no token is shorter
  /// than a byte, and what a provider adds for each message is shorter than the message's JSON.
  std::uint64_t prompt_bytes = 0;
  std::optional<std::uint64_t> max_output_tokens;  ///< as asked for; none: the model's
  std::uint64_t answers = 1;                       ///< "n"
  /// The prompt holds what bytes do not bound: an image, audio or file (inline too: it is
  /// compressed), a URL, an earlier answer by its id. It counts as the model's whole context.
  bool unbounded_input = false;
  bool generates = true;  ///< false for embeddings: nothing is added to the prompt, nothing written
};

/// What a provider may add to a prompt by itself (instructions for tools).
/// @source docs.anthropic.com, "Tool use", table of system prompt tokens: at most 530
inline constexpr std::uint64_t hidden_prompt_tokens = 600;

/// Prices of models, from a data file with a date.
///
/// @thread_safety safe (immutable)
class PriceTable {
 public:
  /// The prices that came with this version.
  static PriceTable built_in();

  /// Reads a file of prices: one JSON object (docs/ledger.md lists its members).
  ///
  /// @param text of 1 MiB at most
  /// @errors malformed, duplicate_key or too_deep, with the place; nothing is quoted
  static Result<PriceTable> parse(std::string_view text);

  const std::string& date() const noexcept { return date_; }      ///< "2025-11-01"
  const std::string& source() const noexcept { return source_; }  ///< where to look them up
  const std::vector<ModelPrice>& models() const noexcept { return models_; }

  /// The price of a model: of its own name, else of the longest family that it belongs to; the
  /// same without what stands before its last "/"; else the price for unknown models.
  /// @return null when there is none: the request must be refused
  const ModelPrice* find(std::string_view model) const noexcept;

  /// The same table without a price for unknown models.
  PriceTable without_default() const;

 private:
  const ModelPrice* find_family(std::string_view model) const noexcept;

  std::string date_, source_;
  std::vector<ModelPrice> models_;  ///< sorted by name
  std::optional<ModelPrice> unknown_;
};

/// What these tokens cost, rounded up to a micro-dollar.
///
/// @param answers how many were asked for
/// @errors malformed for counts that cannot be: parts larger than the whole, or more than the model
///         can read or write; the caller has to count by itself then
Result<Money> cost_of(const ModelPrice& price, const BilledTokens& tokens,
                      std::uint64_t answers = 1);

/// The most that a request can cost.
/// @errors invalid_argument when that is no sensible amount, such as for 2^60 answers
Result<Money> most_cost_of(const ModelPrice& price, const RequestSize& size);

/// Tokens of text that nobody has counted, by its bytes: more rather than fewer.
///
/// Four bytes a token is what providers name for English; other scripts and code have more.
inline constexpr std::uint64_t estimated_tokens(std::uint64_t bytes) noexcept {
  return bytes / 3 + (bytes % 3 != 0 ? 1 : 0);
}

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/pricing.ipp>
#endif
