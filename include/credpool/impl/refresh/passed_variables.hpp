#pragma once
// SPDX-License-Identifier: MIT

// Which variables a program that we start may know. Internal.

#include <credpool/core/environment.hpp>

#include <array>
#include <map>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where files lie, how the network is reached, which servers are asked. No variable that holds a
/// key or a token: neither we nor a CLI that is to refresh its own login have use for one, and a
/// CLI that finds a key uses that instead of its login.
inline constexpr std::array<std::string_view, 41> passed_variable_names{
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_SECURESTORAGE_CONFIG_DIR",
    "CODEX_HOME",
    "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
    "DBUS_SESSION_BUS_ADDRESS",
    "GEMINI_CLI_HOME",
    "GEMINI_FORCE_ENCRYPTED_FILE_STORAGE",
    "GEMINI_FORCE_FILE_STORAGE",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "KIMI_BASE_URL",
    "KIMI_CODE_BASE_URL",
    "KIMI_CODE_HOME",
    "KIMI_CODE_OAUTH_HOST",
    "KIMI_DISABLE_OAUTH_LOCK",
    "KIMI_OAUTH_HOST",
    "KIMI_SHARE_DIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "PATH",
    "QWEN_HOME",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy"};

/// Only the entries that name an absolute directory: the others mean a place that whoever started
/// us has chosen.
inline std::string absolute_path_entries(std::string_view path) {
  std::string kept;
  while (!path.empty()) {
    const auto entry = path.substr(0, path.find(':'));
    if (entry.starts_with('/')) kept += (kept.empty() ? "" : ":") + std::string{entry};
    path.remove_prefix(std::min(path.size(), entry.size() + 1));
  }
  return kept;
}

inline std::map<std::string, std::string, std::less<>> passed_variables(
    const Environment& environment) {
  std::map<std::string, std::string, std::less<>> passed;
  for (const auto name : passed_variable_names)
    if (auto value = environment.variable(name)) passed.emplace(name, std::move(*value));
  if (const auto path = passed.find("PATH"); path != passed.end())
    path->second = absolute_path_entries(path->second);
  if (const auto home = environment.home()) passed.insert_or_assign("HOME", home->string());
  return passed;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
