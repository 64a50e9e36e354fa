#pragma once
// SPDX-License-Identifier: MIT

// The key of our own secrets and the box they lie in. Internal: for the bodies of opt-in headers
// that need libsodium.

#include <credpool/core/file_lock.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/impl/store/sealed_marks.hpp>

#include <sodium.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Bytes between guard pages, kept out of swap and core dumps, wiped at the end.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t size)
      : size_{size}, bytes_{static_cast<unsigned char*>(sodium_malloc(size))} {
    if (!bytes_) throw std::bad_alloc{};
  }

  unsigned char* data() const noexcept { return bytes_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.get()), size_};
  }

 private:
  struct Free {
    void operator()(unsigned char* bytes) const noexcept { sodium_free(bytes); }
  };
  std::size_t size_;
  std::unique_ptr<unsigned char, Free> bytes_;
};

inline const unsigned char* sealed_bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

inline Result<void> start_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) return fail(Errc::io, "starting libsodium", {}, "no random numbers are to be had");
  return {};
}

/// What tells one key from another without telling anything about it.
inline std::string key_mark(const GuardedBytes& key) {
  constexpr std::string_view purpose = "credpool key mark 1";
  std::array<unsigned char, 16> mark{};
  crypto_generichash(mark.data(), mark.size(), sealed_bytes(purpose), purpose.size(), key.data(),
                     key.size());
  return to_hex({reinterpret_cast<const char*>(mark.data()), 8});
}

struct SealedText {
  std::string nonce;
  std::string sealed;
};

/// Seals bytes so that only the same key and the same binding open them again.
inline SealedText seal_bytes(std::string_view bytes, std::string_view binding,
                             const GuardedBytes& key) {
  SealedText text;
  text.nonce.resize(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  randombytes_buf(text.nonce.data(), text.nonce.size());
  text.sealed.resize(bytes.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(text.sealed.data()),
                                             nullptr, sealed_bytes(bytes), bytes.size(),
                                             sealed_bytes(binding), binding.size(), nullptr,
                                             sealed_bytes(text.nonce), key.data());
  return text;
}

/// @return none when the key, the binding or the text is not the one of sealing
inline std::optional<Secret> unseal_bytes(const SealedText& text, std::string_view binding,
                                          const GuardedBytes& key) {
  constexpr std::size_t tag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (text.nonce.size() != crypto_aead_xchacha20poly1305_ietf_NPUBBYTES ||
      text.sealed.size() <= tag)
    return std::nullopt;
  const GuardedBytes bytes{text.sealed.size() - tag};
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          bytes.data(), nullptr, nullptr, sealed_bytes(text.sealed), text.sealed.size(),
          sealed_bytes(binding), binding.size(), sealed_bytes(text.nonce), key.data()) != 0)
    return std::nullopt;
  return Secret{bytes.text()};
}

/// What a seal is bound to, as bytes.
inline std::string sealing_binding(std::initializer_list<std::string_view> parts) {
  const auto digest = sha256_of_parts(parts);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

inline Result<GuardedBytes> parse_key(std::string_view text, const std::string& place) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  GuardedBytes key{crypto_aead_xchacha20poly1305_ietf_KEYBYTES};
  std::size_t size = 0;
  if (text.size() != 2 * key.size() ||
      sodium_hex2bin(key.data(), key.size(), text.data(), text.size(), nullptr, &size, nullptr) !=
          0 ||
      size != key.size())
    return fail(Errc::malformed, "reading the sealing key", place,
                "it must hold 64 hexadecimal digits: restore it from a backup");
  return key;
}

/// Where the key stands, and whether we may make it there.
struct KeyPlace {
  std::filesystem::path path;
  bool chosen_by_user;
};

inline KeyPlace key_place(const StateDirectory& directory, const Environment& environment) {
  if (const auto chosen = environment.variable("CREDPOOL_KEY_FILE"))
    return {environment.expand(*chosen), true};
  return {directory.key_file(), false};
}

