#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/store/secret_store.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// A record of our own as a credential that we alone own.
/// @param location what SecretStore::location() told
Credential credential_of(const SecretRecord& record, std::string location);

/// The same for a record whose secret could not be had: listed, with the reason.
Credential unusable_credential_of(const SecretRecord& record, std::string location,
                                  const Error& error);

/// The secrets that we keep ourselves, found like any other login: a CredentialSource.
///
/// Each credential carries the CLI and the provider that it was imported for.
template <SecretStore Store> class SealedSource {
 public:
  static constexpr std::string_view cli = "manual";
  static constexpr std::string_view provider = "any";

  explicit SealedSource(Store store) : store_{std::move(store)} {}

  /// @errors those of Store::list()
  Result<std::vector<Credential>> discover(const Environment&) const {
    const auto records = store_.list();
    if (!records) return fail(records.error());
    std::vector<Credential> found;
    found.reserve(records->size());
    for (const auto& listed : *records) {
      const auto record = store_.get(listed.profile_id);
      if (record) {
        found.push_back(credential_of(*record, store_.location()));
      } else if (record.error().errc() != Errc::not_found) {  // else: erased a moment ago
        found.push_back(unusable_credential_of(listed, store_.location(), record.error()));
      }
    }
    return found;
  }

 private:
  Store store_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/sealed_source.ipp>
#endif
