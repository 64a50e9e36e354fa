#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// The Python kimi-cli: OAuth logins in `credentials/*.json`, API keys in `config.toml`, both below
/// `$KIMI_SHARE_DIR` or ~/.kimi.
///
/// @source kimi-cli 1.49.0: auth/oauth.py, config.py, share.py
struct KimiCli {
  static constexpr std::string_view cli = "kimi-cli";
  static constexpr std::string_view provider = "kimi-code";
  static constexpr std::array<std::string_view, 3> programs{"kimi-cli", "kimi", "kimi-legacy"};
  static constexpr std::array<std::string_view, 1> variables{"KIMI_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;

  /// Its logins are written under the flock that kimi-cli takes beside the file.
  /// @errors unsupported when it is no such login; those of reading the file
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const;
};
static_assert(CredentialSource<KimiCli>);
static_assert(StoresLogins<KimiCli>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/kimi_cli.ipp>
#endif
