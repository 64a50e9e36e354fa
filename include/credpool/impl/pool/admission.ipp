#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/admission.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE void on_idle(const Aimd& rule, AimdState& state) noexcept {
  if (state.limit > rule.start) state.threshold = state.limit;
  state.limit = rule.start;
}

CREDPOOL_INLINE void on_success(const Aimd& rule, AimdState& state) noexcept {
  if (state.limit <= 0) on_idle(rule, state);
  const bool slow_start = state.threshold > 0 && state.limit < state.threshold;
  const double step = slow_start ? 1 : 1 / state.limit;
  state.limit = std::min(state.limit + step, rule.most);
}

CREDPOOL_INLINE void on_refusal(const Aimd& rule, AimdState& state) noexcept {
  if (state.limit <= 0) on_idle(rule, state);
  state.limit = std::max(state.limit * rule.decrease, rule.least);
  state.threshold = state.limit;
}

}  // namespace credpool::inline CREDPOOL_ABI
