#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/rotation/concept.hpp>

#include <array>
#include <string>
#include <utility>
#include <variant>

namespace credpool::inline CREDPOOL_ABI {

/// One of several policies, chosen at run time: itself a policy, and at first the first of them.
template <class... P> class OneOf {
  static_assert(sizeof...(P) > 0);
  static_assert(
      (RotationPolicy<P> && ...),
      "every member of OneOf must be a RotationPolicy: write "
      "static_assert(credpool::RotationPolicy<MyPolicy>) after yours to see what is missing");

 public:
  /// The names to choose from.
  static constexpr std::array<std::string_view, sizeof...(P)> names{std::string_view{P::name}...};

  /// The name of the chosen one.
  std::string_view name = names[0];

  OneOf() = default;
  template <class Q>
  requires(std::same_as<Q, P> || ...) OneOf(Q chosen)
  noexcept : name{Q::name}, chosen_{std::move(chosen)} {}

  /// The policy of that name, as it is by default.
  /// @errors configuration when there is none
  static Result<OneOf> by_name(std::string_view wanted) {
    OneOf policy;
    if ((policy.choose<P>(wanted) || ...)) return policy;
    std::string known;
    for (const auto each : names) known += (known.empty() ? "" : ", ") + std::string{each};
    return fail(Errc::configuration, "choosing a rotation policy", std::string{wanted},
                "known ones: " + known);
  }

  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest& request,
                                  TimePoint now) noexcept {
    return std::visit([&](auto& policy) { return policy.pick(candidates, request, now); }, chosen_);
  }

  /// Whether the chosen one ranks: if not, nobody needs to keep an order for it.
  bool ranks() const noexcept {
    return std::visit([]<class Q>(const Q&) { return RanksCandidates<Q>; }, chosen_);
  }
  Rank rank(const Candidates& candidates, std::size_t i) const noexcept {
    return std::visit(
        [&]<class Q>(const Q& policy) {
          if constexpr (RanksCandidates<Q>) return policy.rank(candidates, i);
          return Rank{};
        },
        chosen_);
  }
  void on_selected(const Candidates& candidates, std::size_t i, TimePoint now) noexcept {
    std::visit(
        [&]<class Q>(Q& policy) {
          if constexpr (HearsSelections<Q>) policy.on_selected(candidates, i, now);
        },
        chosen_);
  }
  void on_outcome(const Candidates& candidates, std::size_t i, const PickOutcome& outcome,
                  TimePoint now) noexcept {
    std::visit(
        [&]<class Q>(Q& policy) {
          if constexpr (HearsOutcomes<Q>) policy.on_outcome(candidates, i, outcome, now);
        },
        chosen_);
  }

 private:
  template <class Q> bool choose(std::string_view wanted) {
    if (wanted != Q::name) return false;
    *this = OneOf{Q{}};
    return true;
  }

  std::variant<P...> chosen_;
};

}  // namespace credpool::inline CREDPOOL_ABI
