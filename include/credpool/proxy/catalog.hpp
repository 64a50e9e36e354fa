#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/proxy/model_map.hpp>
#include <credpool/proxy/operation.hpp>
#include <credpool/proxy/upstream_api.hpp>
#include <credpool/server/upstream.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Where each credential of the pool leads, and which of them serve a model. Made anew when the
/// credentials or the configuration change; requests that are on their way keep theirs.
///
/// @thread_safety safe: immutable once made
class ProxyCatalog {
 public:
  ProxyCatalog() = default;
  ProxyCatalog(Settings settings, std::vector<std::shared_ptr<const Credential>> credentials);

  /// Where one operation goes with one credential.
  struct Way {
    std::shared_ptr<const UpstreamOrigin> origin;
    std::string authority;  ///< for the Host header
    UpstreamTarget target;
    std::string credential;  ///< CredentialId::short_hex()
    /// Everything of a POST's head that is the same each time: the request line, Host, the headers
    /// that are always ours, and the name of the one with the secret.
    std::string head;
  };
  /// @return null when the credential does not serve it, or is not known here
  const Way* way(const CredentialId& id, Operation operation) const noexcept;

  /// The credentials of a provider that do not serve an operation: not to be asked for.
  const std::vector<CredentialId>& useless(std::string_view provider,
                                           Operation operation) const noexcept;

  /// A credential that is not used because of its provider's terms.
  struct Blocked {
    std::string provider;
    std::vector<Operation> operations;  ///< that it would serve
    Error why;                          ///< and how to allow it
  };
  const std::vector<Blocked>& blocked() const noexcept { return blocked_; }

  /// As ModelMap::candidates(); asking for the same again costs little.
  Result<std::shared_ptr<const std::vector<ModelTarget>>> candidates(std::string_view model,
                                                                     Operation operation) const;
  const ModelMap& models() const noexcept { return models_; }
  const Settings& settings() const noexcept { return settings_; }
  const std::vector<std::shared_ptr<const Credential>>& credentials() const noexcept {
    return credentials_;
  }

 private:
  static constexpr std::size_t operations = static_cast<std::size_t>(Operation::models) + 1;
  using Ways = std::array<std::optional<Way>, operations>;

  Settings settings_;
  std::vector<std::shared_ptr<const Credential>> credentials_;
  std::map<CredentialId, Ways> ways_;
  std::map<std::string, std::array<std::vector<CredentialId>, operations>, std::less<>> useless_;
  std::vector<Blocked> blocked_;
  ModelMap models_;
  std::uint64_t serial_ = 0;  ///< no two catalogs of a process have the same
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/catalog.ipp>
#endif
