#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/pool/settings.hpp>
#include <credpool/source/sources.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Which sources are looked at, and whose credentials go first, as the configuration says.
/// @param clis all sources there are; those that the configuration does not name get its default
SourceSettingsByCli source_settings(const Settings& settings,
                                    std::span<const std::string_view> clis);

/// How the pool behaves, as the configuration says. Weights, models and providers' rules are
/// written for CLIs, providers or profiles; here they become rules of the credentials that were
/// found.
PoolSettings pool_settings(const Settings& settings, const std::vector<Credential>& credentials);

/// Gives credentials the ownership that the configuration says for their CLI.
///
/// A login is never taken over (Ownership::adopt) by a setting alone: its store stays a live copy.
void apply_ownership(const Settings& settings, std::vector<Credential>& credentials);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/from_settings.ipp>
#endif
