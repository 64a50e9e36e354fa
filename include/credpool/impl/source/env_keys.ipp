#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/env_keys.hpp>

#include <credpool/impl/source/key_search.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<std::vector<Credential>> EnvKeys::discover(
    const Environment& environment) const {
  std::vector<Credential> found;
  const auto place = [](std::string_view name, std::string_view pointer) {
    return Place{"env:" + std::string{name}, std::string{pointer}};
  };
  detail::collect_keys({.cli = cli,
                        .reader = {},
                        .rotation = true,
                        .values = environment.variables(),
                        .environment = environment.variables(),
                        .place = place},
                       found);
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
