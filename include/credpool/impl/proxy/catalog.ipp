#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/catalog.hpp>

#include <credpool/proxy/provider_policy.hpp>

#include <algorithm>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE ProxyCatalog::ProxyCatalog(
    Settings settings, std::vector<std::shared_ptr<const Credential>> credentials)
    : settings_{std::move(settings)}, credentials_{std::move(credentials)} {
  std::map<std::string, std::shared_ptr<const UpstreamOrigin>> origins;
  std::vector<ProviderOperations> providers;
  for (const auto& credential : credentials_) {
    const auto plan = upstream_plan(*credential, settings_);
    const auto allowed = check_proxy_use(*credential, settings_);
    if (!allowed) blocked_.push_back({credential->provider, {}, allowed.error()});
    auto known = std::find_if(providers.begin(), providers.end(), [&](const auto& provider) {
      return provider.provider == credential->provider;
    });
    if (known == providers.end())
      known = providers.insert(providers.end(), {credential->provider, {}});
    auto& ways = ways_[credential->id];
    auto& useless = useless_[credential->provider];
    for (std::size_t i = 0; i < operations; ++i) {
      const auto operation = static_cast<Operation>(i);
      const auto* target = plan.target(operation);
      if (target && !allowed) {
        blocked_.back().operations.push_back(operation);
        target = nullptr;
      }
      auto& origin = origins[target ? target->origin : std::string{}];
      if (target && !origin)
        if (auto parsed = UpstreamOrigin::parse(target->origin))
          origin = std::make_shared<const UpstreamOrigin>(std::move(*parsed));
      if (!target || !origin) {
        useless[i].push_back(credential->id);
        continue;
      }
      ways[i] = Way{origin, origin->authority(), *target};
      if (std::find(known->operations.begin(), known->operations.end(), operation) ==
          known->operations.end())
        known->operations.push_back(operation);
    }
  }
  models_ = ModelMap{settings_, std::move(providers)};
}

CREDPOOL_INLINE const ProxyCatalog::Way* ProxyCatalog::way(const CredentialId& id,
                                                           Operation operation) const noexcept {
  const auto found = ways_.find(id);
  if (found == ways_.end()) return nullptr;
  const auto& way = found->second[static_cast<std::size_t>(operation)];
  return way ? &*way : nullptr;
}

CREDPOOL_INLINE const std::vector<CredentialId>& ProxyCatalog::useless(
    std::string_view provider, Operation operation) const noexcept {
  static const std::vector<CredentialId> none;
  const auto found = useless_.find(provider);
  return found == useless_.end() ? none : found->second[static_cast<std::size_t>(operation)];
}

}  // namespace credpool::inline CREDPOOL_ABI
