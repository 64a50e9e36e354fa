#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/core/result.hpp>
#include <credpool/pool/lease.hpp>
#include <credpool/pool/request.hpp>

#include <memory>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// The pool as the proxy sees it.
/// @thread_safety safe
class CredentialLender {
 public:
  virtual ~CredentialLender() = default;
  /// As Pool::acquire(); called on an event loop, so it must not wait.
  virtual Result<Lease> acquire(const LeaseRequest& request) = 0;
  /// Gets a login a new token, unless that was done since `used` was lent. May block.
  /// @errors as the refresh method; login_needed when there is no way without a person
  virtual Result<void> refresh(const Credential& used) = 0;
  virtual std::vector<std::shared_ptr<const Credential>> credentials() const = 0;
  virtual TimePoint now() const = 0;
};

/// A Pool as a lender, by its own refresh method.
template <class P> class PoolLender final : public CredentialLender {
 public:
  /// @param pool must outlive this
  explicit PoolLender(P& pool) noexcept : pool_{pool} {}

  Result<Lease> acquire(const LeaseRequest& request) override { return pool_.acquire(request); }
  Result<void> refresh(const Credential& used) override { return pool_.refresh(used); }
  std::vector<std::shared_ptr<const Credential>> credentials() const override {
    return pool_.credentials();
  }
  TimePoint now() const override { return SystemClock{}.now(); }

 private:
  P& pool_;
};

}  // namespace credpool::inline CREDPOOL_ABI
