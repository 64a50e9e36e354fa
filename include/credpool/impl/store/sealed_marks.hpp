#pragma once
// SPDX-License-Identifier: MIT

// What lies sealed in the state directory: secrets.json and one file for each login. Internal.

#include <credpool/core/directory_listing.hpp>
#include <credpool/core/file.hpp>
#include <credpool/impl/store/secrets_document.hpp>
#include <credpool/store/state_directory.hpp>

#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::size_t login_max_bytes = 256 * 1024;

/// Reads one of our own files; a link is never followed there.
inline Result<Json> read_secrets(const StateDirectory& directory, const Environment& environment) {
  const auto path = directory.secrets_file();
  const auto file = read_file(path, environment, {secrets_max_bytes, false, true});
  if (!file && file.error().errc() == Errc::not_found) return empty_secrets_document();
  if (!file) return fail(file.error());
  auto document = read_secrets_document(file->bytes.reveal());
  if (document) return document;
  auto error = document.error();
  error.place = path.string() + " at " + error.place;
  return fail(std::move(error));
}

/// The files of our own logins, sorted, however many they are.
/// @return nothing when there is no such directory
inline Result<std::vector<std::filesystem::path>> login_files(const StateDirectory& directory,
                                                              const Environment& environment) {
  auto files = list_files_ending_in(environment, directory.logins_directory(), ".json",
                                    std::numeric_limits<std::size_t>::max());
  if (files) return files;
  auto error = files.error();
  error.doing = "listing our own logins";
  return fail(std::move(error));
}

/// What lies sealed, told by the marks of the keys.
struct SealedMarks {
  bool any = false;            ///< something is sealed there, whatever the key
  std::set<std::string> keys;  ///< the marks that could be read
};

/// @param except a login's file that is about to be replaced; may be empty
inline SealedMarks sealed_marks(const StateDirectory& directory, const Environment& environment,
                                const std::filesystem::path& except = {}) {
  SealedMarks marks;
  if (const auto secrets = read_secrets(directory, environment); !secrets) {
    marks.any = true;
  } else if (!secrets->at("secrets").empty()) {
    marks.any = true;
    marks.keys.insert(std::string{text_or_empty(*secrets, "key")});
  }
  const auto files = login_files(directory, environment);
  if (!files) marks.any = true;
  for (const auto& path : files.value_or(std::vector<std::filesystem::path>{})) {
    if (path == except) continue;
    marks.any = true;
    const auto file = read_file(path, environment, {login_max_bytes, false, true});
    const auto login = file ? parse_json(file->bytes.reveal()) : Result<Json>{Json{}};
    if (const auto mark = login ? text_member(*login, "key") : std::nullopt)
      marks.keys.insert(std::string{*mark});
  }
  return marks;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
