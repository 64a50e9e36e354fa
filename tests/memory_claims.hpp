#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/refresh/claims.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>

/// Refresh claims in memory, for tests. Copies of the shared part are what hosts of one store are.
class MemoryClaims final : public credpool::RefreshClaims {
 public:
  struct Family {
    std::uint64_t generation = 0;
    std::uint64_t fence = 0;
    bool running = false;  ///< claimed, and neither finished nor given back
    bool unknown = false;  ///< a claim of this generation ended without a word
    credpool::TimePoint deadline{};
    std::string token, owner, holder;
    std::map<std::uint64_t, std::string> next;       ///< generation -> the token that came
    std::map<std::string, std::uint64_t> exchanged;  ///< token -> its last generation
  };
  struct Shared {
    std::mutex mutex;
    std::map<std::string, Family> families;
  };

  /// @param clock must outlive this object
  MemoryClaims(std::shared_ptr<Shared> shared, const credpool::ManualClock& clock)
      : shared_{std::move(shared)}, clock_{&clock} {}

  static constexpr credpool::Duration margin{10'000};

  credpool::Result<credpool::RefreshClaim> take(std::string_view family,
                                                std::string_view token_hash,
                                                std::string_view holder,
                                                credpool::Duration length) override {
    using credpool::Errc;
    if (family.empty() || holder.empty() || !token_hash.starts_with("sha256:") ||
        length <= credpool::Duration::zero())
      return credpool::fail(Errc::invalid_argument, "claiming");
    const std::lock_guard lock{shared_->mutex};
    const std::string token{token_hash}, host{holder};
    auto [at, added] = shared_->families.try_emplace(std::string{family});
    auto& row = at->second;
    if (added) row.token = token, row.owner = host;
    const bool over = row.running && clock_->now() > row.deadline + margin;
    if (token != row.token) {
      if (row.exchanged.contains(token)) return credpool::fail(Errc::conflict, "claiming");
      if (row.running && !over) return busy(row);
      const bool held = (row.running || row.unknown) && row.holder == host;
      if (row.owner != host && !held) return credpool::fail(Errc::conflict, "claiming");
      advance(row, token, host);
    } else if (row.running && !over) {
      return busy(row);
    }
    row.unknown = row.unknown || row.running;
    row.running = true;
    row.holder = host;
    row.deadline = clock_->now() + length;
    return credpool::RefreshClaim{std::string{family}, row.generation, ++row.fence, row.deadline,
                                  row.unknown};
  }

  credpool::Result<void> finish(const credpool::RefreshClaim& claim,
                                std::string_view new_token_hash) override {
    using credpool::Errc;
    if (!new_token_hash.starts_with("sha256:"))
      return credpool::fail(Errc::invalid_argument, "finishing");
    const std::lock_guard lock{shared_->mutex};
    auto& row = shared_->families[claim.family];
    if (is_current(row, claim)) {
      advance(row, std::string{new_token_hash}, row.holder);
      return {};
    }
    const auto told = row.next.find(claim.generation);
    if (told != row.next.end() && told->second == new_token_hash) return {};
    return credpool::fail(Errc::conflict, "finishing");
  }

  credpool::Result<void> abandon(const credpool::RefreshClaim& claim) override {
    const std::lock_guard lock{shared_->mutex};
    auto& row = shared_->families[claim.family];
    const bool ours = row.fence == claim.fence && row.generation == claim.generation;
    if (!ours) return credpool::fail(credpool::Errc::conflict, "giving back");
    row.running = false;
    return {};
  }

 private:
  static bool is_current(const Family& row, const credpool::RefreshClaim& claim) {
    return row.running && row.fence == claim.fence && row.generation == claim.generation;
  }
  static void advance(Family& row, const std::string& token, const std::string& owner) {
    row.exchanged[row.token] = row.generation;
    row.next[row.generation++] = token;
    row.token = token;
    row.owner = owner;
    row.running = row.unknown = false;
  }
  credpool::Unexpected busy(const Family& row) const {
    auto error = credpool::fail(credpool::Errc::busy, "claiming", {}, row.holder);
    error.error.retry_at = row.deadline + margin;
    return error;
  }

  std::shared_ptr<Shared> shared_;
  const credpool::ManualClock* clock_;
};
