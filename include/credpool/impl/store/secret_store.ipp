#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/secret_store.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/impl/store/record_text.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<void> check_record(const SecretRecord& record) {
  const auto wrong = [](const char* member, const char* hint) {
    return fail(Errc::invalid_argument, "keeping a secret", member, hint);
  };
  if (!detail::is_record_text(record.profile_id, 1, 256))
    return wrong("profile id", "1 to 256 bytes of UTF-8 without control characters");
  if (!detail::is_record_text(record.cli, 1, 64))
    return wrong("cli", "1 to 64 bytes of UTF-8 without control characters");
  if (!detail::is_record_text(record.provider, 1, 64))
    return wrong("provider", "1 to 64 bytes of UTF-8 without control characters");
  if (record.kind != Kind::api_key && record.kind != Kind::token)
    return wrong("kind", "only an API key or a token can be kept");
  if (!is_safe_token(record.secret.reveal()))
    return wrong("secret", "printable ASCII without blanks, 1 to 16384 bytes: paste it again");
  if (parse_iso8601(format_iso8601(record.created)) != record.created)
    return wrong("created", "a time in the years 0 to 9999");
  if (!detail::is_record_text(record.base_url, 0, 2048))
    return wrong("base URL", "at most 2048 bytes of UTF-8 without control characters");
  if (!detail::is_record_text(record.note, 0, 1024))
    return wrong("note", "at most 1024 bytes of UTF-8 without control characters");
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
