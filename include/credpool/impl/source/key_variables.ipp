#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/key_variables.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct ProviderHost {
  std::string_view host;  ///< lower case; its subdomains belong to it too
  std::string_view provider;
};

inline constexpr std::array provider_hosts{
    ProviderHost{"api.openai.com", "openai"},
    ProviderHost{"api.anthropic.com", "anthropic"},
    ProviderHost{"generativelanguage.googleapis.com", "gemini"},
    ProviderHost{"aliyuncs.com", "dashscope"},
    ProviderHost{"api.kimi.com", "kimi-code"},
    ProviderHost{"api.kimi.ai", "kimi-code"},
    ProviderHost{"api.moonshot.ai", "moonshot"},
    ProviderHost{"api.moonshot.cn", "moonshot"},
    ProviderHost{"openrouter.ai", "openrouter"},
    ProviderHost{"api.deepseek.com", "deepseek"},
    ProviderHost{"api.x.ai", "xai"},
    ProviderHost{"iflow.cn", "iflow"},
    ProviderHost{"api.githubcopilot.com", "github-copilot"},
};

inline bool host_belongs_to(std::string_view host, std::string_view owner) noexcept {
  if (host.size() < owner.size()) return false;
  const auto tail = host.substr(host.size() - owner.size());
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
  };
  if (!std::equal(tail.begin(), tail.end(), owner.begin(), same)) return false;
  return host.size() == owner.size() || host[host.size() - owner.size() - 1] == '.';
}

}  // namespace detail

CREDPOOL_INLINE std::string_view provider_of_base_url(std::string_view url) noexcept {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  auto host = url.substr(0, url.find_first_of("/?#\\"));
  if (const auto user = host.rfind('@'); user != std::string_view::npos)
    host.remove_prefix(user + 1);
  host = host.substr(0, host.find(':'));
  for (const auto& known : detail::provider_hosts)
    if (detail::host_belongs_to(host, known.host)) return known.provider;
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
