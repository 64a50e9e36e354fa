#pragma once
// SPDX-License-Identifier: MIT

// Internal: included by .ipp files only.

#include <credpool/core/version.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The scopes of a list that is separated by blanks (RFC 6749 section 3.3).
inline std::vector<std::string> scope_words(std::string_view scope) {
  std::vector<std::string> words;
  while (!scope.empty()) {
    const auto end = std::min(scope.find(' '), scope.size());
    if (end > 0) words.emplace_back(scope.substr(0, end));
    scope.remove_prefix(std::min(end + 1, scope.size()));
  }
  return words;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