/// @errors not_found when there is none; unsafe_file when others could read or swap it; malformed
inline Result<GuardedBytes> read_key(const KeyPlace& place, const Environment& environment) {
  const std::string doing = "reading the sealing key";
  const auto file = read_file(place.path, environment, {256, place.chosen_by_user, true});
  if (!file) {
    auto error = file.error();
    error.doing = doing;
    return fail(std::move(error));
  }
  if (!file->facts.warnings.empty()) {
    const auto& warning = file->facts.warnings.front();
    return fail(Errc::unsafe_file, doing, place.path.string(),
                std::string{to_string(warning.kind)} + ": " + warning.repair);
  }
  std::error_code failed;  // then the next line says so
  environment.note_look(
      std::filesystem::weakly_canonical(file->facts.resolved.parent_path(), failed),
      ReadTrace::Of::identity);
  if (auto safe = check_safe_directory(file->facts.resolved.parent_path(), environment.user());
      !safe)
    return fail(safe.error());
  return parse_key(file->bytes.reveal(), place.path.string());
}

/// Makes a new key. The file appears whole or not at all, and never takes the place of another one.
/// The lock of the secrets file is held.
inline Result<GuardedBytes> make_key(const std::filesystem::path& path) {
  GuardedBytes key{crypto_aead_xchacha20poly1305_ietf_KEYBYTES};
  randombytes_buf(key.data(), key.size());
  GuardedBytes text{2 * key.size() + 1};
  sodium_bin2hex(reinterpret_cast<char*>(text.data()), text.size(), key.data(), key.size());
  text.data()[text.size() - 1] = '\n';

  auto draft = path;
  draft += ".new";
  ::unlink(draft.c_str());  // what a killed process left
  if (auto written = replace_file(draft, text.text()); !written) return fail(written.error());
  const int linked = ::link(draft.c_str(), path.c_str());
  const std::error_code failed{errno, std::generic_category()};
  ::unlink(draft.c_str());
  if (linked != 0)
    return fail(failed == std::errc::file_exists ? Errc::conflict : Errc::io,
                "making the sealing key", path.string(), failed.message());
  return key;
}

/// Removes the temporary files that dead writers of that file left. Its lock is held.
inline void remove_left_overs(const std::filesystem::path& path) {
  const auto left_over = path.filename().string() + ".tmp-";
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator{path.parent_path(), failed})
    if (entry.path().filename().string().starts_with(left_over)) ::unlink(entry.path().c_str());
}

/// Only one process at a time makes the key or adds what is sealed with it.
inline Result<FileLock> lock_sealing_key(const StateDirectory& directory) {
  auto path = directory.secrets_file();
  path += ".lock";
  return FileLock::take(path, std::chrono::seconds{10});
}

/// The key to seal something new with: the one of what is sealed already, or a new one when nothing
/// is. lock_sealing_key() is held.
inline Result<GuardedBytes> sealing_key(const StateDirectory& directory,
                                        const Environment& environment, const SealedMarks& sealed) {
  const auto place = key_place(directory, environment);
  auto key = read_key(place, environment);
  if (!key && key.error().errc() == Errc::not_found) {
    if (place.chosen_by_user)
      return fail(Errc::configuration, "reading the sealing key", place.path.string(),
                  "CREDPOOL_KEY_FILE names a file that is not there; to make one: "
                  "(umask 077; openssl rand -hex 32 > FILE)");
    if (sealed.any)
      return fail(Errc::store_unwritable, "keeping a secret", place.path.string(),
                  "the key of the secrets that are there is gone: restore it, or erase them");
    key = make_key(place.path);
  }
  if (!key) return key;
  const auto mark = key_mark(*key);
  for (const auto& other : sealed.keys)
    if (other != mark)
      return fail(
          Errc::store_unwritable, "keeping a secret", place.path.string(),
          "the secrets that are there were sealed with another key: restore it, or erase them");
  return key;
}

/// The key that opens what is marked with `mark`.
/// @param remedy what to do when the key is gone or is another one
/// @errors login_needed when the key is gone or is another one; those of read_key()
inline Result<GuardedBytes> opening_key(const StateDirectory& directory,
                                        const Environment& environment, std::string_view mark,
                                        const std::string& doing, const std::string& remedy) {
  const auto place = key_place(directory, environment);
  auto key = read_key(place, environment);
  if (!key && key.error().errc() == Errc::not_found)
    return fail(Errc::login_needed, doing, place.path.string(),
                "the sealing key is gone: restore it, or " + remedy);
  if (key && mark != key_mark(*key))
    return fail(Errc::login_needed, doing, place.path.string(),
                "it was sealed with another key: restore that one, or " + remedy);
  return key;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
