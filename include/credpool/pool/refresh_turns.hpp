#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>

#include <condition_variable>
#include <mutex>
#include <set>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Those who refresh one credential take turns; those of different credentials do not wait for one
/// another.
/// @thread_safety safe
class RefreshTurns {
 public:
  /// One's turn, until it goes out of scope.
  class Turn {
   public:
    Turn(RefreshTurns& turns, const CredentialId& id);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

   private:
    RefreshTurns& turns_;
    const CredentialId id_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<CredentialId> running_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/refresh_turns.ipp>
#endif
