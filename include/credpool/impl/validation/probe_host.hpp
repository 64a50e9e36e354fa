#pragma once
// SPDX-License-Identifier: MIT

// Internal: shared by probe.ipp and http_validator.ipp.

#include <credpool/core/version.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Host and port of an absolute URL, as written.
inline std::string probe_host(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string{url.substr(0, std::min(url.find_first_of("/?#"), url.size()))};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
