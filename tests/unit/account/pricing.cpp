// SPDX-License-Identifier: MIT
#include <credpool/account/pricing.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <random>

namespace cp = credpool;

namespace {

constexpr auto most = std::numeric_limits<std::uint64_t>::max();

cp::PriceTable table(const std::string& models, const std::string& unknown = "null") {
  const auto read = cp::PriceTable::parse(R"({"date":"2026-01-01","source":"x","models":{)" +
                                          models + R"(},"unknown":)" + unknown + "}");
  REQUIRE(read);
  return *read;
}

std::int64_t cost(const cp::PriceTable& prices, std::string_view model, cp::BilledTokens tokens) {
  const auto* price = prices.find(model);
  REQUIRE(price != nullptr);
  const auto amount = cp::cost_of(*price, tokens);
  REQUIRE(amount);
  return amount->micros;
}

}  // namespace

TEST_CASE("account/pricing: the built-in table has a date and a source, and the known prices") {
  const auto prices = cp::PriceTable::built_in();
  CHECK(prices.date().size() == 10);
  CHECK(prices.source().find("https://") == 0);
  CHECK(prices.models().size() > 30);
  const auto million = [&](std::string_view model, std::uint64_t input, std::uint64_t output) {
    // In parts that fit the smallest context.
    return cost(prices, model, {1000, 0, 0, 0, 0}) == static_cast<std::int64_t>(input) / 1000 &&
           cost(prices, model, {0, 0, 0, 1000, 0}) == static_cast<std::int64_t>(output) / 1000;
  };
  CHECK(million("gpt-4o", 2'500'000, 10'000'000));
  CHECK(million("gpt-4o-mini", 150'000, 600'000));
  CHECK(million("gpt-4-turbo", 10'000'000, 30'000'000));
  CHECK(million("gpt-3.5-turbo", 500'000, 1'500'000));
  CHECK(million("claude-sonnet-4-5", 3'000'000, 15'000'000));
  CHECK(million("claude-haiku-3-5", 800'000, 4'000'000));
  CHECK(million("anything", 5'000'000, 15'000'000));
  CHECK(prices.without_default().find("anything") == nullptr);
  for (const auto& price : prices.models()) {
    INFO(price.model);
    CHECK(price.rates.cached_input <= price.rates.input);
    CHECK(price.context_tokens >= price.max_output_tokens);
    CHECK(price.long_above < price.context_tokens);
  }
}

TEST_CASE("account/pricing: a model is found by its name, its longest family, its last part") {
  const auto prices =
      table(R"("a":{"input":1,"context_tokens":9},"a-b":{"input":2,"context_tokens":9},
    "a-b-c":{"input":3,"context_tokens":9},"v/a":{"input":4,"context_tokens":9})");
  const auto found = [&](std::string_view model) {
    const auto* price = prices.find(model);
    return price == nullptr ? std::string{} : price->model;
  };
  CHECK(found("a") == "a");
  CHECK(found("a-x") == "a");
  CHECK(found("a-b") == "a-b");
  CHECK(found("a-b-2026-01-01") == "a-b");
  CHECK(found("a-b-c:free") == "a-b-c");
  CHECK(found("a@2026") == "a");
  CHECK(found("v/a-x") == "v/a");
  CHECK(found("w/x/a-b-x") == "a-b");
  for (const auto* none : {"", "-", "ab", "a.1", "b-a", "A", "-a", "/", "a/", "/-"})
    CHECK(found(none).empty());
}

TEST_CASE("account/pricing: cached, written and reasoning tokens, rounded up once") {
  const auto prices = table(
      R"("m":{"input":2.5,"cached_input":1.25,"cache_write":3.75,"output":10,"context_tokens":1000,
      "max_output_tokens":100},"tiny":{"input":0.15,"output":0.6,"context_tokens":1000,
      "max_output_tokens":100},"free":{"input":0,"context_tokens":10},
      "long":{"input":1,"output":2,"context_tokens":1000,"max_output_tokens":100,
      "long":{"above":500,"input":2,"output":3}})");
  CHECK(cost(prices, "m", {400, 0, 0, 0, 0}) == 1000);
  CHECK(cost(prices, "m", {400, 400, 0, 0, 0}) == 500);
  CHECK(cost(prices, "m", {400, 0, 400, 0, 0}) == 1500);
  CHECK(cost(prices, "m", {400, 100, 100, 100, 0}) == 500 + 125 + 375 + 1000);
  CHECK(cost(prices, "m", {0, 0, 0, 100, 100}) == 1000);  // thinking is part of the output
  CHECK(cost(prices, "tiny", {3, 0, 0, 0, 0}) == 1);      // 0.45
  CHECK(cost(prices, "tiny", {1, 0, 0, 1, 0}) == 1);      // 0.75: not each part
  CHECK(cost(prices, "tiny", {20, 0, 0, 0, 0}) == 3);     // exact
  CHECK(cost(prices, "tiny", {}) == 0);
  CHECK(cost(prices, "free", {10, 0, 0, 0, 0}) == 0);
  CHECK(cost(prices, "long", {500, 0, 0, 100, 0}) == 700);
  CHECK(cost(prices, "long", {501, 0, 0, 100, 0}) == 1002 + 300);
}

TEST_CASE("account/pricing: usage that cannot be is refused") {
  const auto prices = table(R"("m":{"input":2,"output":4,"context_tokens":1000,
    "max_output_tokens":100})");
  const auto& price = *prices.find("m");
  for (const cp::BilledTokens& tokens :
       {cp::BilledTokens{1001, 0, 0, 0, 0}, cp::BilledTokens{most, 0, 0, 0, 0},
        cp::BilledTokens{0, 0, 0, 101, 0}, cp::BilledTokens{0, 0, 0, most, 0},
        cp::BilledTokens{10, 11, 0, 0, 0}, cp::BilledTokens{10, 0, 11, 0, 0},
        cp::BilledTokens{10, 6, 5, 0, 0}, cp::BilledTokens{10, most, most, 0, 0},
        cp::BilledTokens{0, 0, 0, 10, 11}}) {
    const auto refused = cp::cost_of(price, tokens);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().errc() == cp::Errc::malformed);
  }
  CHECK(cp::cost_of(price, {0, 0, 0, 200, 0}, 2)->micros == 800);
  CHECK_FALSE(cp::cost_of(price, {0, 0, 0, 202, 0}, 2));
  CHECK_FALSE(cp::cost_of(price, {}, 0));
}

TEST_CASE("account/pricing: the upper bound") {
  const auto prices = table(
      R"("m":{"input":2,"cache_write":3,"output":4,"context_tokens":10000,"max_output_tokens":100},
      "e":{"input":1,"context_tokens":10000})");
  const auto bound = [&](const char* model, cp::RequestSize size) {
    const auto amount = cp::most_cost_of(*prices.find(model), size);
    REQUIRE(amount);
    return amount->micros;
  };
  const auto hidden = static_cast<std::int64_t>(cp::hidden_prompt_tokens);
  CHECK(bound("m", {100, 10, 1, false, true}) == (100 + hidden) * 3 + 40);
  CHECK(bound("m", {100, std::nullopt, 1, false, true}) == (100 + hidden) * 3 + 400);
  CHECK(bound("m", {100, most, 1, false, true}) == (100 + hidden) * 3 + 400);
  CHECK(bound("m", {100, 10, 5, false, true}) == (100 + hidden) * 3 + 200);
  CHECK(bound("m", {100, 10, 1, true, true}) == 30'000 + 40);
  CHECK(bound("m", {9'999, 0, 1, false, true}) == 30'000);
  CHECK(bound("m", {most, 0, 1, false, true}) == 30'000);
  CHECK(bound("e", {100, std::nullopt, 1, false, false}) == 100);
  CHECK(bound("e", {100, 50, 1, false, true}) == 100 + hidden);
  CHECK_FALSE(cp::most_cost_of(*prices.find("m"), {1, 1, most, false, true}));
  CHECK_FALSE(cp::most_cost_of(*prices.find("m"), {1, 1, 0, false, true}));
}

TEST_CASE("account/pricing: no usage that fits a request costs more than its upper bound") {
  const auto prices = cp::PriceTable::built_in();
  std::mt19937_64 random{7};
  const auto below = [&](std::uint64_t end) { return end == 0 ? 0 : random() % (end + 1); };
  for (int i = 0; i < 20'000; ++i) {
    const auto& price = prices.models()[random() % prices.models().size()];
    const cp::RequestSize size{below(random() % 2 == 0 ? 2'000'000 : 2'000),
                               random() % 3 == 0 ? std::nullopt : std::optional{below(200'000)},
                               1 + below(3), random() % 4 == 0, price.max_output_tokens != 0};
    const auto bound = cp::most_cost_of(price, size);
    REQUIRE(bound);
    cp::BilledTokens tokens;
    const auto read =
        size.unbounded_input
            ? price.context_tokens
            : std::min(price.context_tokens,
                       size.prompt_bytes + (size.generates ? cp::hidden_prompt_tokens : 0));
    tokens.input = random() % 2 == 0 ? read : below(read);
    tokens.cached_input = below(tokens.input);
    tokens.cache_write_input = below(tokens.input - tokens.cached_input);
    tokens.output = below(std::min(price.max_output_tokens, size.max_output_tokens.value_or(most)) *
                          size.answers);
    const auto cost = cp::cost_of(price, tokens, size.answers);
    REQUIRE(cost);
    CHECK(*cost <= *bound);
  }
}

TEST_CASE("account/pricing: files that are no table of prices") {
  const auto refused = [](const std::string& text) {
    INFO(text);
    const auto read = cp::PriceTable::parse(text);
    REQUIRE_FALSE(read);
    return read.error();
  };
  for (const auto* text :
       {"", "[]", "{}", R"({"date":"x","source":"y"})", R"({"date":"x","source":"y","models":[]})",
        R"({"date":"","source":"y","models":{}})"})
    refused(text);
  const auto model = [](const std::string& members) {
    return R"({"date":"x","source":"y","models":{"m":)" + members + "}}";
  };
  for (const auto* members :
       {"1", "{}", R"({"input":1})", R"({"input":1,"context_tokens":0})",
        R"({"input":-1,"context_tokens":9})", R"({"input":"1","context_tokens":9})",
        R"({"input":1e300,"context_tokens":9})", R"({"input":100001,"context_tokens":9})",
        R"({"input":0.0000001,"context_tokens":9})", R"({"input":1,"context_tokens":-9})",
        R"({"input":1,"context_tokens":1e300})", R"({"input":1,"context_tokens":9,"output":1})",
        R"({"input":1,"context_tokens":9,"max_output_tokens":1})",
        R"({"input":1,"context_tokens":9,"long":{"input":1}})",
        R"({"input":1,"context_tokens":9,"long":{"above":5}})",
        R"({"input":1,"input":2,"context_tokens":9})"}) {
    const auto error = refused(model(members));
    CHECK(error.message().find(members) == std::string::npos);
  }
  CHECK(cp::PriceTable::parse(model(R"({"input":1,"context_tokens":9})")));
  refused(std::string(2'000'000, ' '));
}

TEST_CASE("account/pricing: tokens that nobody counted") {
  CHECK(cp::estimated_tokens(0) == 0);
  CHECK(cp::estimated_tokens(1) == 1);
  CHECK(cp::estimated_tokens(3) == 1);
  CHECK(cp::estimated_tokens(4) == 2);
  CHECK(cp::estimated_tokens(most) == most / 3);
}
