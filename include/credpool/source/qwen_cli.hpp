#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Qwen Code: the OAuth login in `oauth_creds.json` and API keys in `settings.json`, both below
/// `$QWEN_HOME` or ~/.qwen, the project's `.qwen/settings.json`, and the .env files it reads.
///
/// Qwen's OAuth service ended on 2026-04-15: a login is listed with Reason::service_ended, because
/// some servers named by `resource_url` still take it. API keys are listed under the provider of
/// their base URL, usually "dashscope".
///
/// @source qwen-code 0.24.4, shipped program
struct QwenCli {
  static constexpr std::string_view cli = "qwen-cli";
  static constexpr std::string_view provider = "qwen-portal";
  static constexpr std::array<std::string_view, 1> programs{"qwen"};
  static constexpr std::array<std::string_view, 7> variables{"OPENAI_API_KEY",
                                                             "DASHSCOPE_API_KEY",
                                                             "BAILIAN_CODING_PLAN_API_KEY",
                                                             "BAILIAN_TOKEN_PLAN_API_KEY",
                                                             "ANTHROPIC_API_KEY",
                                                             "GEMINI_API_KEY",
                                                             "GOOGLE_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;

  /// The login of oauth_creds.json, written under the lock file that Qwen Code takes.
  /// @errors unsupported when it is no such login; those of reading the file
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const;
};
static_assert(CredentialSource<QwenCli>);
static_assert(StoresLogins<QwenCli>);
static_assert(NamesItsFiles<QwenCli>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/qwen_cli.ipp>
#endif
