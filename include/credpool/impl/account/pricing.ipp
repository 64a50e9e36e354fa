#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/pricing.hpp>
#include <credpool/impl/account/price_data.hpp>
#include <credpool/impl/core/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// Larger numbers of tokens, and of dollars for a million of them, are a mistake; below, nothing
/// that is computed here overflows.
inline constexpr std::uint64_t most_tokens = 1'000'000'000'000;
inline constexpr Money most_rate = Money::dollars(100'000);

/// Sums up parts of a cost without losing a fraction.
class CostSum {
 public:
  void add(std::uint64_t tokens, Money rate) {
    const auto micros = static_cast<std::uint64_t>(rate.micros);
    whole_ += tokens / million * micros;
    rest_ += tokens % million * micros;
  }
  Money rounded_up() const {
    return Money{static_cast<std::int64_t>(whole_ + (rest_ + million - 1) / million)};
  }

 private:
  static constexpr std::uint64_t million = 1'000'000;
  std::uint64_t whole_ = 0;
  std::uint64_t rest_ = 0;
};

/// Reads one file of prices; the first thing that does not fit is the error.
class PriceReader {
 public:
  Result<void> rates(const Json& from, TokenRates& rates) {
    rates.input = rate(from, "input", Money{});
    rates.cached_input = rate(from, "cached_input", rates.input);
    rates.cache_write = rate(from, "cache_write", rates.input);
    rates.output = rate(from, "output", Money{});
    if (member(from, "input") == nullptr) wrong("\"input\" is missing");
    return end();
  }

  Result<ModelPrice> price(const std::string& name, const Json& from) {
    place_ = json_key_name(name);
    ModelPrice price;
    price.model = name;
    if (!from.is_object()) wrong("it must be an object");
    if (name.size() > 256) wrong("the name is too long");
    if (auto read = rates(from, price.rates); !read) return fail(read.error());
    price.context_tokens = tokens(from, "context_tokens");
    price.max_output_tokens = tokens(from, "max_output_tokens");
    if (price.context_tokens == 0) wrong("\"context_tokens\" must be there and not 0");
    if ((member(from, "output") == nullptr) != (price.max_output_tokens == 0))
      wrong("\"output\" and \"max_output_tokens\" go together");
    if (const auto* above = member(from, "long")) {
      price.long_above = tokens(*above, "above");
      if (price.long_above == 0) wrong("\"above\" must be there and not 0");
      if (auto read = rates(*above, price.long_rates); !read) return fail(read.error());
    }
    if (auto read = end(); !read) return fail(read.error());
    return price;
  }

 private:
  void wrong(std::string why) {
    if (!failure_) failure_ = fail(Errc::malformed, "reading prices", place_, std::move(why)).error;
  }
  Result<void> end() const {
    if (failure_) return fail(*failure_);
    return {};
  }
  Money rate(const Json& from, const char* name, Money missing) {
    const auto* value = member(from, name);
    if (value == nullptr) return missing;
    const auto amount = value->is_number() ? money_from(value->get<double>()) : Result<Money>{};
    if (!value->is_number() || !amount || *amount > most_rate)
      wrong("\"" + std::string{name} + "\" must be dollars for a million tokens");
    return amount ? *amount : Money{};
  }
  std::uint64_t tokens(const Json& from, const char* name) {
    const auto* value = member(from, name);
    if (value == nullptr) return 0;
    const auto count = value->is_number_unsigned() ? value->get<std::uint64_t>() : most_tokens + 1;
    if (count > most_tokens) wrong("\"" + std::string{name} + "\" must be a number of tokens");
    return count;
  }

  std::string place_;
  std::optional<Error> failure_;
};

inline Money highest_input(const TokenRates& rates) noexcept {
  return std::max({rates.input, rates.cached_input, rates.cache_write});
}

inline Unexpected absurd_usage(const ModelPrice& price, const char* why) {
  return fail(Errc::malformed, "pricing a request", price.model, why);
}

}  // namespace detail

CREDPOOL_INLINE PriceTable PriceTable::built_in() {
  auto table = parse(detail::built_in_prices);
  if (!table) throw std::logic_error{table.error().message()};
  return *std::move(table);
}

