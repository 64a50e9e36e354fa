#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/droid.hpp>

#include <credpool/impl/core/aes_gcm.hpp>
#include <credpool/impl/source/jwt_login.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Without the line end that an editor may have put there.
inline std::string_view droid_line(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Decrypts auth.v2.file: base64 of the nonce, the tag and the text, with colons between them.
/// @param key text of auth.v2.key: base64 of 32 bytes
/// @errors malformed when the parts are not there; unsupported when the key is not the right one
inline Result<Secret> decrypt_droid(std::string_view file, std::string_view key) {
  const std::string doing = "decrypting the login of droid";
  const auto text = droid_line(file);
  const auto first = text.find(':');
  const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos)
    return fail(Errc::malformed, doing, "it does not have three parts");
  const auto iv = decode_base64(text.substr(0, first));
  const auto tag = decode_base64(text.substr(first + 1, second - first - 1));
  const auto ciphertext = decode_base64(text.substr(second + 1));
  if (!iv || !tag || !ciphertext || iv->empty() || tag->size() != 16)
    return fail(Errc::malformed, doing, "a part is not base64 of the right length");
  auto key_bytes = decode_base64(droid_line(key));
  if (!key_bytes || key_bytes->size() != 32)
    return fail(Errc::malformed, doing, "auth.v2.key", "it is not base64 of 32 bytes");
  auto plain = decrypt_aes_256_gcm(*key_bytes, *iv, *tag, *ciphertext);
  wipe(key_bytes->data(), key_bytes->size());
  if (!plain) return fail(Errc::unsupported, doing, "the key does not fit, or a file is damaged");
  return std::move(*plain);
}

inline Credential droid_login(const FileFacts& facts, std::string_view plain) {
  const StoreEntry entry{Droid::cli, Droid::provider, facts, {}};
  auto document = parse_json(plain);
  if (document && !document->is_object())
    document = fail(Errc::malformed, "reading the login of droid", "it is not an object");
  if (!document) return unusable_store(entry.cli, entry.provider, facts.path, document.error());
  auto credential = jwt_login(
      entry, {text_member(*document, "access_token"), text_member(*document, "refresh_token")});
  credential.account_id = text_or_empty(*document, "active_organization_id");
  return credential;
}

/// auth.v2.file with its key.
inline Credential droid_store(const FileText& file, const std::filesystem::path& key_path,
                              const Environment& environment) {
  const StoreEntry entry{Droid::cli, Droid::provider, file.facts, {}};
  const auto key = read_store(key_path, environment);
  if (key.missing())
    return unusable_entry(entry, Reason::encrypted_elsewhere, "auth.v2.key is missing");
  if (key.failure) return unusable_entry(entry, reason_of(*key.failure), key.failure->message());
  const auto plain = decrypt_droid(file.bytes.reveal(), key.text->bytes.reveal());
  if (plain) return droid_login(file.facts, plain->reveal());
  return unusable_entry(
      entry,
      plain.error().errc() == Errc::unsupported ? Reason::encrypted_elsewhere : Reason::malformed,
      plain.error().message());
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> Droid::locations(
    const Environment& environment) const {
  const auto home = environment.home();
  if (!home) return {};
  const auto directory = *home / ".factory";
  return {directory / "auth.v2.file", directory / "auth.v2.key", directory / "auth.v2.keyring",
          directory / "auth.encrypted", directory / "auth.json"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> Droid::discover(
    const Environment& environment) const {
  if (const auto home = environment.home(); !home) return fail(home.error());
  const auto files = locations(environment);
  std::vector<Credential> found;

  const auto store = read_store(files[0], environment);
  if (store.failure) found.push_back(unusable_store(cli, provider, files[0], *store.failure));
  if (store.text) found.push_back(detail::droid_store(*store.text, files[1], environment));

  const auto name_only = [&](const std::filesystem::path& path, Reason reason, const char* why) {
    const auto other = read_store(path, environment);
    if (other.failure) found.push_back(unusable_store(cli, provider, path, *other.failure));
    if (other.text)
      found.push_back(detail::unusable_entry({cli, provider, other.text->facts, {}}, reason, why));
  };
  name_only(files[2], Reason::in_keyring, "encrypted with a key in the system's keyring");
  if (!found.empty()) return found;  // what is left over from older versions is dead
  for (std::size_t older = 3; older < files.size(); ++older)
    name_only(files[older], Reason::unknown_mode,
              "of an older version of droid; run droid once, which replaces it");
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
