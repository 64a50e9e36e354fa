#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <cstdint>
#include <variant>

namespace credpool::inline CREDPOOL_ABI {

/// As many leases of one credential at once as there are requests.
struct Unlimited {};

/// The same number for every credential.
struct FixedLimit {
  std::uint32_t leases = 4;  ///< at least 1
};

/// Finds each account's hidden limit, as TCP finds a path's: one more after a round of successes,
/// half after a 429 or overload. A credential that was idle or resting starts low again (slow
/// start) and doubles up to half of what it last lost at.
struct Aimd {
  double start = 2;
  double least = 1;
  double most = 64;
  double decrease = 0.5;                    ///< factor after a refusal
  Duration idle = std::chrono::minutes{5};  ///< without a lease for so long: slow start
};

/// How many leases of one credential may be out at once.
using Admission = std::variant<Unlimited, FixedLimit, Aimd>;

/// What Aimd has learnt about one credential.
struct AimdState {
  double limit = 0;      ///< 0: not started
  double threshold = 0;  ///< slow start ends here; 0: not known
};

/// The steps of Aimd.
void on_idle(const Aimd& rule, AimdState& state) noexcept;     ///< begins (again) with a slow start
void on_success(const Aimd& rule, AimdState& state) noexcept;  ///< a request was served
void on_refusal(const Aimd& rule, AimdState& state) noexcept;  ///< a 429 or overload

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/admission.ipp>
#endif
