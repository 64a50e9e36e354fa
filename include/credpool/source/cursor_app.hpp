#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs SQLite. Not under the umbrella header.

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Cursor's application: the keys `cursorAuth/accessToken` and `cursorAuth/refreshToken` of the
/// table ItemTable in `$XDG_CONFIG_HOME/Cursor/User/globalStorage/state.vscdb`, an SQLite database.
/// The access token is a JWT and tells when it ends.
///
/// Cursor may be running. Its one file is read as it stands, declared immutable: no lock is taken,
/// nothing is written, and no `-wal`, `-shm` or `-journal` appears or changes. So what Cursor has
/// committed to its write-ahead log only is not seen; the place is marked then, since the token may
/// be an older one. When the file changes while it is read, it is read again, at most three times.
///
/// A database without these keys is one of an application that nobody logged in to, and is passed
/// over. It may have grown to gigabytes; only a few pages of it are read.
///
/// @source third-party tools
struct CursorApp {
  static constexpr std::string_view cli = "cursor-app";
  static constexpr std::string_view provider = "cursor";
  static constexpr std::array<std::string_view, 1> programs{"cursor"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<CursorApp>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/cursor_app.ipp>
#endif
