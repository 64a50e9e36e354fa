#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/admission.hpp>
#include <credpool/source/sources.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What the user says about one credential.
struct CredentialRule {
  std::vector<std::string> models = {};     ///< may serve these only; empty: every model
  bool forbidden = false;                   ///< listed, never lent
  bool ask = false;                         ///< lent only after it was imported by a person
  std::uint32_t weight = 1;                 ///< share under the policy `weighted`
  std::optional<int> priority = {};         ///< instead of its source's
  std::optional<std::uint32_t> limit = {};  ///< leases at once, instead of the admission's
};

/// How a pool behaves. Credentials are named by profile id or by id (at least 8 digits).
struct PoolSettings {
  /// Whether what a scan finds may be lent at once, or only after it was imported.
  bool auto_import = true;
  /// Whether a token must have passed validation before it is lent.
  bool require_validation = false;
  SourceSettingsByCli sources = {};
  std::map<std::string, CredentialRule> rules = {};
  /// By provider: who may serve, best first. A provider that is not named has no order.
  std::map<std::string, std::vector<std::string>> order = {};
  Admission admission = {};
  /// Sessions are spread so that none of their credentials has more than this many times the
  /// average number of leases; 1.25 to 2.
  double load_factor = 1.5;
  Duration half_life = std::chrono::hours{1};  ///< of uses
  /// How long a credential rests after its first, second, ... rate limit in a row whose end nobody
  /// told; never empty.
  std::vector<Duration> rate_limit_ladder = {std::chrono::minutes{1}, std::chrono::minutes{5},
                                             std::chrono::minutes{25}, std::chrono::minutes{60}};
  Duration poll_every = std::chrono::milliseconds{100};  ///< how soon another process is noticed
  Duration write_every = std::chrono::seconds{1};  ///< how old unwritten uses get, see maintain()
  /// Whether a thread of the pool's own does all that waits for the store: evidence as soon as it
  /// runs, uses every `write_every`, news every `poll_every` (by the system's clock; a tenth as
  /// often when nobody has asked for a lease for 50 rounds, and at once when somebody does).
  /// Otherwise a report writes evidence itself, and somebody calls Pool::maintain() now and then.
  /// For programs that run long and serve many.
  bool background_writer = false;
};

}  // namespace credpool::inline CREDPOOL_ABI
