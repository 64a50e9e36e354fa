#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>
#include <credpool/source/key_variables.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// The keys and tokens in environment variables: those of `key_variables`, and for each
/// `<P>_API_KEY` of them the lists and numbered variables that OpenClaw rotates through:
/// `OPENCLAW_LIVE_<P>_KEY`, `OPENCLAW_LIVE_<P>_KEYS`, `<P>_API_KEYS` (split at blanks, commas and
/// semicolons) and
/// `<P>_API_KEY_<anything>`.
///
/// Keys come in OpenClaw's order of use, each key once, with every variable that holds it as a
/// place
/// ("env:NAME"). A value that may not stand in a header is listed as unusable.
///
/// @source OpenClaw 2026.9.6, key rotation by environment
struct EnvKeys {
  static constexpr std::string_view cli = "env";
  static constexpr std::string_view provider = "env";  ///< of a source; each key has its own

  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<EnvKeys>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/env_keys.ipp>
#endif
