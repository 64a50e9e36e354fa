#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>

#include <span>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What we found in a provider's terms about the use of its credentials through a proxy.
///
/// It is a reading, no legal advice, and it gets old: `read_on` says how old it is, `link` where to
/// look.
struct ProviderPolicy {
  std::string_view providers;  ///< ids separated by blanks
  std::string_view kinds;      ///< names of Kind, separated by blanks
  ProviderUse use;             ///< allow, ask (the user decides), forbid
  std::string_view read_on;    ///< "2026-11-21"; empty: not read, `why` is a guess on the safe side
  std::string_view link;       ///< the terms, or the page that says it
  std::string_view why;        ///< one sentence
};

/// Every row, in the order in which they are looked up.
std::span<const ProviderPolicy> provider_policies() noexcept;

/// The row for a credential; null for a provider of the user's own, and for keys of a provider that
/// is not in the table: whose key it is knows their contract.
const ProviderPolicy* policy_of(const Credential& credential) noexcept;

/// Whether a credential may be used through the proxy: what the user wrote about its provider
/// (`policy.<provider>`), else what the table says. A login of a provider that is not in the table
/// is `ask`.
ProviderUse proxy_use(const Credential& credential, const Settings& settings) noexcept;

/// The same as an answer.
/// @errors forbidden: why, how to allow it, and the link to the terms
Result<void> check_proxy_use(const Credential& credential, const Settings& settings);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/provider_policy.ipp>
#endif
