#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/candidates.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What a rotation policy may know about a request.
struct PickRequest {
  std::uint64_t session = 0;        ///< a hash of the session's key; 0: no session
  std::uint32_t prompt_tokens = 0;  ///< 0: not known
};

/// What a rotation policy is told when a lease ends.
struct PickOutcome {
  bool ok = false;       ///< the provider served the request
  bool refused = false;  ///< it did not, for a reason that lies with the credential
  std::optional<Duration> first_byte_after;
};

/// Chooses which of the eligible credentials serves the next request.
///
/// `pick` returns the position of an eligible candidate, or none to refuse. It runs under the
/// pool's lock for every request: it must not block, allocate, or throw. Each lane (provider and
/// model) has a copy of the policy of its own. `policy.name` is the name that users write in
/// `rotationStrategy`.
///
/// @see docs/concepts/RotationPolicy.md for the table of valid expressions
template <class P>
concept RotationPolicy = std::copyable<P> &&
    requires(P& policy, const Candidates& candidates, const PickRequest& request, TimePoint now) {
  { policy.name } -> std::convertible_to<std::string_view>;
  { policy.pick(candidates, request, now) }
  noexcept->std::same_as<std::optional<std::size_t>>;
};

/// A policy that gives each candidate a rank. It is asked again whenever the facts of that
/// candidate change, and Candidates::lowest() then answers at once, however many candidates there
/// are.
template <class P>
concept RanksCandidates = RotationPolicy<P> &&
    requires(const P& policy, const Candidates& candidates, std::size_t i) {
  { policy.rank(candidates, i) }
  noexcept->std::same_as<Rank>;
};

/// A policy that wants to know of every selection: its own, and those that a session or a pin made.
/// The facts of the candidate are already those after the selection.
template <class P>
concept HearsSelections = RotationPolicy<P> &&
    requires(P& policy, const Candidates& candidates, std::size_t i, TimePoint now) {
  { policy.on_selected(candidates, i, now) }
  noexcept;
};

/// A policy that wants to know how requests ended.
template <class P>
concept HearsOutcomes = RotationPolicy<P> &&
    requires(P& policy, const Candidates& candidates, std::size_t i, const PickOutcome& outcome,
             TimePoint now) {
  { policy.on_outcome(candidates, i, outcome, now) }
  noexcept;
};

}  // namespace credpool::inline CREDPOOL_ABI
