#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// opencode: logins and keys of many providers in one `auth.json`, below `$XDG_DATA_HOME/opencode`.
/// `$OPENCODE_AUTH_CONTENT` may hold the same JSON; opencode then uses that instead of the file.
/// Both are listed, the variable first.
///
/// Each OAuth entry is opencode's own copy of a login whose refresh token works once: it is
/// borrowed, never refreshed from here. Provider ids are taken as they are written.
///
/// @source opencode 1.18.33: packages/opencode/src/auth/index.ts, `opencode auth list`
struct Opencode {
  static constexpr std::string_view cli = "opencode";
  static constexpr std::string_view provider = "opencode";  ///< of a store that cannot be read
  static constexpr std::array<std::string_view, 1> programs{"opencode"};
  static constexpr std::array<std::string_view, 1> variables{"OPENCODE_AUTH_CONTENT"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<Opencode>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/opencode.ipp>
#endif
