#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/sources.hpp>

#include <algorithm>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE CliFacts cli_facts(std::string_view cli, std::string_view provider,
                                   std::span<const std::string_view> programs,
                                   std::vector<std::filesystem::path> files,
                                   std::span<const std::string_view> variables,
                                   const Environment& environment) {
  CliFacts facts;
  facts.cli = cli;
  facts.provider = provider;
  facts.names_programs = !programs.empty();
  for (const auto program : programs) {
    facts.program = environment.find_program(program);
    if (facts.program) break;
  }
  for (const auto& file : files)
    if (environment.exists(file)) facts.files_found.push_back(file);
  facts.files_looked_at = std::move(files);
  for (const auto variable : variables)
    if (environment.variable(variable)) facts.variables_set.emplace_back(variable);
  return facts;
}

CREDPOOL_INLINE void add_discovered(Discovery& discovery, std::string_view cli, int priority,
                                    Result<std::vector<Credential>> found) {
  if (!found) {
    discovery.failures.push_back({std::string{cli}, std::move(found).error()});
    return;
  }
  for (auto& credential : *found) {
    credential.priority = priority;
    // Everything later relies on a first place, which a source of the user's own may have left out.
    if (credential.places.empty()) credential.places.push_back({"source:" + std::string{cli}, {}});
    for (auto& place : credential.places)
      if (place.cli.empty()) place.cli = cli;
    discovery.credentials.push_back(std::move(credential));
  }
}

CREDPOOL_INLINE void finish_discovery(Discovery& discovery) {
  const auto claim = [](const Credential& credential) {
    return std::pair{credential.priority, credential.places.front().shared};
  };
  std::stable_sort(discovery.credentials.begin(), discovery.credentials.end(),
                   [&](const Credential& a, const Credential& b) { return claim(a) < claim(b); });
  merge_same_tokens(discovery.credentials);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
