#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rpc/scope.hpp>

#include <credpool/impl/core/json.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Scopes as a list of their names.
inline OrderedJson scope_list(Scopes scopes) {
  auto list = OrderedJson::array();
  for (const auto scope : {Scope::read, Scope::operate, Scope::admin, Scope::secrets})
    if (scopes.has(scope)) list.push_back(std::string{to_string(scope)});
  return list;
}

/// What scope_list() wrote; none when it is anything else.
inline std::optional<Scopes> scopes_in(const Json* list) {
  if (list == nullptr || !list->is_array()) return std::nullopt;
  Scopes scopes;
  for (const auto& name : *list) {
    const auto scope =
        name.is_string() ? scope_of_name(name.get_ref<const std::string&>()) : std::nullopt;
    if (!scope) return std::nullopt;
    scopes.add(*scope);
  }
  return scopes;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
