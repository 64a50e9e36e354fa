#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// aider: keys in `.env` and `.aider.conf.yml`, each looked for in the home directory, the root of
/// the Git work tree and the working directory, and those that its own login fetched in
/// ~/.aider/oauth-keys.env.
///
/// Of two `.env` files that set one variable aider takes the later one in that order. It comes
/// first here; the other is listed after it and its detail says so.
///
/// @source aider's documentation: Config with .env, YAML config file, API keys
struct Aider {
  static constexpr std::string_view cli = "aider";
  static constexpr std::string_view provider = "aider";  ///< of a file that cannot be read
  static constexpr std::array<std::string_view, 1> programs{"aider"};
  static constexpr std::array<std::string_view, 5> variables{"OPENAI_API_KEY", "ANTHROPIC_API_KEY",
                                                             "GEMINI_API_KEY", "DEEPSEEK_API_KEY",
                                                             "OPENROUTER_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<Aider>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/aider.ipp>
#endif
