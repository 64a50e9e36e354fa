#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// OpenAI's Codex: `auth.json` in `$CODEX_HOME` or ~/.codex, which holds a ChatGPT login, an API
/// key, both, or a personal access token.
///
/// A ChatGPT login is borrowed: codex spends its single-use refresh token without taking a lock
/// first, so nobody else may. Its end is the `exp` of the access token; codex refreshes 300 s
/// before, and only when there is no readable `exp`, 8 days after the last refresh. A login that
/// `config.toml` puts into the system's keyring is named, not read.
///
/// @source codex 0.169.0: codex-rs/login/src/auth
struct CodexCli {
  static constexpr std::string_view cli = "codex-cli";
  static constexpr std::string_view provider = "openai";
  static constexpr std::array<std::string_view, 1> programs{"codex"};
  static constexpr std::array<std::string_view, 3> variables{"CODEX_API_KEY", "OPENAI_API_KEY",
                                                             "CODEX_ACCESS_TOKEN"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;

  /// The ChatGPT login of auth.json. codex cannot be kept from spending the refresh token at the
  /// same time: there is no lock for that, only one for the write.
  /// @errors unsupported when it is no such login; those of reading the file
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const;
};
static_assert(CredentialSource<CodexCli>);
static_assert(StoresLogins<CodexCli>);

/// The account under which codex keeps a login in the keyring (service "Codex Auth"): "cli|" and
/// 16 hexadecimal digits of the SHA-256 of its home's path.
///
/// @param home the canonical path of codex's home
/// @errors none
/// @source codex 0.169.0: codex-rs/login/src/auth/storage.rs
std::string codex_keyring_account(const std::filesystem::path& home);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/codex_cli.ipp>
#endif
