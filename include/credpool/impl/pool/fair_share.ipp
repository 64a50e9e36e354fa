#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/fair_share.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::chrono::seconds fair_share_memory{10};

CREDPOOL_INLINE void FairShare::lent(Client client) {
  ++accounts_[client].leases;
}

CREDPOOL_INLINE void FairShare::returned(Client client) noexcept {
  const auto at = accounts_.find(client);
  if (--at->second.leases == 0 && !at->second.queued) accounts_.erase(at);
}

CREDPOOL_INLINE void FairShare::refused(Client client, std::uint32_t admitted, TimePoint now) {
  forget(now);
  auto& account = accounts_[client];
  account.waits_until = now + fair_share_memory;
  if (!account.queued) visits_.push_back({account.waits_until, client});
  account.queued = true;
  // One that has its share already makes nobody give way.
  if (below_share(client, admitted)) scarce_until_ = now + fair_share_memory;
}

CREDPOOL_INLINE bool FairShare::used_up(Client client, std::uint32_t admitted, TimePoint now) {
  if (scarce_until_ <= now) return false;
  forget(now);
  return !below_share(client, admitted);
}

CREDPOOL_INLINE void FairShare::forget(TimePoint now) {
  while (!visits_.empty() && visits_.front().at <= now) {
    const auto client = visits_.front().client;
    visits_.pop_front();
    const auto at = accounts_.find(client);
    auto& account = at->second;
    if (account.waits_until > now) {
      visits_.push_back({account.waits_until, client});
      continue;
    }
    account.queued = false;
    if (account.leases == 0) accounts_.erase(at);
  }
}

CREDPOOL_INLINE bool FairShare::below_share(Client client, std::uint32_t admitted) const {
  const auto at = accounts_.find(client);
  const bool known = at != accounts_.end();
  const auto clients = accounts_.size() + (known ? 0 : 1);
  const auto share = (admitted + clients - 1) / clients;
  return (known ? at->second.leases : 0) < share;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
