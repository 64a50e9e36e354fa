#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/from_settings.hpp>

#include <algorithm>
#include <cmath>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE SourceSettingsByCli source_settings(const Settings& settings,
                                                    std::span<const std::string_view> clis) {
  SourceSettingsByCli sources;
  for (const auto cli : clis) {
    const auto source = settings.cli_source(cli);
    sources.insert_or_assign(std::string{cli}, SourceSettings{source.enabled, source.priority});
  }
  return sources;
}

namespace detail {

/// The weight written for the profile, else for its CLI; in hundredths, so that 0.5 and 1.5 keep
/// their proportion in whole numbers.
inline std::uint32_t weight_in_hundredths(const Settings& settings, const Credential& credential) {
  auto weight = settings.weights.find(credential.profile_id);
  if (weight == settings.weights.end()) weight = settings.weights.find(credential.cli);
  if (weight == settings.weights.end()) return 100;
  return static_cast<std::uint32_t>(std::clamp(std::round(weight->second * 100), 1.0, 1e6));
}

}  // namespace detail

CREDPOOL_INLINE PoolSettings pool_settings(const Settings& settings,
                                           const std::vector<Credential>& credentials) {
  PoolSettings pool;
  pool.auto_import = settings.auto_import;
  pool.load_factor = settings.affinity_load_factor;
  pool.order.insert(settings.order.begin(), settings.order.end());
  pool.rate_limit_ladder.assign(settings.cooldown_ladder.begin(), settings.cooldown_ladder.end());
  switch (settings.admission_mode) {
    case AdmissionMode::unlimited:
      pool.admission = Unlimited{};
      break;
    case AdmissionMode::fixed:
      pool.admission = FixedLimit{static_cast<std::uint32_t>(settings.admission_limit)};
      break;
    case AdmissionMode::aimd:
      pool.admission = Aimd{};
      break;
  }
  for (const auto& credential : credentials) {
    CredentialRule rule;
    const auto use = settings.provider_use(credential.provider);
    rule.forbidden = use == ProviderUse::forbid;
    rule.ask = use == ProviderUse::ask;
    if (!settings.weights.empty()) rule.weight = detail::weight_in_hundredths(settings, credential);
    if (const auto models = settings.models.find(credential.provider);
        models != settings.models.end())
      rule.models = models->second;
    const bool says_something =
        rule.forbidden || rule.ask || rule.weight != 1 || !rule.models.empty();
    if (says_something) pool.rules.insert_or_assign(credential.id.hex(), std::move(rule));
  }
  return pool;
}

CREDPOOL_INLINE void apply_ownership(const Settings& settings,
                                     std::vector<Credential>& credentials) {
  for (auto& credential : credentials) {
    auto chosen = settings.ownership.find(credential.profile_id);
    if (chosen == settings.ownership.end()) chosen = settings.ownership.find(credential.cli);
    if (chosen == settings.ownership.end() || credential.ownership == Ownership::adopt) continue;
    if (chosen->second != Ownership::adopt) credential.ownership = chosen->second;
  }
}

}  // namespace credpool::inline CREDPOOL_ABI
