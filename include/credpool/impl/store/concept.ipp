#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/concept.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(CooldownReason reason) noexcept {
  switch (reason) {
    case CooldownReason::none:
      return "none";
    case CooldownReason::rate_limit:
      return "rate_limit";
    case CooldownReason::quota:
      return "quota";
    case CooldownReason::billing:
      return "billing";
    case CooldownReason::overload:
      return "overload";
  }
  return "unknown";
}

CREDPOOL_INLINE std::optional<CooldownReason> cooldown_reason_from(std::string_view name) noexcept {
  for (const auto reason : {CooldownReason::none, CooldownReason::rate_limit, CooldownReason::quota,
                            CooldownReason::billing, CooldownReason::overload})
    if (to_string(reason) == name) return reason;
  return std::nullopt;
}

CREDPOOL_INLINE double decayed(double use, TimePoint from, TimePoint to,
                               Duration half_life) noexcept {
  if (use <= 0 || to <= from || half_life <= Duration::zero()) return use;
  return use * std::exp2(-std::chrono::duration<double>(to - from) /
                         std::chrono::duration<double>(half_life));
}

namespace detail {

template <class T> bool state_assign(T& stored, const std::optional<T>& wanted) {
  if (!wanted || *wanted == stored) return false;
  stored = *wanted;
  return true;
}

inline bool state_forward(TimePoint& stored, TimePoint wanted) noexcept {
  if (wanted <= stored) return false;
  stored = wanted;
  return true;
}

}  // namespace detail

CREDPOOL_INLINE bool merge(CredentialState& stored, const CredentialDelta& delta,
                           Duration half_life) {
  bool changed = false;
  if (delta.use > 0) {
    const auto at = std::max(stored.use_at, delta.use_at);
    stored.use = decayed(stored.use, stored.use_at, at, half_life) +
                 decayed(delta.use, delta.use_at, at, half_life);
    stored.use_at = at;
    changed = true;
  }
  if (delta.uses > 0) {
    stored.total_uses += delta.uses;
    changed = true;
  }
  if (delta.latency_ms && delta.latency_at >= stored.latency_at) {
    changed |= detail::state_assign(stored.latency_ms, delta.latency_ms);
    changed |= detail::state_forward(stored.latency_at, delta.latency_at);
  }
  changed |= detail::state_forward(stored.last_selected, delta.last_selected);
  changed |= detail::state_forward(stored.last_used, delta.last_used);
  changed |= detail::state_assign(stored.imported, delta.imported);
  changed |= detail::state_assign(stored.disabled, delta.disabled);
  changed |= detail::state_assign(stored.consecutive_failures, delta.consecutive_failures);
  changed |= detail::state_assign(stored.success_streak, delta.success_streak);
  changed |= detail::state_assign(stored.limit, delta.limit);
  changed |= detail::state_assign(stored.rejected_token, delta.rejected_token);
  changed |= detail::state_assign(stored.verified_token, delta.verified_token);
  return changed;
}

CREDPOOL_INLINE bool merge(Cooldown& stored, const Cooldown& newer) {
  if (newer.noted_at < stored.noted_at || newer == stored) return false;
  stored = newer;
  return true;
}

CREDPOOL_INLINE bool merge(Cursor& stored, const Cursor& newer) {
  if (newer.noted_at < stored.noted_at || newer == stored) return false;
  stored = newer;
  return true;
}

}  // namespace credpool::inline CREDPOOL_ABI
