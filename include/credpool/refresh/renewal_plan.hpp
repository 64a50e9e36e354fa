#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/credential/credential.hpp>

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// When the access token of a login is better renewed: `window` before its end, a little earlier or
/// later (5 % of the window) by a dice that the login and the token decide, so that many logins of
/// one age do not come at once and the time does not wander from look to look.
///
/// @param expires_at end of the access token
/// @param window     how long before that, see LoginStore::advisory_window()
TimePoint renewal_time(const CredentialId& id, TimePoint expires_at, Duration window) noexcept;

/// Which login is due when. A plain list of times: it does no work and knows no clock.
///
/// @thread_safety caller serialises
class RenewalPlan {
 public:
  /// Plans a login, or moves it.
  void put(const CredentialId& id, TimePoint due);
  /// It is not planned any more.
  void remove(const CredentialId& id);

  /// When the next one is due; none when nothing is planned.
  std::optional<TimePoint> next() const noexcept;
  /// Takes out the one that is due the longest; none when none is due.
  std::optional<CredentialId> take(TimePoint now);
  /// When that login is due; none when it is not planned.
  std::optional<TimePoint> due(const CredentialId& id) const;

  std::size_t size() const noexcept { return due_.size(); }

 private:
  struct Entry {
    TimePoint due;
    CredentialId id;
  };
  struct IdHash {
    std::size_t operator()(const CredentialId& id) const noexcept;
  };
  void sweep();

  std::unordered_map<CredentialId, TimePoint, IdHash> due_;
  std::vector<Entry> heap_;  ///< soonest first; an entry that due_ does not know is left over
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/renewal_plan.ipp>
#endif
