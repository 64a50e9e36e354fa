#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/sealed.hpp>

#include <credpool/core/file.hpp>
#include <credpool/impl/store/sealing.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// Writes the document. The lock is held, so a temporary file is one that a dead writer left.
inline Result<void> write_secrets(const StateDirectory& directory, const Json& document) {
  const auto path = directory.secrets_file();
  remove_left_overs(path);
  const auto text = dump_json(document, 2) + '\n';
  if (text.size() > secrets_max_bytes)
    return fail(Errc::too_large, "keeping a secret", path.string(), "erase some secrets first");
  return replace_file(path, text);
}

/// What a seal is bound to: everything that decides who gets the secret.
inline std::string seal_binding(const SecretRecord& record) {
  return sealing_binding({"credpool secret 1", record.profile_id, record.cli, record.provider,
                          to_string(record.kind), record.base_url, format_iso8601(record.created)});
}

}  // namespace detail

CREDPOOL_INLINE SealedFile::SealedFile(StateDirectory directory, Environment environment)
    : directory_{std::move(directory)}, environment_{std::move(environment)} {}

CREDPOOL_INLINE Result<void> SealedFile::put(const SecretRecord& record) {
  if (auto fit = check_record(record); !fit) return fit;
  if (auto started = detail::start_sodium(); !started) return started;
  if (auto made = directory_.create(); !made) return made;
  const auto lock = detail::lock_sealing_key(directory_);
  if (!lock) return fail(lock.error());
  auto document = detail::read_secrets(directory_, environment_);
  if (!document) return fail(document.error());
  const auto key =
      detail::sealing_key(directory_, environment_, detail::sealed_marks(directory_, environment_));
  if (!key) return fail(key.error());
  (*document)["key"] = detail::key_mark(*key);

  auto* entry = detail::find_secret(*document, record.profile_id);
  if (entry == nullptr) entry = &(*document)["secrets"].emplace_back(detail::Json::object());
  detail::write_record(*entry, record);
  const auto text = detail::seal_bytes(record.secret.reveal(), detail::seal_binding(record), *key);
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

  const auto key =
      detail::opening_key(directory_, environment_, detail::text_or_empty(*document, "key"), doing,
                          "import the secret again");
  if (!key) return fail(key.error());

  auto record = *detail::record_of_json(*entry);
  const auto nonce = decode_base64(detail::text_or_empty(*entry, "nonce"));
  const auto sealed = decode_base64(detail::text_or_empty(*entry, "sealed"));
  auto secret = nonce && sealed
                    ? detail::unseal_bytes({*nonce, *sealed}, detail::seal_binding(record), *key)
                    : std::nullopt;
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

  const auto lock = detail::lock_sealing_key(directory_);
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
