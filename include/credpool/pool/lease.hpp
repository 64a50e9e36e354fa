#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/pool/outcome.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

/// What the pool needs to find a lease again.
struct LeaseTicket {
  std::uint32_t slot = 0;
  std::uint32_t lane = 0;
  std::uint32_t prompt_tokens = 0;
  bool on_trial = false;
  std::uint64_t client = 0;  ///< hash of LeaseRequest::client; 0: none
  TimePoint started{};
};

/// Who takes leases back: the pool.
class LeaseKeeper {
 public:
  /// @param used the credential as it was lent: it may have been refreshed since
  virtual void take_back(const LeaseTicket& ticket, const Credential& used,
                         const Outcome& outcome) noexcept = 0;

 protected:
  ~LeaseKeeper() = default;
};

/// A credential on loan, until it is reported or dropped. Must not outlive its pool.
///
/// Dropping it without a report means "unknown": no penalty, no credit.
/// @thread_safety caller serialises; different leases are independent
class [[nodiscard]] Lease {
 public:
  Lease(LeaseKeeper& keeper, LeaseTicket ticket,
        std::shared_ptr<const Credential> credential) noexcept
      : keeper_{&keeper}, ticket_{ticket}, credential_{std::move(credential)} {}
  Lease(Lease&& other) noexcept
      : keeper_{std::exchange(other.keeper_, nullptr)},
        ticket_{other.ticket_},
        credential_{std::move(other.credential_)} {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      report({});
      keeper_ = std::exchange(other.keeper_, nullptr);
      ticket_ = other.ticket_;
      credential_ = std::move(other.credential_);
    }
    return *this;
  }
  ~Lease() { report({}); }

  /// The credential as it was when it was lent; also readable after the report.
  const Credential& credential() const noexcept { return *credential_; }
  const Secret& secret() const noexcept { return credential_->secret; }
  /// Whether this request is the one that finds out whether a rest is over.
  bool on_trial() const noexcept { return ticket_.on_trial; }

  /// Gives the credential back and tells how it went. Only the first report counts.
  void report(const Outcome& outcome) noexcept {
    if (auto* keeper = std::exchange(keeper_, nullptr))
      keeper->take_back(ticket_, *credential_, outcome);
  }

 private:
  LeaseKeeper* keeper_;
  LeaseTicket ticket_;
  std::shared_ptr<const Credential> credential_;
};

}  // namespace credpool::inline CREDPOOL_ABI
