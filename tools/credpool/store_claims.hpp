#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/credential/tokens.hpp>
#include <credpool/refresh/claims.hpp>
#include <credpool/store/state_directory.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace credpool_cli {

/// An access token that another host keeps fresh.
struct LentToken {
  credpool::Secret access_token;
  credpool::TimePoint expires_at{};
  std::string owner;  ///< the host that refreshes it
};

/// What several hosts share: who may spend a refresh token, and the access tokens that came of it.
/// The refresh token itself stays with its owner.
class SharedStore {
 public:
  SharedStore() = default;
  SharedStore(const SharedStore&) = delete;
  SharedStore& operator=(const SharedStore&) = delete;
  virtual ~SharedStore() = default;

  virtual credpool::RefreshClaims& claims() noexcept = 0;
  /// Shares an access token, sealed with the key file that all hosts have.
  virtual credpool::Result<void> publish(std::string_view family,
                                         const credpool::StoredTokens& tokens,
                                         std::string_view host) = 0;
  /// What the owner shared last; none when there is nothing.
  virtual credpool::Result<std::optional<LentToken>> fetch(std::string_view family) = 0;
};

/// Opens the store that the settings name.
/// @return null when they name none
/// @errors those of connecting; unsupported when this program was built without PostgreSQL
credpool::Result<std::unique_ptr<SharedStore>> open_shared_store(
    const credpool::Settings& settings, const credpool::StateDirectory& directory,
    const credpool::Environment& environment);

}  // namespace credpool_cli
