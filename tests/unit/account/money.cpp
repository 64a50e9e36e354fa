// SPDX-License-Identifier: MIT
#include <credpool/account/money.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace cp = credpool;

TEST_CASE("account/money: what is read exactly") {
  const auto read = [](std::string_view text) {
    INFO(text);
    const auto amount = cp::parse_money(text);
    REQUIRE(amount);
    return amount->micros;
  };
  CHECK(read("0") == 0);
  CHECK(read("5") == 5'000'000);
  CHECK(read("15.35") == 15'350'000);
  CHECK(read("0.000001") == 1);
  CHECK(read("0.30") == 300'000);
  CHECK(read("0.300000000000") == 300'000);
  CHECK(read("1000000000000") == cp::most_money.micros);
  CHECK(read("999999999999.999999") == cp::most_money.micros - 1);
  CHECK(read("1000000000000.000000") == cp::most_money.micros);
}

TEST_CASE("account/money: what is refused, and why") {
  for (const std::string_view text :
       {"",     " ",        "1e309", "1e3",   "1E3",   "-0.01", "+1",   "NaN",     "nan",
        "inf",  "Infinity", "0x10",  "5,000", "1 000", "1_000", ".5",   "5.",      ".",
        "5..0", "1.2.3",    " 5",    "5 ",    "5\n",   "$5",    "5.0a", "\xd9\xa5"}) {
    INFO(text);
    const auto amount = cp::parse_money(text);
    REQUIRE_FALSE(amount);
    CHECK(amount.error().errc() == cp::Errc::invalid_argument);
    CHECK(amount.error().hint == "it must be a plain number, such as 12.50");
  }
  for (const std::string_view text : {"0.0000001", "0.123456789012", "0.30000000000000004"})
    CHECK(cp::parse_money(text).error().hint == "it has more than six decimals");
  for (const std::string_view text :
       {"1000000000000.000001", "1000000000001", "18446744073709.551616", "9223372036854775808",
        "99999999999999999999999999999999999999999999"})
    CHECK(cp::parse_money(text).error().hint == "it is too large");
  // Neither the text nor a NUL in it is shown or passed over.
  CHECK_FALSE(cp::parse_money(std::string_view{"5\0", 2}));
}

TEST_CASE("account/money: a JSON number is the amount that is written like it") {
  const auto read = [](double number) {
    const auto amount = cp::money_from(number);
    REQUIRE(amount);
    return amount->micros;
  };
  CHECK(read(0) == 0);
  CHECK(read(15.35) == 15'350'000);
  CHECK(read(0.1) == 100'000);
  CHECK(read(0.000001) == 1);
  CHECK(read(1e3) == 1'000'000'000);
  CHECK(read(1e12) == cp::most_money.micros);
  CHECK(read(1234567890.123456) == 1'234'567'890'123'456);
  // The next cents after many: each is one amount.
  for (int cents = 0; cents < 100'000; cents += 7) CHECK(read(cents / 100.0) == cents * 10'000);

  for (const double number :
       {-0.01, -0.0, 0.1 + 0.2, 0.123456789012, 1e-7, 5e-324, 1e13, 1e300,
        std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN(), std::strtod("1e309", nullptr)}) {
    INFO(number);
    const auto amount = cp::money_from(number);
    REQUIRE_FALSE(amount);
    CHECK(amount.error().errc() == cp::Errc::invalid_argument);
  }
}

TEST_CASE("account/money: as a JSON number and for a person") {
  const auto number = [](std::int64_t micros) { return cp::money_number({micros}); };
  CHECK(number(0) == "0");
  CHECK(number(15'350'000) == "15.35");
  CHECK(number(-1) == "-0.000001");
  CHECK(number(10'000'000) == "10");
  CHECK(number(std::numeric_limits<std::int64_t>::min()) == "-9223372036854.775808");
  for (const std::int64_t micros : {0, 1, 10, 999'999, 1'000'000, 123'456'789})
    CHECK(cp::parse_money(number(micros))->micros == micros);

  const auto text = [](std::int64_t micros) { return cp::money_text({micros}); };
  CHECK(text(0) == "$0.00");
  CHECK(text(15'350'000) == "$15.35");
  CHECK(text(-36'750) == "-$0.04");
  CHECK(text(5'000) == "$0.01");
  CHECK(text(4'999) == "$0.00");
  CHECK(text(-4'999) == "$0.00");
  CHECK(text(-5'000) == "-$0.01");
  CHECK(text(999'995'000) == "$1000.00");
  CHECK(text(std::numeric_limits<std::int64_t>::min()) == "-$9223372036854.78");
}
