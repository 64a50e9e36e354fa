#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs libsodium. Not under the umbrella header.

#include <credpool/store/secret_store.hpp>
#include <credpool/store/state_directory.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// Secrets of our own in one JSON file, each sealed by itself.
///
/// The file `secrets.json` (0600) of the state directory shows what a record is about; its secret
/// is sealed with XChaCha20-Poly1305 under a random 32-byte key, bound to everything that decides
/// who gets it (profile id, CLI, provider, kind, base URL, time of creation), so that neither
/// swapping two secrets nor pointing one at another host goes unnoticed. The note is not bound.
///
/// The key stands as 64 hexadecimal digits in `$CREDPOOL_KEY_FILE`, which must exist, or in the
/// file `key` of the state directory, which the first put() makes. A key file that others can read,
/// that belongs to somebody else or that is a link is refused; only `$CREDPOOL_KEY_FILE` may be a
/// link, since that is how secrets are mounted into containers. A new key is never made while the
/// file holds secrets of an old one.
///
/// Members that another version wrote are kept. Writers take turns by a lock on
/// `secrets.json.lock` and replace the file as a whole; a reader sees the old or the new one.
///
/// @thread_safety one object: caller serialises; several processes: safe
class SealedFile {
 public:
  SealedFile(StateDirectory directory, Environment environment);

  /// @errors invalid_argument (see check_record()); store_unwritable when the key does not fit what
  ///         is there already; busy when another writer does not finish within 10 s; too_large when
  ///         the file would pass 1 MiB; the errors of reading and of writing the files
  Result<void> put(const SecretRecord& record);

  /// @errors not_found; login_needed when the key is gone, is another one, or the record was
  /// changed
  ///         after it was sealed: importing the secret again mends it; the errors of reading
  Result<SecretRecord> get(std::string_view profile_id) const;

  /// Needs no key.
  /// @return nothing when there is no file
  /// @errors malformed, duplicate_key, too_deep, too_large, unsafe_file, permission_denied, io;
  ///         unsupported for a file of a newer version
  Result<std::vector<SecretRecord>> list() const;

  /// Needs no key.
  Result<void> erase(std::string_view profile_id);

  std::string location() const { return directory_.secrets_file().string(); }

 private:
  StateDirectory directory_;
  Environment environment_;
};
static_assert(SecretStore<SealedFile>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/sealed.ipp>
#endif
