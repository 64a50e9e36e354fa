#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// The TypeScript Kimi Code: OAuth logins in `credentials/<slot>.json`, API keys in `config.toml`,
/// both below `$KIMI_CODE_HOME` or ~/.kimi-code, and a key in the environment
/// (KIMI_MODEL_API_KEY, which counts only together with KIMI_MODEL_NAME and KIMI_MODEL_BASE_URL).
///
/// A login knows its `oauth_host` and `base_url`: the slot's name is a hash over both. A slot
/// that belongs to servers that nothing here names is listed and not usable, since its tokens must
/// not be sent anywhere else. The tokens of MCP servers (`credentials/mcp/`) are not touched.
///
/// @source kimi-code 2.1.0: packages/oauth
struct KimiCode {
  static constexpr std::string_view cli = "kimi-code";
  static constexpr std::string_view provider = "kimi-code";
  static constexpr std::array<std::string_view, 1> programs{"kimi"};
  static constexpr std::array<std::string_view, 1> variables{"KIMI_MODEL_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;

  /// Its logins are written under the directory lock that Kimi Code takes in `oauth/`, unless
  /// KIMI_DISABLE_OAUTH_LOCK=1.
  /// @errors unsupported when it is no such login; those of reading the file
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const;
};
static_assert(CredentialSource<KimiCode>);
static_assert(StoresLogins<KimiCode>);

/// The name under which Kimi Code keeps the login for a pair of servers.
///
/// "kimi-code" for the pair of mainland China, else "kimi-code-env-" and 16 hexadecimal digits.
/// Trailing slashes do not count.
///
/// @param oauth_host origin of the authorization server, such as "https://auth.kimi.com"
/// @param base_url   of the API, such as "https://api.kimi.com/coding/v1"
/// @errors none
/// @source kimi-code 2.1.0: packages/oauth
std::string kimi_code_slot(std::string_view oauth_host, std::string_view base_url);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/kimi_code.ipp>
#endif
