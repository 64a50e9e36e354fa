#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// One credential or an error. Without an id, the one that is first in the user's order when
/// the first request comes.
class Pinned {
 public:
  static constexpr std::string_view name = "pinned";

  Pinned() = default;
  explicit Pinned(const CredentialId& id) noexcept : id_{id} {}

  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    if (id_ == CredentialId{}) id_ = first(candidates);
    const auto only = candidates.position_of(id_);
    if (!only || !candidates.eligible(*only)) return std::nullopt;
    return only;
  }

 private:
  static CredentialId first(const Candidates& candidates) noexcept {
    if (candidates.size() == 0) return {};
    std::size_t best = 0;
    for (std::size_t i = 1; i < candidates.size(); ++i)
      if (candidates[i].order < candidates[best].order) best = i;
    return candidates[best].id;
  }

  CredentialId id_;
};
static_assert(RotationPolicy<Pinned>);

}  // namespace credpool::inline CREDPOOL_ABI
