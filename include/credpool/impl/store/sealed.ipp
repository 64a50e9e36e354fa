#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/file.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/file_lock.hpp>
#include <credpool/impl/store/secrets_document.hpp>
#include <credpool/store/sealed.hpp>

#include <sodium.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

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

/// What a seal is bound to: everything that decides who gets the secret.
inline std::string seal_binding(const SecretRecord& record) {
  const auto digest =
      sha256_of_parts({"credpool secret 1", record.profile_id, record.cli, record.provider,
                       to_string(record.kind), record.base_url, format_iso8601(record.created)});
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

struct SealedText {
  std::string nonce;
  std::string sealed;
};

inline SealedText seal(const SecretRecord& record, const GuardedBytes& key) {
  const auto binding = seal_binding(record);
  const auto secret = record.secret.reveal();
  SealedText text;
  text.nonce.resize(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  randombytes_buf(text.nonce.data(), text.nonce.size());
  text.sealed.resize(secret.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(text.sealed.data()),
                                             nullptr, sealed_bytes(secret), secret.size(),
                                             sealed_bytes(binding), binding.size(), nullptr,
                                             sealed_bytes(text.nonce), key.data());
  return text;
}

/// @return none when the key, the record or the seal is not the one of sealing
inline std::optional<Secret> unseal(const SecretRecord& record, const SealedText& text,
                                    const GuardedBytes& key) {
  constexpr std::size_t tag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (text.nonce.size() != crypto_aead_xchacha20poly1305_ietf_NPUBBYTES ||
      text.sealed.size() <= tag)
    return std::nullopt;
  const auto binding = seal_binding(record);
  const GuardedBytes secret{text.sealed.size() - tag};
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          secret.data(), nullptr, nullptr, sealed_bytes(text.sealed), text.sealed.size(),
          sealed_bytes(binding), binding.size(), sealed_bytes(text.nonce), key.data()) != 0)
    return std::nullopt;
  return Secret{secret.text()};
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

/// Writes the document. The lock is held, so a temporary file is one that a dead writer left.
inline Result<void> write_secrets(const StateDirectory& directory, const Json& document) {
  const auto path = directory.secrets_file();
  const auto left_over = path.filename().string() + ".tmp-";
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator{directory.path(), failed})
    if (entry.path().filename().string().starts_with(left_over)) ::unlink(entry.path().c_str());
  const auto text = dump_json(document, 2) + '\n';
  if (text.size() > secrets_max_bytes)
    return fail(Errc::too_large, "keeping a secret", path.string(), "erase some secrets first");
  return replace_file(path, text);
}

inline Result<FileLock> lock_secrets(const StateDirectory& directory) {
  auto path = directory.secrets_file();
  path += ".lock";
  return FileLock::take(path, std::chrono::seconds{10});
}

/// The key to seal with: the one of the secrets that are there, or a new one when there are none.
inline Result<GuardedBytes> sealing_key(const StateDirectory& directory,
                                        const Environment& environment, Json& document) {
  const auto place = key_place(directory, environment);
  const bool holds_secrets = !document["secrets"].empty();
  auto key = read_key(place, environment);
  if (!key && key.error().errc() == Errc::not_found) {
    if (place.chosen_by_user)
      return fail(Errc::configuration, "reading the sealing key", place.path.string(),
                  "CREDPOOL_KEY_FILE names a file that is not there; to make one: "
                  "(umask 077; openssl rand -hex 32 > FILE)");
    if (holds_secrets)
      return fail(Errc::store_unwritable, "keeping a secret", place.path.string(),
                  "the key of the secrets that are there is gone: restore it, or erase them");
    key = make_key(place.path);
  }
  if (!key) return key;
  const auto mark = key_mark(*key);
  if (holds_secrets && text_or_empty(document, "key") != mark)
    return fail(
        Errc::store_unwritable, "keeping a secret", place.path.string(),
        "the secrets that are there were sealed with another key: restore it, or erase them");
  document["key"] = mark;
  return key;
}

}  // namespace detail

