#pragma once
// SPDX-License-Identifier: MIT

// How the accounts' interface reads bodies and queries: strictly, with one sentence about the first
// thing that is wrong. Internal.

#include <credpool/account/money.hpp>
#include <credpool/account/purchase.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/form.hpp>
#include <credpool/impl/core/json.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The members of a request's JSON object. Each reader gives none when the member is missing or
/// wrong; what was wrong first stands in fault().
class ApiInput {
 public:
  /// @param text empty counts as an object without members
  explicit ApiInput(std::string_view text) {
    if (text.empty()) return;
    auto json = parse_json(text, {.max_depth = 16});
    if (!json)
      fault_ = json.error().errc() == Errc::duplicate_key ? "The request body names a member twice."
                                                          : "The request body is not valid JSON.";
    else if (!json->is_object())
      fault_ = "The request body must be a JSON object.";
    else
      object_ = std::move(*json);
  }

  bool good() const noexcept { return fault_.empty(); }
  const std::string& fault() const noexcept { return fault_; }
  void refuse(std::string_view sentence) {
    if (fault_.empty()) fault_ = sentence;
  }

  bool has(std::string_view name) const { return member(object_, name) != nullptr; }
  bool is_null(std::string_view name) const {
    const auto* value = member(object_, name);
    return value != nullptr && value->is_null();
  }

  /// A text of 1 to `most` bytes that must be there.
  std::string text(std::string_view name, std::size_t most = 256) {
    auto value = optional_text(name, most);
    if (!value) refuse(word(name) + " is required.");
    return value.value_or("");
  }
  std::optional<std::string> optional_text(std::string_view name, std::size_t most = 256) {
    const auto* value = member(object_, name);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (!value->is_string()) {
      refuse(word(name) + " must be a string.");
      return std::nullopt;
    }
    const auto& text = value->get_ref<const std::string&>();
    if (text.empty() || text.size() > most) {
      refuse(word(name) + " must have 1 to " + std::to_string(most) + " bytes.");
      return std::nullopt;
    }
    return text;
  }

  std::optional<bool> optional_flag(std::string_view name) {
    const auto* value = member(object_, name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) {
      refuse(word(name) + " must be true or false.");
      return std::nullopt;
    }
    return value->get<bool>();
  }

  /// A JSON number of dollars from `least` to `most`, a whole count of micro-dollars.
  std::optional<Money> optional_money(std::string_view name, Money least, Money most) {
    const auto* value = member(object_, name);
    if (value == nullptr || value->is_null()) return std::nullopt;
    std::optional<Money> amount;
    if (value->is_number_unsigned()) {
      if (const auto dollars = value->get<std::uint64_t>(); dollars <= 1'000'000'000'000)
        amount = Money::dollars(static_cast<std::int64_t>(dollars));
    } else if (value->is_number_float()) {
      if (const auto read = money_from(value->get<double>())) amount = *read;
    }
    if (!value->is_number()) {
      refuse(word(name) + " must be a number.");
    } else if (amount && *amount > most) {
      refuse(word(name) + " must be at most " + money_number(most) + ".");
    } else if (amount && *amount >= least) {
      return amount;
    } else if (!amount && value->get<double>() > static_cast<double>(most.micros) / 1e6) {
      refuse(word(name) + " must be at most " + money_number(most) + ".");
    } else if (amount || value->get<double>() < static_cast<double>(least.micros) / 1e6) {
      refuse(word(name) + " must be at least " + money_number(least) + ".");
    } else {
      refuse(word(name) + " must have at most six decimals.");
    }
    return std::nullopt;
  }

  /// An amount that is paid: from 5 to 10,000 dollars, whole cents.
  std::optional<Money> optional_payment(std::string_view name) {
    const auto amount = optional_money(name, least_purchase, most_purchase);
    if (!amount || is_whole_cents(*amount)) return amount;
    refuse(word(name) + " must have at most two decimals.");
    return std::nullopt;
  }

  /// An ISO 8601 time, or a day ("2026-11-21": its beginning in UTC).
  std::optional<TimePoint> optional_time(std::string_view name) {
    const auto text = optional_text(name, 64);
    if (!text) return std::nullopt;
    auto when = parse_iso8601(text->size() == 10 ? *text + "T00:00:00Z" : *text);
    if (!when) refuse(word(name) + " must be an ISO 8601 date and time.");
    return when;
  }

 private:
  /// The member's name as a sentence begins with it.
  static std::string word(std::string_view name) {
    std::string text{name};
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
      text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return text;
  }

  Json object_ = Json::object();
  std::string fault_;
};

/// The parameters of a request's query.
class ApiQuery {
 public:
  explicit ApiQuery(std::string_view query) : query_{query} {}

  bool good() const noexcept { return fault_.empty(); }
  const std::string& fault() const noexcept { return fault_; }

  bool has(std::string_view name) const {
    for (auto rest = query_; !rest.empty();) {
      const auto pair = rest.substr(0, std::min(rest.find('&'), rest.size()));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      if (pair.substr(0, std::min(pair.find('='), pair.size())) == name) return true;
    }
    return false;
  }

  std::string text(std::string_view name) {
    if (!has(name)) return {};
    const auto value = query_parameter(query_, name);
    if (!value) refuse(name, " must be given once, as printable ASCII.");
    return value.value_or("");
  }

  /// A whole number from `least`; one over `most` counts as `most`.
  std::uint64_t number(std::string_view name, std::uint64_t usual, std::uint64_t least,
                       std::uint64_t most) {
    if (!has(name)) return usual;
    const auto digits = text(name);
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = !digits.empty() && stop == digits.data() + digits.size();
    if (whole && error == std::errc::result_out_of_range) return most;
    if (!whole || error != std::errc{} || value < least) {
      refuse(name, " must be a whole number of at least " + std::to_string(least) + ".");
      return usual;
    }
    return std::min(value, most);
  }

  bool flag(std::string_view name) {
    if (!has(name)) return false;
    const auto value = text(name);
    if (value != "true" && value != "false" && good()) refuse(name, " must be true or false.");
    return value == "true";
  }

  void refuse(std::string_view name, const std::string& sentence) {
    if (fault_.empty()) fault_ = std::string{name} + sentence;
  }

 private:
  std::string_view query_;
  std::string fault_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
