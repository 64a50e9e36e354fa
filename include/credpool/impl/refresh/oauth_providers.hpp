#pragma once
// SPDX-License-Identifier: MIT

// What is known of the providers' authorization servers: one row each. Internal.

#include <credpool/refresh/token_endpoint.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One authorization server. Every client here is public: the CLI's source or program shows it.
struct OAuthProvider {
  std::string_view provider;  ///< as the sources spell it
  std::string_view origin;
  std::string_view token_path;
  std::string_view client_id;  ///< empty: it stands in the login's own file
  TokenEncoding encoding = TokenEncoding::form;
  std::string_view refresh_parameter = {};  ///< sent with a refresh besides the usual ones
  std::string_view refresh_value = {};
  bool needs_secret = false;  ///< an installed application of Google, which has one
};

inline constexpr std::string_view google_origin = "https://oauth2.googleapis.com";
inline constexpr std::string_view claude_scopes =
    "user:profile user:inference user:sessions:claude_code user:mcp_servers user:file_upload";

/// @source kimi-cli 1.49.0 and kimi-code 2.1.0 (oauth), codex 0.169.0 (login), qwen-code 0.24.4,
///         gemini-cli 0.61.0 (code_assist/oauth2), claude-code 2.1.329; xai, google-antigravity
///         and factory as third parties use them
inline constexpr std::array oauth_providers{
    OAuthProvider{"kimi-code", "https://auth.kimi.com", "/api/oauth/token",
                  "17e5f671-d194-4dfb-9706-5516cb48c098"},
    OAuthProvider{"openai", "https://auth.openai.com", "/oauth/token",
                  "app_EMoamEEZ73f0CkXaXp7hrann", TokenEncoding::json, "refresh_reason",
                  "proactive_expiry"},
    OAuthProvider{"qwen-portal", "https://chat.qwen.ai", "/api/v1/oauth2/token",
                  "f0304373b74a44d2b584a3fb70ca9e56"},
    OAuthProvider{"google-gemini-cli", google_origin, "/token",
                  "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
                  TokenEncoding::form, "", "", true},
    OAuthProvider{"google-antigravity", google_origin, "/token",
                  "1071006060591-tmhssin2h21lcre235vtolojh4g403ep.apps.googleusercontent.com",
                  TokenEncoding::form, "", "", true},
    OAuthProvider{"google-vertex", google_origin, "/token", "", TokenEncoding::form, "", "", true},
    OAuthProvider{"anthropic", "https://platform.claude.com", "/v1/oauth/token",
                  "9d1c250a-e61b-44d9-88ed-5944d1962f5e", TokenEncoding::json, "scope",
                  claude_scopes},
    OAuthProvider{"xai", "https://auth.x.ai", "/oauth2/token",
                  "b1a00492-073a-47ea-816f-4c329264a828"},
    OAuthProvider{"factory", "https://api.workos.com", "/user_management/authenticate",
                  "client_01HNM792M5G5G1A2THWPXKFMXB", TokenEncoding::json},
};

/// The row of that provider; null when it is not known.
inline const OAuthProvider* find_oauth_provider(std::string_view provider) noexcept {
  const auto found = std::find_if(oauth_providers.begin(), oauth_providers.end(),
                                  [&](const auto& row) { return row.provider == provider; });
  return found == oauth_providers.end() ? nullptr : &*found;
}

inline std::string oauth_without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string{url};
}

/// Scheme, host and port of an absolute URL.
inline std::string oauth_origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  const auto start = scheme == std::string_view::npos ? 0 : scheme + 3;
  return std::string{url.substr(0, url.find('/', start))};
}

/// A configured address: an origin gets the path, an address with a path is taken as it is.
inline std::string oauth_url_with_path(std::string_view configured, std::string_view path) {
  const auto url = oauth_without_slash(configured);
  return url == oauth_origin_of(url) ? url + std::string{path} : url;
}

/// A header's name without its case.
inline std::string folded_header(std::string_view name) {
  std::string folded{name};
  for (auto& c : folded)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return folded;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
