#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/store_file.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/impl/core/dangling_link.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE StoreFile read_store(const std::filesystem::path& path,
                                     const Environment& environment, FileRules rules) {
  StoreFile store;
  auto text = read_file(path, environment, rules);
  if (text) {
    store.text = std::move(*text);
  } else if (text.error().errc() != Errc::not_found) {
    store.failure = text.error();
  } else if (text.error().hint == detail::dangling_link_hint) {
    store.failure = dangling_link(path);
  }
  return store;
}

CREDPOOL_INLINE Error dangling_link(const std::filesystem::path& path) {
  return Error{Errc::unsafe_file, "reading a file", path.string(),
               std::string{detail::dangling_link_hint}};
}

CREDPOOL_INLINE Place place_of(const FileFacts& facts, std::string_view cli,
                               std::string_view pointer) {
  Place place{facts.path.string(), std::string{pointer}};
  place.cli = cli;
  for (const auto& warning : facts.warnings)
    place.warnings.push_back(std::string{to_string(warning.kind)} + ": " + warning.repair);
  return place;
}

CREDPOOL_INLINE Reason reason_of(const Error& error) noexcept {
  switch (error.errc()) {
    case Errc::too_large:
      return Reason::too_large;
    case Errc::too_deep:
      return Reason::too_deep;
    case Errc::duplicate_key:
      return Reason::duplicate_key;
    case Errc::unsafe_file:
      return Reason::unsafe_file;
    case Errc::permission_denied:
    case Errc::busy:
    case Errc::io:
      return Reason::unreadable;
    default:
      return Reason::malformed;
  }
}

CREDPOOL_INLINE Credential unusable_store(std::string_view cli, std::string_view provider,
                                          const std::filesystem::path& path, const Error& error) {
  auto credential = Credential::login(cli, provider, path.string());
  mark_unusable(credential, error);
  Place place{path.string(), {}};
  place.cli = cli;
  credential.places.push_back(std::move(place));
  return credential;
}

CREDPOOL_INLINE void mark_unusable(Credential& credential, const Error& error) {
  credential.status = Status::invalid;
  credential.reason = reason_of(error);
  credential.detail = error.message();
}

CREDPOOL_INLINE void set_secret(Credential& credential, std::string_view token) {
  if (token.empty()) return;
  if (is_safe_token(token)) {
    credential.secret = Secret{token};
    return;
  }
  credential.secret = Secret{};
  credential.status = Status::invalid;
  credential.reason = Reason::unsafe_token;
  credential.detail = "the token has characters that may not stand in a header; log in again";
}

}  // namespace credpool::inline CREDPOOL_ABI
