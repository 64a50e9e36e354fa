#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/candidates.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::optional<std::size_t> Candidates::next_eligible(
    std::size_t from) const noexcept {
  if (eligible_count_ == 0) return std::nullopt;
  if (from >= size()) from = 0;
  std::size_t word = from / 64;
  auto bits = words_[word] & (~std::uint64_t{0} << (from % 64));
  while (bits == 0) {  // ends: at least one bit is set somewhere
    word = word + 1 == words_.size() ? 0 : word + 1;
    bits = words_[word];
  }
  return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
}

CREDPOOL_INLINE std::size_t Candidates::nth_eligible(std::size_t nth) const noexcept {
  std::size_t word = 0;
  for (;; ++word) {
    const auto here = static_cast<std::size_t>(std::popcount(words_[word]));
    if (nth < here) break;
    nth -= here;
  }
  auto bits = words_[word];
  for (; nth > 0; --nth) bits &= bits - 1;
  return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
}

CREDPOOL_INLINE std::size_t Candidates::random_eligible(std::uint64_t random) const noexcept {
  // Most candidates are eligible most of the time: a few throws at all of them, then count.
  for (int throws = 0; throws < 4; ++throws) {
    const auto i = static_cast<std::size_t>((random & 0xffffffff) * size() >> 32);
    if (eligible(i)) return i;
    random = random * 0x9e3779b97f4a7c15 + 0x94d049bb133111eb;
    random ^= random >> 29;
  }
  return nth_eligible(static_cast<std::size_t>((random & 0xffffffff) * eligible_count_ >> 32));
}

CREDPOOL_INLINE std::optional<std::size_t> Candidates::lowest() const noexcept {
  if (!ranks_ || winners_.size() < 2 || winners_[1] == nobody) return std::nullopt;
  return winners_[1];
}

CREDPOOL_INLINE std::size_t Candidates::after_last() const noexcept {
  return after_last_;
}

CREDPOOL_INLINE std::optional<std::size_t> Candidates::position_of(
    const CredentialId& id) const noexcept {
  const auto at = std::lower_bound(
      seats_.begin(), seats_.end(), id,
      [](const Seat& seat, const CredentialId& wanted) { return seat.facts->id < wanted; });
  if (at == seats_.end() || at->facts->id != id) return std::nullopt;
  return static_cast<std::size_t>(at - seats_.begin());
}

CREDPOOL_INLINE void Candidates::assign(std::vector<CandidateFacts*> facts) {
  std::sort(facts.begin(), facts.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  std::vector<Seat> seats(facts.size());
  std::vector<std::uint64_t> words((facts.size() + 63) / 64);
  eligible_count_ = 0;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (const auto old = position_of(facts[i]->id)) {
      seats[i] = seats_[*old];
      if (eligible(*old)) {
        words[i / 64] |= std::uint64_t{1} << (i % 64);
        ++eligible_count_;
      }
    }
    seats[i].facts = facts[i];
  }
  seats_ = std::move(seats);
  words_ = std::move(words);
  set_last(CredentialId{last_});
  keep_ranks(ranks_);
}

CREDPOOL_INLINE void Candidates::set_eligible(std::size_t i, bool wanted) noexcept {
  if (eligible(i) == wanted) return;
  words_[i / 64] ^= std::uint64_t{1} << (i % 64);
  wanted ? ++eligible_count_ : --eligible_count_;
  replay(i);
}

CREDPOOL_INLINE void Candidates::update(std::size_t i, bool wanted, Rank rank) noexcept {
  if (ranks_) keys_[i] = {rank, seats_[i].facts->turn};
  if (eligible(i) != wanted)
    set_eligible(i, wanted);
  else if (wanted)
    replay(i);
}

CREDPOOL_INLINE Rank Candidates::rank(std::size_t i) const noexcept {
  return ranks_ ? keys_[i].rank : Rank{};
}

CREDPOOL_INLINE void Candidates::set_standing(std::size_t i, bool on_trial, bool recently_failed,
                                              bool brief) noexcept {
  seats_[i].on_trial = on_trial;
  seats_[i].recently_failed = recently_failed;
  seats_[i].brief = brief;
}

CREDPOOL_INLINE void Candidates::set_last(const CredentialId& id) noexcept {
  last_ = id;
  const auto next = std::upper_bound(
      seats_.begin(), seats_.end(), id,
      [](const CredentialId& wanted, const Seat& seat) { return wanted < seat.facts->id; });
  after_last_ = static_cast<std::size_t>(next - seats_.begin());
}

CREDPOOL_INLINE void Candidates::keep_ranks(bool wanted) {
  ranks_ = wanted;
  keys_.assign(wanted ? size() : 0, Key{});
  leaves_ = wanted ? std::bit_ceil(std::max<std::size_t>(size(), 1)) : 0;
  winners_.assign(2 * leaves_, nobody);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    keys_[i].turn = seats_[i].facts->turn;
    if (eligible(i)) winners_[leaves_ + i] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t node = leaves_; node-- > 1;)
    winners_[node] = better(winners_[2 * node], winners_[2 * node + 1]);
}

CREDPOOL_INLINE void Candidates::replay(std::size_t i) noexcept {
  if (!ranks_) return;
  auto node = leaves_ + i;
  winners_[node] = eligible(i) ? static_cast<std::uint32_t>(i) : nobody;
  for (node /= 2; node > 0; node /= 2)
    winners_[node] = better(winners_[2 * node], winners_[2 * node + 1]);
}

CREDPOOL_INLINE std::uint32_t Candidates::better(std::uint32_t a, std::uint32_t b) const noexcept {
  if (a == nobody) return b;
  if (b == nobody) return a;
  const auto& left = keys_[a];
  const auto& right = keys_[b];
  if (left.rank.tier != right.rank.tier) return left.rank.tier < right.rank.tier ? a : b;
  if (left.rank.value != right.rank.value) return left.rank.value < right.rank.value ? a : b;
  return left.turn <= right.turn ? a : b;
}

}  // namespace credpool::inline CREDPOOL_ABI
