#pragma once
// SPDX-License-Identifier: MIT

#include <throwaway_home.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Feeds any bytes to a source as each of its store files, and checks what must always hold.
///
/// @param relative the store file below the home directory
template <class Source> void fuzz_store(const char* relative, std::string_view bytes) {
  static const ThrowawayHome home;
  const auto path = home.write(relative, bytes);
  const auto found = Source{}.discover(home.environment());
  std::filesystem::remove(path);
  // Nothing in a file can stop the source from looking.
  if (!found) std::abort();
  for (const auto& credential : *found) {
    if (credential.cli != Source::cli) std::abort();
    // A token stands in a header line: no control character may get that far.
    for (const char c : credential.secret.reveal())
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
    // No text that is shown may hold the token. Short ones turn up in any text by chance.
    const auto token = credential.secret.reveal();
    if (token.size() >= 12 && credential.detail.find(token) != std::string::npos) std::abort();
  }
}
