#pragma once
// SPDX-License-Identifier: MIT

// The `env` section that the settings files of several CLIs have. Internal: included by .ipp files
// only.

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/source/key_search.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The variables that the settings set; what is not a text is passed over, as the CLIs do.
inline NamedValues settings_values(const Json& settings) {
  NamedValues values;
  if (const auto* entries = member(settings, "env"); entries && entries->is_object())
    for (const auto& [name, value] : entries->items())
      if (value.is_string()) values.emplace(name, value.get_ref<const std::string&>());
  return values;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
