#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/sealed_source.hpp>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline Credential describe_record(Credential credential, const SecretRecord& record,
                                  std::string location) {
  credential.profile_id = record.profile_id;
  credential.kind = record.kind;
  credential.ownership = Ownership::adopt;
  credential.base_url = record.base_url;
  Place place{std::move(location), record.profile_id};
  place.cli = record.cli;
  credential.places.push_back(std::move(place));
  return credential;
}

}  // namespace detail

CREDPOOL_INLINE Credential credential_of(const SecretRecord& record, std::string location) {
  auto credential = record.kind == Kind::token
                        ? Credential::bearer_token(record.cli, record.provider, record.secret)
                        : Credential::api_key(record.cli, record.provider, record.secret);
  return detail::describe_record(std::move(credential), record, std::move(location));
}

CREDPOOL_INLINE Credential unusable_credential_of(const SecretRecord& record, std::string location,
                                                  const Error& error) {
  const auto reason =
      error.errc() == Errc::login_needed ? Reason::encrypted_elsewhere : Reason::unreadable;
  auto credential = Credential::unusable(
      record.cli, record.provider, location + '#' + record.profile_id, reason, error.message());
  return detail::describe_record(std::move(credential), record, std::move(location));
}

}  // namespace credpool::inline CREDPOOL_ABI
