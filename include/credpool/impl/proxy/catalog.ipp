#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/catalog.hpp>

#include <credpool/proxy/provider_policy.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What is the same in every head that goes this way, up to the value of the secret's header.
inline std::string fixed_head(const ProxyCatalog::Way& way) {
  std::string head = "POST " + way.target.path + " HTTP/1.1\r\nhost: " + way.authority +
                     "\r\naccept-encoding: identity\r\n";
  for (const auto& header : way.target.headers)
    if (header.rule == HeaderRule::set) head += header.name + ": " + header.value + "\r\n";
  return head + way.target.auth.header + ": " + way.target.auth.prefix;
}

}  // namespace detail

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
      auto& way = ways[i].emplace();
      way.origin = origin;
      way.authority = origin->authority();
      way.target = *target;
      way.credential = credential->id.short_hex();
      way.head = detail::fixed_head(way);
      if (std::find(known->operations.begin(), known->operations.end(), operation) ==
          known->operations.end())
        known->operations.push_back(operation);
    }
  }
  models_ = ModelMap{settings_, std::move(providers)};
  static std::atomic<std::uint64_t> serials{0};
  serial_ = ++serials;
}

CREDPOOL_INLINE Result<std::shared_ptr<const std::vector<ModelTarget>>> ProxyCatalog::candidates(
    std::string_view model, Operation operation) const {
  struct Last {
    std::uint64_t serial = 0;
    Operation operation = {};
    std::string model;
    std::shared_ptr<const std::vector<ModelTarget>> targets;
  };
  // Agents ask for the same model all the time.
  thread_local Last last;
  if (last.targets && last.serial == serial_ && last.operation == operation && last.model == model)
    return last.targets;
  auto found = models_.candidates(model, operation);
  if (!found) return fail(found.error());
  last = {serial_, operation, std::string{model},
          std::make_shared<const std::vector<ModelTarget>>(std::move(*found))};
  return last.targets;
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