CREDPOOL_INLINE Result<PriceTable> PriceTable::parse(std::string_view text) {
  const std::string doing = "reading prices";
  if (text.size() > 1024 * 1024) return fail(Errc::malformed, doing, {}, "it is longer than 1 MiB");
  const auto document = detail::parse_json(text);
  if (!document) return fail(document.error());
  PriceTable table;
  table.date_ = detail::text_or_empty(*document, "date");
  table.source_ = detail::text_or_empty(*document, "source");
  if (table.date_.empty() || table.source_.empty())
    return fail(Errc::malformed, doing, {}, "\"date\" and \"source\" must be there");
  const auto* models = detail::member(*document, "models");
  if (models == nullptr || !models->is_object())
    return fail(Errc::malformed, doing, {}, "\"models\" must be an object");
  for (const auto& [name, value] : models->items()) {
    auto price = detail::PriceReader{}.price(name, value);
    if (!price) return fail(price.error());
    table.models_.push_back(*std::move(price));
  }
  std::ranges::sort(table.models_, {}, &ModelPrice::model);
  if (const auto* unknown = detail::member(*document, "unknown"); unknown && !unknown->is_null()) {
    auto price = detail::PriceReader{}.price("unknown", *unknown);
    if (!price) return fail(price.error());
    table.unknown_ = *std::move(price);
  }
  return table;
}

CREDPOOL_INLINE const ModelPrice* PriceTable::find_family(std::string_view model) const noexcept {
  // From the longest possible family to the shortest: each is the name up to a separator.
  for (auto end = model.size(); end != 0 && end != std::string_view::npos;
       end = model.find_last_of("-:@", end - 1)) {
    const auto family = model.substr(0, end);
    const auto found = std::ranges::lower_bound(models_, family, {}, &ModelPrice::model);
    if (found != models_.end() && found->model == family) return &*found;
  }
  return nullptr;
}

CREDPOOL_INLINE const ModelPrice* PriceTable::find(std::string_view model) const noexcept {
  if (const auto* found = find_family(model)) return found;
  if (const auto slash = model.rfind('/'); slash != std::string_view::npos)
    if (const auto* found = find_family(model.substr(slash + 1))) return found;
  return unknown_ ? &*unknown_ : nullptr;
}

CREDPOOL_INLINE PriceTable PriceTable::without_default() const {
  auto table = *this;
  table.unknown_.reset();
  return table;
}

CREDPOOL_INLINE Result<Money> cost_of(const ModelPrice& price, const BilledTokens& tokens,
                                      std::uint64_t answers) {
  if (tokens.input > price.context_tokens)
    return detail::absurd_usage(price, "more input tokens than the model can read");
  if (answers == 0 || tokens.output / answers > price.max_output_tokens)
    return detail::absurd_usage(price, "more output tokens than the model can write");
  if (tokens.cached_input > tokens.input ||
      tokens.cache_write_input > tokens.input - tokens.cached_input ||
      tokens.reasoning > tokens.output)
    return detail::absurd_usage(price, "a part of the tokens is larger than the whole");
  if (tokens.output > detail::most_tokens)
    return detail::absurd_usage(price, "more output tokens than anybody can write");
  const auto& rates =
      price.long_above != 0 && tokens.input > price.long_above ? price.long_rates : price.rates;
  detail::CostSum sum;
  sum.add(tokens.input - tokens.cached_input - tokens.cache_write_input, rates.input);
  sum.add(tokens.cached_input, rates.cached_input);
  sum.add(tokens.cache_write_input, rates.cache_write);
  sum.add(tokens.output, rates.output);
  return sum.rounded_up();
}

CREDPOOL_INLINE Result<Money> most_cost_of(const ModelPrice& price, const RequestSize& size) {
  auto input = price.context_tokens;
  if (!size.unbounded_input && size.prompt_bytes < input)
    input = std::min(input, size.prompt_bytes + (size.generates ? hidden_prompt_tokens : 0));
  std::uint64_t output = 0;
  if (size.generates && price.max_output_tokens != 0) {
    output =
        std::min(size.max_output_tokens.value_or(price.max_output_tokens), price.max_output_tokens);
    if (size.answers == 0 || size.answers > detail::most_tokens / price.max_output_tokens)
      return fail(Errc::invalid_argument, "pricing a request", "n",
                  "so many answers cannot be asked for");
    output *= size.answers;
  }
  auto in = detail::highest_input(price.rates);
  auto out = price.rates.output;
  if (price.long_above != 0 && input > price.long_above) {
    in = std::max(in, detail::highest_input(price.long_rates));
    out = std::max(out, price.long_rates.output);
  }
  detail::CostSum sum;
  sum.add(input, in);
  sum.add(output, out);
  return sum.rounded_up();
}

}  // namespace credpool::inline CREDPOOL_ABI
