#pragma once
// SPDX-License-Identifier: MIT

// Parameters of forms and of queries (application/x-www-form-urlencoded). Internal.

#include <credpool/core/encoding.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded.push_back(c);
      continue;
    }
    const auto value = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(digits[value >> 4]);
    encoded.push_back(digits[value & 15]);
  }
  return encoded;
}

using FormParameters = std::vector<std::pair<std::string, std::string>>;

/// "a=1&b=2" (application/x-www-form-urlencoded).
inline std::string form_text(const FormParameters& parameters) {
  std::string form;
  for (const auto& parameter : parameters) {
    if (!form.empty()) form.push_back('&');
    form += percent_encoded(parameter.first);
    form.push_back('=');
    form += percent_encoded(parameter.second);
  }
  return form;
}

/// Decodes one part of a query; none when it is not well-formed or not printable ASCII.
inline std::optional<std::string> query_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      const auto byte = decode_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      c = byte->front();
      i += 2;
    }
    if (c < ' ' || c > '~') return std::nullopt;
    decoded.push_back(c);
  }
  return decoded;
}

/// The value of a parameter; none when it is missing, there twice or not well-formed.
inline std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    if (found) return std::nullopt;
    found = query_decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!found) return std::nullopt;
  }
  return found;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
