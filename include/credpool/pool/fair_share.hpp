#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Who holds how many leases of one provider, and what everybody's share is while there are too
/// few.
///
/// Leases are scarce from when a client below its share is refused for want of a lease, until
/// nobody has been for ten seconds. Until then everybody may take what is there. A client counts
/// while it holds a lease, and ten seconds from such a refusal. Every call is O(1), amortised.
/// @thread_safety called under the pool lock
class FairShare {
 public:
  using Client = std::uint64_t;  ///< hash of its name

  void lent(Client client);
  void returned(Client client) noexcept;
  /// The client was refused because all leases are out.
  /// @param admitted how many leases there are
  void refused(Client client, std::uint32_t admitted, TimePoint now);
  /// Whether the client has to leave the next lease to others.
  bool used_up(Client client, std::uint32_t admitted, TimePoint now);

 private:
  struct Account {
    std::uint32_t leases = 0;
    TimePoint waits_until{};  ///< counts until then, without a lease
    bool queued = false;
  };
  struct Visit {
    TimePoint at;
    Client client;
  };

  void forget(TimePoint now);
  bool below_share(Client client, std::uint32_t admitted) const;

  std::unordered_map<Client, Account> accounts_;
  std::deque<Visit> visits_;  ///< when to look whether an account is still needed
  TimePoint scarce_until_{};
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/fair_share.ipp>
#endif
