#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rpc/scope.hpp>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline constexpr Scope rpc_all_scopes[] = {Scope::read, Scope::operate, Scope::admin,
                                           Scope::secrets};

}  // namespace detail

CREDPOOL_INLINE std::string_view to_string(Scope scope) noexcept {
  switch (scope) {
    case Scope::read:
      return "read";
    case Scope::operate:
      return "operate";
    case Scope::admin:
      return "admin";
    case Scope::secrets:
      return "secrets";
  }
  return "";
}

CREDPOOL_INLINE std::optional<Scope> scope_of_name(std::string_view name) noexcept {
  for (const auto scope : detail::rpc_all_scopes)
    if (to_string(scope) == name) return scope;
  return std::nullopt;
}

CREDPOOL_INLINE std::string Scopes::text() const {
  std::string text;
  for (const auto scope : detail::rpc_all_scopes)
    if (has(scope)) text.append(text.empty() ? "" : " ").append(to_string(scope));
  return text;
}

}  // namespace credpool::inline CREDPOOL_ABI
