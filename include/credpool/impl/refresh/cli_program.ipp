#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/cli_program.hpp>

#include <credpool/core/file.hpp>
#include <credpool/impl/refresh/passed_variables.hpp>

#include <limits>

#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<std::filesystem::path> find_cli_program(std::string_view program,
                                                               std::string_view doing,
                                                               const Environment& environment) {
  const auto path = environment.find_program(program);
  if (!path)
    return fail(Errc::not_found, std::string{doing}, std::string{program},
                "it is not on the PATH; relative entries do not count");
  const auto facts =
      inspect_file(*path, environment, {std::numeric_limits<std::size_t>::max(), true, false});
  if (!facts) return fail(facts.error());
  const auto unsafe = [&](const std::filesystem::path& what) {
    return fail(Errc::unsafe_file, std::string{doing}, what.string(),
                "others can write to it: chmod go-w '" + what.string() + "'");
  };
  if ((facts->mode & 022) != 0) return unsafe(facts->resolved);
  for (const auto& directory : {path->parent_path(), facts->resolved.parent_path()}) {
    struct stat folder {};
    if (::stat(directory.c_str(), &folder) != 0 || (folder.st_mode & 022) == 0) continue;
    if ((folder.st_mode & S_ISVTX) == 0) return unsafe(directory);
  }
  return *path;
}

CREDPOOL_INLINE std::map<std::string, std::string, std::less<>> cli_variables(
    const Environment& environment) {
  return detail::passed_variables(environment);
}

}  // namespace credpool::inline CREDPOOL_ABI
