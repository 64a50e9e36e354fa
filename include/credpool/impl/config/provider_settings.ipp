#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/provider_settings.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(ProviderApi api) noexcept {
  switch (api) {
    case ProviderApi::openai:
      return "openai";
    case ProviderApi::anthropic:
      return "anthropic";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
