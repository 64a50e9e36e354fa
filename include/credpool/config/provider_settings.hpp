#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Whose API a provider of the user's own speaks.
enum class ProviderApi {
  openai,     ///< chat/completions and its neighbours, below the base URL
  anthropic,  ///< v1/messages, below the base URL
};

std::string_view to_string(ProviderApi api) noexcept;

/// A provider that the user added: a gateway, a company's own server, a model on this machine.
///
/// The key itself never stands here. With neither a variable nor a file none is needed, as for a
/// server on this machine.
struct ProviderSettings {
  std::string base_url;
  ProviderApi api = ProviderApi::openai;
  std::string key_variable = {};  ///< the environment variable that holds the key; may be empty
  /// The file that holds the key and nothing else; may be empty.
  std::filesystem::path key_file = {};
  std::vector<std::string> models = {};  ///< what it serves; empty: not told
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/provider_settings.ipp>
#endif
