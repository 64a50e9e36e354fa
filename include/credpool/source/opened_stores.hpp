#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What encrypted stores held when they were last opened, for who only wants to show it: a store
/// that is costly to open is not opened again as long as its bytes are the same.
///
/// Kept in one small file of our own (0600). It holds no key and no token: of a token its hash,
/// as the history does, and of a credential what a scan shows. The credentials it gives back have
/// no secret but Credential::unread, so that they can be shown and not lent. Nothing depends on
/// the file: one that is missing, damaged, too large, a link, of another version, or that others
/// may read or write counts as empty, and the stores are opened.
///
/// @thread_safety caller serialises; processes may share the file, the last one to write counts
class OpenedStores {
 public:
  /// @param file where it is kept; read when the first store is asked for
  OpenedStores(std::filesystem::path file, Environment environment);

  /// The credentials that the store held, without secrets.
  /// @param store names the store, its bytes and all that decides what they mean: a digest of these
  /// @return none when nothing is known about it; the places have a pointer, but no location yet
  std::optional<std::vector<Credential>> recall(const Digest& store);

  /// Notes what a store has been found to hold; of the credentials' places the first one's pointer.
  void note(const Digest& store, std::span<const Credential> credentials);

  /// Writes the file when something was noted; the oldest notes make room. Makes its directory.
  /// @errors unsafe_file when there is a link or no regular file in its place; those of
  ///         replace_file()
  Result<void> keep();

 private:
  struct Note {
    std::string store;  ///< hexadecimal
    std::vector<Credential> credentials;
  };

  void load();

  std::filesystem::path file_;
  Environment environment_;
  std::vector<Note> notes_ = {};  ///< the newest first
  bool loaded_ = false;
  bool changed_ = false;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/opened_stores.ipp>
#endif
