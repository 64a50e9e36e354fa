// SPDX-License-Identifier: MIT
#include "values.hpp"

#include "fault.hpp"

#include <credpool/account/money.hpp>
#include <credpool/core/iso8601.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace openclaw_token {

namespace cp = credpool;

namespace {

cp::Unexpected refuse(std::string_view option, std::string_view wanted) {
  return mistake("Invalid input: " + std::string{option} + " must be " + std::string{wanted} + ".");
}

const Json* find(const Json& object, const char* member) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(member);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

bool is_email(std::string_view text) noexcept {
  const auto at = text.find('@');
  if (at == 0 || at == std::string_view::npos || text.size() > 254) return false;
  const auto host = text.substr(at + 1);
  const auto dot = host.find('.');
  return host.find('@') == std::string_view::npos && dot != 0 && dot != std::string_view::npos &&
         !host.ends_with('.') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string_view key_name_fault(std::string_view name) noexcept {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  };
  if (name.empty() || name.size() > 100) return "a key's name has 1 to 100 characters";
  if (!std::all_of(name.begin(), name.end(), allowed))
    return "a key's name has only letters, digits, _ and -";
  return {};
}

cp::Result<std::optional<Json>> amount_option(const Arguments& arguments, std::string_view option,
                                              std::int64_t least, std::int64_t most, bool or_none) {
  const auto text = arguments.value(option);
  if (!text) return std::optional<Json>{};
  if (or_none && *text == "none") return std::optional<Json>{Json(nullptr)};
  const auto amount = cp::parse_money(*text);
  if (!amount || *amount < cp::Money::dollars(least) || *amount > cp::Money::dollars(most))
    return refuse(option, "a plain amount of USD from " + std::to_string(least) + " to " +
                              std::to_string(most) + ", such as 12.50" +
                              (or_none ? ", or none" : ""));
  return std::optional<Json>{Json::parse(cp::money_number(*amount))};
}

cp::Result<std::optional<Json>> period_option(const Arguments& arguments, std::string_view option) {
  const auto text = arguments.value(option);
  if (!text) return std::optional<Json>{};
  if (*text == "none") return std::optional<Json>{Json(nullptr)};
  if (*text != "daily" && *text != "weekly" && *text != "monthly")
    return refuse(option, "daily, weekly, monthly or none");
  return std::optional<Json>{Json(*text)};
}

cp::Result<std::uint64_t> count_option(const Arguments& arguments, std::string_view option,
                                       std::uint64_t otherwise, std::uint64_t least,
                                       std::uint64_t most) {
  const auto text = arguments.value(option);
  if (!text) return otherwise;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size() || number < least || number > most)
    return refuse(option,
                  "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return number;
}

cp::Result<std::optional<Json>> expiry_option(const Arguments& arguments, std::string_view option,
                                              cp::TimePoint now) {
  const auto text = arguments.value(option);
  if (!text) return std::optional<Json>{};
  constexpr std::size_t date_length = 10;  // "2026-12-31"
  const auto when = cp::parse_iso8601(text->size() == date_length ? *text + "T00:00:00Z" : *text);
  if (!when) return refuse(option, "a date such as 2026-12-31 or an ISO 8601 time with its zone");
  if (*when <= now) return refuse(option, "in the future");
  return std::optional<Json>{Json(timestamp_of(*when))};
}

std::string dollars(const Json& object, const char* member) {
  const auto* value = find(object, member);
  if (value == nullptr || !value->is_number()) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "$%.2f", value->get<double>());
  return text;
}

std::string shown(const Json& object, const char* member, std::string_view otherwise) {
  const auto* value = find(object, member);
  if (value == nullptr) return std::string{otherwise};
  if (value->is_string()) return value->get<std::string>();
  if (value->is_boolean()) return value->get<bool>() ? "Yes" : "No";
  return value->dump();
}

bool is_true(const Json& object, const char* member) {
  const auto* value = find(object, member);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

double number_of(const Json& object, const char* member) {
  const auto* value = find(object, member);
  return value != nullptr && value->is_number() ? value->get<double>() : 0;
}

}  // namespace openclaw_token
