#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/email.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline bool is_email_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// Parts between dots, none of them empty, each accepted by `good`.
template <class Good> bool email_parts_are(std::string_view text, std::size_t least, Good good) {
  std::size_t parts = 0;
  for (;;) {
    const auto dot = std::min(text.find('.'), text.size());
    const auto part = text.substr(0, dot);
    if (part.empty() || !good(part)) return false;
    ++parts;
    if (dot == text.size()) return parts >= least;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace detail

CREDPOOL_INLINE std::optional<std::string> normal_email(std::string_view text) {
  if (text.size() > 254) return std::nullopt;
  std::string email{text};
  for (auto& c : email)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto at = email.find('@');
  if (at == std::string::npos || at == 0 || at > 64) return std::nullopt;
  const std::string_view local{email.data(), at};
  const auto domain = std::string_view{email}.substr(at + 1);
  const auto atom = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) {
      return detail::is_email_letter_or_digit(c) ||
             std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
    });
  };
  const auto label = [](std::string_view part) {
    return part.size() <= 63 && part.front() != '-' && part.back() != '-' &&
           std::all_of(part.begin(), part.end(),
                       [](char c) { return detail::is_email_letter_or_digit(c) || c == '-'; });
  };
  if (!detail::email_parts_are(local, 1, atom) || !detail::email_parts_are(domain, 2, label))
    return std::nullopt;
  return email;
}

}  // namespace credpool::inline CREDPOOL_ABI
