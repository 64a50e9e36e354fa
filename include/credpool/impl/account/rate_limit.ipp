#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/rate_limit.hpp>

#include <credpool/core/hash.hpp>

#include <algorithm>
#include <array>

#include <arpa/inet.h>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::optional<Duration> RateLimiter::take(std::string_view caller, TimePoint now) {
  if (limit_.burst == 0) return std::nullopt;
  const std::lock_guard lock{mutex_};
  auto& full_at = full_at_.at(caller);
  const auto whole = limit_.every * limit_.burst;
  // A clock that was set back must not lock anybody out.
  const auto begin = std::clamp(full_at, now, now + whole);
  if (const auto after = begin + limit_.every; after > now + whole) {
    full_at = begin;
    return after - (now + whole);
  }
  full_at = begin + limit_.every;
  return std::nullopt;
}

CREDPOOL_INLINE std::optional<Duration> FailureBackoff::attempt(std::string_view caller,
                                                                TimePoint now) {
  const std::lock_guard lock{mutex_};
  auto& record = callers_.at(caller);
  if (record.until > now) return std::min(record.until - now, rule_.longest);
  if (record.failures > 0 && now > record.last) {
    const auto forgiven = (now - record.last) / rule_.longest;
    record.failures -= static_cast<std::uint32_t>(
        std::min<std::int64_t>(forgiven, static_cast<std::int64_t>(record.failures)));
  }
  record.last = now;
  if (++record.failures <= rule_.free_failures) return std::nullopt;
  const auto doublings = std::min<std::uint32_t>(record.failures - rule_.free_failures - 1, 20);
  record.until = now + std::min(rule_.first * (std::int64_t{1} << doublings), rule_.longest);
  return std::nullopt;
}

CREDPOOL_INLINE void FailureBackoff::succeeded(std::string_view caller) {
  const std::lock_guard lock{mutex_};
  callers_.erase(caller);
}

CREDPOOL_INLINE void FailureBackoff::take_back(std::string_view caller) {
  const std::lock_guard lock{mutex_};
  auto* record = callers_.find(caller);
  if (record == nullptr || record->failures == 0) return;
  if (--record->failures <= rule_.free_failures) record->until = {};
}

CREDPOOL_INLINE std::string counted_peer(std::string_view address) {
  const std::string text{address.substr(0, 64)};
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  const std::string_view whole{bytes.data(), bytes.size()};
  // An IPv4 address in IPv6 clothes (RFC 4291, section 2.5.5.2) is one host.
  constexpr std::string_view mapped{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};
  return to_hex(whole.starts_with(mapped) ? whole : whole.substr(0, 8));
}

}  // namespace credpool::inline CREDPOOL_ABI
