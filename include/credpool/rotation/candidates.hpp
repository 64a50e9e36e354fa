#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/credential/credential.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What a rotation policy may know about one credential. The pool keeps it up to date.
struct alignas(64) CandidateFacts {
  CredentialId id;

  /// Uses, decayed by half every half-life. In a unit that grows with time (forward decay), so that
  /// an untouched number stays comparable: compare it with others, or with Candidates::one_use().
  double use = 0;
  /// Peak EWMA of the time to the first byte, normalised by prompt size; 0: not known. In a growing
  /// unit as well: an old bad measurement counts for less and less.
  double latency = 0;
  /// Counts selections over the whole pool: the lower, the longer ago this one was selected. Before
  /// the first selection it stands for the order of earlier runs, then for a hash salted per host.
  std::uint64_t turn = 0;

  TimePoint quota_resets_at{};  ///< end of the tightest known window; the epoch: not known
  float quota_headroom = -1;    ///< what is left of that window, 0 to 1; negative: not known
  float limit = 0;              ///< leases at once that admission allows; 0: any number
  std::uint32_t in_flight = 0;  ///< leases out now
  std::uint32_t failures = 0;   ///< failures since the last success
  std::int32_t priority = 0;    ///< a lower number is used first
  std::uint32_t order = 0;      ///< place in the user's order: priority, then order of discovery
  std::uint32_t weight = 1;     ///< share that `weighted` gives; at least 1
};
static_assert(sizeof(CandidateFacts) == 128);

/// How good a candidate is: the lower the better; tiers are compared first.
struct Rank {
  std::int64_t tier = 0;
  double value = 0;
};

/// The credentials of one lane (one provider and model), ordered by id, and which of them may serve
/// now.
///
/// A position is an index into this order; it is valid until the list changes, which happens only
/// between calls of a policy. Ids, notes and eligibility stay with their credential.
///
/// No const member allocates or takes longer than O(size / 64).
/// @thread_safety caller serialises (the pool calls policies under its lock)
class Candidates {
 public:
  /// All candidates, eligible or not.
  std::size_t size() const noexcept { return seats_.size(); }
  std::size_t eligible_count() const noexcept { return eligible_count_; }
  bool eligible(std::size_t i) const noexcept { return (words_[i / 64] >> (i % 64)) & 1; }
  const CandidateFacts& operator[](std::size_t i) const noexcept { return *seats_[i].facts; }

  /// The first eligible position from `from` on, round the end; none when there is none.
  std::optional<std::size_t> next_eligible(std::size_t from) const noexcept;
  /// The eligible position with `nth` eligible ones before it. @pre nth < eligible_count()
  std::size_t nth_eligible(std::size_t nth) const noexcept;
  /// An eligible position, each with the same chance. @pre eligible_count() > 0
  std::size_t random_eligible(std::uint64_t random) const noexcept;
  /// The eligible position of lowest rank, then of lowest turn; none when no candidate is eligible
  /// or the policy does not rank. O(1).
  std::optional<std::size_t> lowest() const noexcept;

  /// The position after the one selected last in this lane, whether or not that one still exists.
  std::size_t after_last() const noexcept;
  std::optional<std::size_t> position_of(const CredentialId& id) const noexcept;

  /// One use, now, in the unit of CandidateFacts::use.
  double one_use() const noexcept { return one_use_; }
  /// Whether it comes back from a rest and may serve a single request.
  bool on_trial(std::size_t i) const noexcept { return seats_[i].on_trial; }
  /// Whether it failed a short while ago, if only for another model.
  bool recently_failed(std::size_t i) const noexcept { return seats_[i].recently_failed; }
  /// Whether it cannot serve just now for a reason that passes soon (as many leases as admission
  /// allows, overload, a host that fails): no reason to move a conversation elsewhere for good.
  bool away_briefly(std::size_t i) const noexcept { return !eligible(i) && seats_[i].brief; }
  /// A number that differs from host to host, for policies that throw dice.
  std::uint64_t salt() const noexcept { return salt_; }
  /// A number of the policy's own for this candidate, 0 at first.
  double& note(std::size_t i) const noexcept { return seats_[i].note; }

  // What follows is for the owner of the list: the pool, and tests of policies.

  /// The list anew. Notes, eligibility and the last selection are kept for the ids that stay; new
  /// ones are not eligible. @pre the facts outlive this object; no id stands twice
  void assign(std::vector<CandidateFacts*> facts);
  void set_eligible(std::size_t i, bool eligible) noexcept;
  void update(std::size_t i, bool eligible, Rank rank) noexcept;
  void set_standing(std::size_t i, bool on_trial, bool recently_failed, bool brief) noexcept;
  /// Which one was selected last, by id (it may be gone), or by position.
  void set_last(const CredentialId& id) noexcept;
  void set_last(std::size_t i) noexcept {
    last_ = seats_[i].facts->id;
    after_last_ = i + 1;
  }
  const CredentialId& last() const noexcept { return last_; }
  void set_one_use(double unit) noexcept { one_use_ = unit; }
  void set_salt(std::uint64_t salt) noexcept { salt_ = salt; }
  /// Starts or stops keeping the order that lowest() needs.
  void keep_ranks(bool wanted);
  CandidateFacts& facts(std::size_t i) noexcept { return *seats_[i].facts; }
  Rank rank(std::size_t i) const noexcept;

 private:
  struct Seat {
    CandidateFacts* facts = nullptr;
    mutable double note = 0;
    bool on_trial = false;
    bool recently_failed = false;
    bool brief = true;
  };
  struct Key {
    Rank rank;
    std::uint64_t turn = 0;
  };
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};

  void replay(std::size_t i) noexcept;
  std::uint32_t better(std::uint32_t a, std::uint32_t b) const noexcept;

  std::vector<Seat> seats_;
  std::vector<std::uint64_t> words_;  ///< one bit a candidate: may it serve now
  std::size_t eligible_count_ = 0;
  // A tournament: node 1 holds the winner, the leaves begin at `leaves_`; a change replays one
  // path.
  std::vector<Key> keys_;
  std::vector<std::uint32_t> winners_;
  std::size_t leaves_ = 0;
  CredentialId last_;
  std::size_t after_last_ = 0;
  double one_use_ = 1;
  std::uint64_t salt_ = 0;
  bool ranks_ = false;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/rotation/candidates.ipp>
#endif
