#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

#include <memory>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Any rotation policy behind one type, so that the pool's engine is compiled once and not once per
/// policy. An indirect call costs less than the lock around it.
class PolicyBox {
 public:
  virtual ~PolicyBox() = default;
  virtual std::unique_ptr<PolicyBox> clone() const = 0;
  virtual std::string_view name() const noexcept = 0;
  virtual bool ranks() const noexcept = 0;
  virtual std::optional<std::size_t> pick(const Candidates&, const PickRequest&,
                                          TimePoint now) noexcept = 0;
  virtual Rank rank(const Candidates&, std::size_t i) const noexcept = 0;
  virtual void on_selected(const Candidates&, std::size_t i, TimePoint now) noexcept = 0;
  virtual void on_outcome(const Candidates&, std::size_t i, const PickOutcome&,
                          TimePoint now) noexcept = 0;
};

template <RotationPolicy P> class PolicyIn final : public PolicyBox {
 public:
  explicit PolicyIn(P policy) : policy_{std::move(policy)} {}

  std::unique_ptr<PolicyBox> clone() const override { return std::make_unique<PolicyIn>(policy_); }
  std::string_view name() const noexcept override { return policy_.name; }
  bool ranks() const noexcept override {
    if constexpr (requires {
                    { policy_.ranks() } -> std::same_as<bool>;
                  })
      return policy_.ranks();
    else
      return RanksCandidates<P>;
  }
  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest& request,
                                  TimePoint now) noexcept override {
    return policy_.pick(candidates, request, now);
  }
  Rank rank(const Candidates& candidates, std::size_t i) const noexcept override {
    if constexpr (RanksCandidates<P>) return policy_.rank(candidates, i);
    return {};
  }
  void on_selected(const Candidates& candidates, std::size_t i, TimePoint now) noexcept override {
    if constexpr (HearsSelections<P>) policy_.on_selected(candidates, i, now);
  }
  void on_outcome(const Candidates& candidates, std::size_t i, const PickOutcome& outcome,
                  TimePoint now) noexcept override {
    if constexpr (HearsOutcomes<P>) policy_.on_outcome(candidates, i, outcome, now);
  }

 private:
  P policy_;
};

template <RotationPolicy P> std::unique_ptr<PolicyBox> box(P policy) {
  return std::make_unique<PolicyIn<P>>(std::move(policy));
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