CREDPOOL_INLINE SealedFile::SealedFile(StateDirectory directory, Environment environment)
    : directory_{std::move(directory)}, environment_{std::move(environment)} {}

CREDPOOL_INLINE Result<void> SealedFile::put(const SecretRecord& record) {
  if (auto fit = check_record(record); !fit) return fit;
  if (auto started = detail::start_sodium(); !started) return started;
  if (auto made = directory_.create(); !made) return made;
  const auto lock = detail::lock_secrets(directory_);
  if (!lock) return fail(lock.error());
  auto document = detail::read_secrets(directory_, environment_);
  if (!document) return fail(document.error());
  const auto key = detail::sealing_key(directory_, environment_, *document);
  if (!key) return fail(key.error());

  auto* entry = detail::find_secret(*document, record.profile_id);
  if (entry == nullptr) entry = &(*document)["secrets"].emplace_back(detail::Json::object());
  detail::write_record(*entry, record);
  const auto text = detail::seal(record, *key);
  (*entry)["nonce"] = encode_base64url(text.nonce);
  (*entry)["sealed"] = encode_base64url(text.sealed);
  return detail::write_secrets(directory_, *document);
}

CREDPOOL_INLINE Result<SecretRecord> SealedFile::get(std::string_view profile_id) const {
  const std::string doing = "reading a secret of our own";
  if (auto started = detail::start_sodium(); !started) return fail(started.error());
  auto document = detail::read_secrets(directory_, environment_);
  if (!document) return fail(document.error());
  const auto* entry = detail::find_secret(*document, profile_id);
  if (entry == nullptr) return fail(Errc::not_found, doing, std::string{profile_id});

  const auto place = detail::key_place(directory_, environment_);
  const auto key = detail::read_key(place, environment_);
  if (!key && key.error().errc() == Errc::not_found)
    return fail(Errc::login_needed, doing, place.path.string(),
                "the sealing key is gone: restore it, or import the secret again");
  if (!key) return fail(key.error());
  if (detail::text_or_empty(*document, "key") != detail::key_mark(*key))
    return fail(Errc::login_needed, doing, place.path.string(),
                "it was sealed with another key: restore that one, or import the secret again");

  auto record = *detail::record_of_json(*entry);
  const auto nonce = decode_base64(detail::text_or_empty(*entry, "nonce"));
  const auto sealed = decode_base64(detail::text_or_empty(*entry, "sealed"));
  auto secret = nonce && sealed ? detail::unseal(record, {*nonce, *sealed}, *key) : std::nullopt;
  if (!secret)
    return fail(Errc::login_needed, doing, record.profile_id,
                "the record was changed after it was sealed: import the secret again");
  record.secret = std::move(*secret);
  return record;
}

CREDPOOL_INLINE Result<std::vector<SecretRecord>> SealedFile::list() const {
  const auto document = detail::read_secrets(directory_, environment_);
  if (!document) return fail(document.error());
  std::vector<SecretRecord> records;
  for (const auto& entry : (*document)["secrets"])
    records.push_back(*detail::record_of_json(entry));
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.profile_id < b.profile_id; });
  return records;
}

CREDPOOL_INLINE Result<void> SealedFile::erase(std::string_view profile_id) {
  const auto missing = [&] {
    return fail(Errc::not_found, "erasing a secret of our own", std::string{profile_id});
  };
  // Looked up before the lock as well: where there is nothing, nothing is made.
  auto document = detail::read_secrets(directory_, environment_);
  if (!document) return fail(document.error());
  if (detail::find_secret(*document, profile_id) == nullptr) return missing();

  const auto lock = detail::lock_secrets(directory_);
  if (!lock) return fail(lock.error());
  document = detail::read_secrets(directory_, environment_);
  if (!document) return fail(document.error());
  auto& entries = (*document)["secrets"];
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return detail::text_or_empty(entry, "profileId") == profile_id;
  });
  if (found == entries.end()) return missing();
  entries.erase(found);
  return detail::write_secrets(directory_, *document);
}

}  // namespace credpool::inline CREDPOOL_ABI
