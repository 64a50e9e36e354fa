#pragma once
// SPDX-License-Identifier: MIT

// The shape of secrets.json. Internal: included by .ipp files and the fuzz target only.
//
// {"version": 1, "key": "<16 hex digits that tell one key from another>",
//  "secrets": [{"profileId", "cli", "provider", "kind", "createdAt", "baseUrl", "note",
//               "nonce": base64url, "sealed": base64url}]}
// Members that are not named here are kept.

#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/store/secret_store.hpp>

#include <set>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::size_t secrets_max_bytes = 1024 * 1024;

inline Json empty_secrets_document() {
  return {{"version", 1}, {"secrets", Json::array()}};
}

/// What stands in the clear; none when a member is missing or has another shape.
inline std::optional<SecretRecord> record_of_json(const Json& entry) {
  SecretRecord record;
  for (const auto& [name, field] :
       {std::pair{"profileId", &record.profile_id}, std::pair{"cli", &record.cli},
        std::pair{"provider", &record.provider}, std::pair{"baseUrl", &record.base_url},
        std::pair{"note", &record.note}}) {
    const auto text = text_member(entry, name);
    if (!text) return std::nullopt;
    *field = *text;
  }
  const auto kind = text_or_empty(entry, "kind");
  if (kind != to_string(Kind::api_key) && kind != to_string(Kind::token)) return std::nullopt;
  record.kind = kind == to_string(Kind::token) ? Kind::token : Kind::api_key;
  const auto created = parse_iso8601(text_or_empty(entry, "createdAt"));
  if (!created || !text_member(entry, "nonce") || !text_member(entry, "sealed"))
    return std::nullopt;
  record.created = *created;
  return record;
}

inline void write_record(Json& entry, const SecretRecord& record) {
  entry["profileId"] = record.profile_id;
  entry["cli"] = record.cli;
  entry["provider"] = record.provider;
  entry["kind"] = to_string(record.kind);
  entry["createdAt"] = format_iso8601(record.created);
  entry["baseUrl"] = record.base_url;
  entry["note"] = record.note;
}

/// Reads the document and checks every record in it.
/// @errors malformed with the place, unsupported for a newer version, and those of parse_json()
inline Result<Json> read_secrets_document(std::string_view text) {
  const std::string doing = "reading the secrets file";
  const std::string hint = "restore it from a backup, or move it away and import the secrets again";
  auto document = parse_json(text);
  if (!document) return fail(document.error().errc(), doing, document.error().place, hint);
  const auto* version = member(*document, "version");
  if (version == nullptr || !version->is_number_integer() || *version < 1)
    return fail(Errc::malformed, doing, "/version", hint);
  if (*version > 1)
    return fail(Errc::unsupported, doing, "/version", "a newer credpool wrote it: update this one");
  const auto* entries = member(*document, "secrets");
  if (entries == nullptr || !entries->is_array())
    return fail(Errc::malformed, doing, "/secrets", hint);
  std::set<std::string> names;
  for (std::size_t index = 0; index < entries->size(); ++index) {
    const auto record = record_of_json((*entries)[index]);
    if (!record || !names.insert(record->profile_id).second)
      return fail(Errc::malformed, doing, "/secrets/" + std::to_string(index), hint);
  }
  return document;
}

/// The entry of that profile id in a checked document; null when there is none.
inline Json* find_secret(Json& document, std::string_view profile_id) {
  for (auto& entry : document["secrets"])
    if (text_or_empty(entry, "profileId") == profile_id) return &entry;
  return nullptr;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
