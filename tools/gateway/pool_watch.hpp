#pragma once
// SPDX-License-Identifier: MIT

#include "presentation.hpp"

#include <credpool/gateway/event_hub.hpp>
#include <credpool/pool/explain.hpp>
#include <credpool/store/concept.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace credpool_cli {

class ServingPool;

/// How a credential stood when it was looked at.
struct WatchedCredential {
  std::shared_ptr<const credpool::Credential> credential;
  std::string token_hash;
  credpool::Status status = credpool::Status::active;
  credpool::Eligibility verdict = credpool::Eligibility::eligible;
  std::uint32_t in_flight = 0;
  std::uint64_t uses = 0;
};

/// The pool at one time, as far as events tell of it.
struct PoolSnapshot {
  std::map<credpool::CredentialId, WatchedCredential> credentials;
  /// By credential and model: why it rests, and until when.
  std::map<std::pair<credpool::CredentialId, std::string>,
           std::pair<credpool::CooldownReason, credpool::TimePoint>>
      rests;
  bool can_serve = false;  ///< some credential could serve some request
  std::optional<credpool::TimePoint> retry_at = {};

  /// @param before hashes of tokens that are still the same are taken from it
  static PoolSnapshot of(ServingPool& pool, const PoolSnapshot& before);
};

/// An event and its data.
struct PoolEvent {
  std::string type;
  Json data;
};

/// What has happened from one look to the next: credential.*, cooldowns.changed, leases,
/// pool.exhausted and pool.recovered.
std::vector<PoolEvent> events_between(const PoolSnapshot& before, const PoolSnapshot& after,
                                      credpool::TimePoint now);

/// Tells the hub what happens in a pool.
/// @thread_safety caller serialises
class PoolWatch {
 public:
  /// Both must outlive it.
  PoolWatch(ServingPool& pool, credpool::EventHub& events);
  /// To be called every second.
  void look();

 private:
  ServingPool& pool_;
  credpool::EventHub& events_;
  PoolSnapshot last_;
};

}  // namespace credpool_cli
