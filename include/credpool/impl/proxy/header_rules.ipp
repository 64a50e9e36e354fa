#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/header_rules.hpp>

#include <credpool/impl/core/byte_scan.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Of each character whether it may stand in a name.
inline constexpr std::array<bool, 256> header_name_holds = [] {
  std::array<bool, 256> holds{};
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
    holds[static_cast<unsigned char>(c)] = true;
  return holds;
}();

/// Whether a name of four characters or more has letters, digits and hyphens only, as nearly all
/// do.
inline bool header_name_is_usual(std::string_view name) noexcept {
#if defined(__SSE2__)
  const auto usual = [](__m128i bytes) {
    const auto within = [](__m128i all, char first, char last) {
      return _mm_and_si128(_mm_cmpgt_epi8(all, _mm_set1_epi8(static_cast<char>(first - 1))),
                           _mm_cmplt_epi8(all, _mm_set1_epi8(static_cast<char>(last + 1))));
    };
    const auto letters = within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const auto others =
        _mm_or_si128(within(bytes, '0', '9'), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    return _mm_movemask_epi8(_mm_or_si128(letters, others)) == 0xffff;
  };
  const auto* const at = name.data();
  const auto size = name.size();
  // The last bytes once more with some before them.
  const auto both = [&](auto part) {
    auto last = part;
    std::memcpy(&part, at, sizeof part);
    std::memcpy(&last, at + size - sizeof last, sizeof last);
    const auto pair = static_cast<std::int64_t>(part);
    if constexpr (sizeof part == 8) return _mm_set_epi64x(pair, static_cast<std::int64_t>(last));
    return _mm_set1_epi64x(pair << 32 | static_cast<std::int64_t>(last));
  };
  if (size < 4) return false;
  if (size < 8) return usual(both(std::uint32_t{}));
  if (size < 16) return usual(both(std::uint64_t{}));
  const auto block = [at](std::size_t from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + from));
  };
  for (std::size_t from = 0; from + 16 <= size; from += 16)
    if (!usual(block(from))) return false;
  return usual(block(size - 16));
#else
  (void)name;
  return false;
#endif
}

/// Names, found whatever their case: their length and three of their letters tell which one of them
/// a name can be.
template <std::size_t count> class HeaderNames {
 public:
  consteval explicit HeaderNames(const std::array<std::string_view, count>& names) {
    while (!fits(names)) ++factor_;
  }
  bool contains(std::string_view name) const noexcept {
    return !name.empty() && same_header_name(name, slots_[slot(name)]);
  }

 private:
  static constexpr std::size_t most = std::bit_ceil(4 * count);

  constexpr std::size_t slot(std::string_view name) const noexcept {
    const auto letter = [name](std::size_t at) {
      return static_cast<std::uint32_t>(name[at] | 0x20);
    };
    const auto mix = static_cast<std::uint32_t>(name.size()) | letter(0) << 8 |
                     letter(name.size() / 2) << 16 | letter(name.size() - 1) << 24;
    return mix * factor_ >> (32 - std::countr_zero(most));
  }
  constexpr bool fits(const std::array<std::string_view, count>& names) {
    slots_.fill({});
    for (const auto name : names)
      if (auto& place = slots_[slot(name)]; place.empty())
        place = name;
      else
        return false;
    return true;
  }

  std::uint32_t factor_ = 0x9e3779b1;
  std::array<std::string_view, most> slots_ = {};  ///< empty: none of them
};
template <std::size_t count>
HeaderNames(const std::array<std::string_view, count>&) -> HeaderNames<count>;

/// What a caller's request may carry on, besides the prefixes.
inline constexpr HeaderNames header_sent_on{std::array<std::string_view, 5>{
    "accept",
    "content-type",
    "idempotency-key",
    "traceparent",
    "tracestate",
}};

/// What an answer does not carry back: what belongs to one connection, and what is the upstream's
/// business or the account's.
inline constexpr HeaderNames header_kept_back{std::array<std::string_view, 32>{
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
    "x-upstream-request-id",
}};

/// @param prefix in lower case
inline bool header_begins_with(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && (name.front() | 0x20) == prefix.front() &&
         same_header_name(name.substr(0, prefix.size()), prefix);
}

inline bool header_goes_upstream(std::string_view name) noexcept {
  if (header_sent_on.contains(name)) return true;
  if (header_begins_with(name, "openai-"))
    return !same_header_name(name, "openai-organization") &&
           !same_header_name(name, "openai-project");
  return header_begins_with(name, "anthropic-") || header_begins_with(name, "x-stainless-") ||
         header_begins_with(name, "x-dashscope-");
}

inline bool header_goes_back(std::string_view name) noexcept {
  return !header_kept_back.contains(name) && !header_begins_with(name, "x-credpool-");
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
    if (!is_header_name(header.name)) {
      out.clear();
      return fail(Errc::malformed, doing, {}, "a header's name is not one");
    }
    if (!goes_on(header.name) || (nominates && header_is_nominated(headers, header.name))) continue;
    if (!is_header_value(header.value)) {
      out.clear();
      return fail(Errc::malformed, doing, "header " + std::string{header.name},
                  "its value holds a control character");
    }
    out.push_back(header);
  }
  return {};
}

}  // namespace detail

CREDPOOL_INLINE bool is_header_name(std::string_view name) noexcept {
  if (detail::header_name_is_usual(name)) return true;
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return detail::header_name_holds[static_cast<unsigned char>(c)];
  });
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
