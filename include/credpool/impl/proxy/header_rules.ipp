#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/header_rules.hpp>

#include <credpool/impl/core/byte_scan.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Of each character that may stand in a name its lower case, of each other 0.
inline constexpr std::array<char, 256> header_name_lower = [] {
  std::array<char, 256> lower{};
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"})
    lower[static_cast<unsigned char>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c)
    lower[static_cast<unsigned char>(c)] = static_cast<char>(c - 'A' + 'a');
  return lower;
}();

inline char header_lower(char c) noexcept {
  return header_name_lower[static_cast<unsigned char>(c)];
}

/// A name in lower case, without an allocation; empty when it is longer than any that counts.
class LowerName {
 public:
  explicit LowerName(std::string_view name) noexcept {
    if (name.size() <= text_.size()) size_ = name.size();
    is_name_ = lower_usual_name(name) || is_header_name(name);
  }
  /// As is_header_name() has it.
  bool is_name() const noexcept { return is_name_; }
  std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  /// Where there are only letters, digits and hyphens, which is told: 16 characters at a time.
  bool lower_usual_name(std::string_view name) noexcept {
#if defined(__SSE2__)
    const auto between = [](__m128i bytes, char first, char last) {
      return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(first - 1))),
                           _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(last + 1))));
    };
    text_.fill('-');
    if (size_ != 0) std::memcpy(text_.data(), name.data(), size_);
    int usual = size_ != 0 ? 0xffff : 0;
    for (std::size_t at = 0; at < size_; at += 16) {
      auto* const block = reinterpret_cast<__m128i*>(text_.data() + at);
      const auto bytes = _mm_loadu_si128(block);
      const auto lower =
          _mm_or_si128(bytes, _mm_and_si128(between(bytes, 'A', 'Z'), _mm_set1_epi8('a' - 'A')));
      _mm_storeu_si128(block, lower);
      usual &= _mm_movemask_epi8(
          _mm_or_si128(_mm_cmpeq_epi8(lower, _mm_set1_epi8('-')),
                       _mm_or_si128(between(lower, 'a', 'z'), between(lower, '0', '9'))));
    }
    return usual == 0xffff;
#else
    std::transform(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(size_), text_.begin(),
                   header_lower);
    return false;
#endif
  }

  std::array<char, 48> text_;
  std::size_t size_ = 0;
  bool is_name_ = false;
};

/// What a caller's request may carry on, besides the prefixes.
inline constexpr std::array<std::string_view, 5> header_sent_on{
    "accept", "content-type", "idempotency-key", "traceparent", "tracestate",
};

/// What an answer does not carry back: what belongs to one connection, and what is the upstream's
/// business or the account's.
inline constexpr std::array<std::string_view, 31> header_kept_back{
    "alt-svc",
    "anthropic-organization-id",
    "anthropic-workspace-id",
    "chatgpt-account-id",
    "clear-site-data",
    "connection",
    "content-length",
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-opener-policy",
    "date",
    "expect-ct",
    "keep-alive",
    "nel",
    "openai-organization",
    "openai-project",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "public-key-pins",
    "report-to",
    "reporting-endpoints",
    "server",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
};

/// Where in a sorted list the names of each letter begin: few have to be looked at.
template <std::size_t size>
constexpr std::array<std::uint8_t, 27> header_letters(
    const std::array<std::string_view, size>& names) noexcept {
  std::array<std::uint8_t, 27> begin{};
  for (std::size_t letter = 0; letter < begin.size(); ++letter)
    for (const auto name : names)
      if (name.front() - 'a' < static_cast<int>(letter)) ++begin[letter];
  return begin;
}

template <const auto& names> bool header_stands_in(std::string_view name) noexcept {
  static_assert(std::is_sorted(names.begin(), names.end()));
  static constexpr auto begin = header_letters(names);
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  const auto letter = static_cast<std::size_t>(name.front() - 'a');
  return std::find(names.begin() + begin[letter], names.begin() + begin[letter + 1], name) !=
         names.begin() + begin[letter + 1];
}

inline bool header_begins_with_any(std::string_view name,
                                   std::initializer_list<std::string_view> prefixes) noexcept {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

inline bool header_goes_upstream(std::string_view name) noexcept {
  if (name == "openai-organization" || name == "openai-project") return false;
  return header_stands_in<header_sent_on>(name) ||
         header_begins_with_any(name, {"anthropic-", "openai-", "x-stainless-", "x-dashscope-"});
}

inline bool header_goes_back(std::string_view name) noexcept {
  return !header_stands_in<header_kept_back>(name) && !name.starts_with("x-credpool-") &&
         name != "x-upstream-request-id";
}

/// Whether a Connection header of the message names that header as one of this connection only.
inline bool header_is_nominated(std::span<const HeaderView> headers,
                                std::string_view name) noexcept {
  for (const auto& header : headers) {
    if (!same_header_name(header.name, "connection")) continue;
    auto rest = header.value;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      auto option = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      const auto blank = [](char c) { return c == ' ' || c == '\t'; };
      while (!option.empty() && blank(option.front())) option.remove_prefix(1);
      while (!option.empty() && blank(option.back())) option.remove_suffix(1);
      if (same_header_name(option, name)) return true;
    }
  }
  return false;
}

template <class GoesOn>
Result<void> header_selection(std::span<const HeaderView> headers, std::vector<HeaderView>& out,
                              const char* doing, GoesOn&& goes_on) {
  out.clear();
  bool nominates = false;
  for (const auto& header : headers)
    if (same_header_name(header.name, "connection"))
      nominates |=
          !same_header_name(header.value, "keep-alive") && !same_header_name(header.value, "close");
  for (const auto& header : headers) {
    const LowerName name{header.name};
    if (!name.is_name()) {
      out.clear();
      return fail(Errc::malformed, doing, {}, "a header's name is not one");
    }
    if (!goes_on(name.view()) || (nominates && header_is_nominated(headers, header.name))) continue;
    if (!is_header_value(header.value)) {
      out.clear();
      return fail(Errc::malformed, doing, "header " + std::string{name.view()},
                  "its value holds a control character");
    }
    out.push_back(header);
  }
  return {};
}

}  // namespace detail

CREDPOOL_INLINE bool is_header_name(std::string_view name) noexcept {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return detail::header_lower(c) != 0; });
}

CREDPOOL_INLINE bool is_header_value(std::string_view value) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (blank(value.front()) || blank(value.back()))) return false;
  return !detail::scan_holds<detail::ScanControl>(value.data(), value.data() + value.size());
}

CREDPOOL_INLINE Result<void> select_upstream_headers(std::span<const HeaderView> headers,
                                                     std::vector<HeaderView>& out) {
  return detail::header_selection(headers, out, "reading the request's headers",
                                  detail::header_goes_upstream);
}

CREDPOOL_INLINE Result<void> select_answer_headers(std::span<const HeaderView> headers,
                                                   std::vector<HeaderView>& out) {
  auto selected = detail::header_selection(headers, out, "reading the upstream's headers",
                                           detail::header_goes_back);
  for (auto& header : out)
    if (same_header_name(header.name, "x-request-id")) header.name = "x-upstream-request-id";
  return selected;
}

}  // namespace credpool::inline CREDPOOL_ABI
