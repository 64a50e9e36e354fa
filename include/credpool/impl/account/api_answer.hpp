#pragma once
// SPDX-License-Identifier: MIT

// How the accounts' interface writes its answers. Internal.

#include <credpool/account/money.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/core/result.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/transport/message.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// "2026-11-21T12:00:00.000Z": always with milliseconds.
inline std::string api_time(TimePoint when) {
  auto text = format_iso8601(when);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

/// A JSON number of dollars, whole ones without a fraction. Up to 2^53 micro-dollars the double is
/// the one nearest to the decimal number, so that it is written as that number.
inline OrderedJson api_money(Money amount) {
  if (amount.micros % 1'000'000 == 0) return amount.micros / 1'000'000;
  return static_cast<double>(amount.micros) / 1e6;
}

template <class T, class Write>
OrderedJson api_optional(const std::optional<T>& value, Write write) {
  return value ? OrderedJson(write(*value)) : OrderedJson(nullptr);
}

inline Response api_json(int status, const OrderedJson& body) {
  return {status, {{"Content-Type", "application/json"}}, dump_json(body)};
}

/// {"data": ...}
inline Response api_data(OrderedJson data, int status = 200) {
  OrderedJson body;
  body["data"] = std::move(data);
  return api_json(status, body);
}

/// {"error": {"code", "message"}}
inline Response api_error(int status, std::string_view code, std::string_view message) {
  return api_json(status, {{"error", {{"code", code}, {"message", message}}}});
}

inline Response api_invalid(std::string_view message) {
  return api_error(400, "INVALID_INPUT", message);
}

/// An error that passes: with the seconds after which another try makes sense.
inline Response api_later(int status, std::string_view code, std::string_view message,
                          Duration wait) {
  auto answer = api_error(status, code, message);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  answer.headers.push_back({"Retry-After", std::to_string(seconds < 1 ? 1 : seconds)});
  return answer;
}

inline Response api_too_many(Duration wait) {
  return api_later(429, "RATE_LIMITED", "Too many requests. Try again later.", wait);
}

/// What a store's error is for the caller: nothing of its text, which names hosts and files.
inline Response api_store_failed(const Error& error) {
  switch (error.errc()) {
    case Errc::malformed:
    case Errc::permission_denied:
    case Errc::invalid_argument:
    case Errc::unsupported:
      return api_error(500, "INTERNAL_ERROR", "The server's records cannot be used.");
    default:
      return api_later(503, "STORE_UNAVAILABLE",
                       "The server cannot reach its records now. Try again.", Duration{1'000});
  }
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
