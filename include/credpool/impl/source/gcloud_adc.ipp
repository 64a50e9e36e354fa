#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/gcloud_adc.hpp>

#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Credential gcloud_adc_entry(const JsonStore& store) {
  const StoreEntry entry{GcloudAdc::cli, GcloudAdc::provider, store.facts, {}};
  const auto& document = store.document;
  const auto universe = text_or_empty(document, "universe_domain");
  if (!universe.empty() && universe != "googleapis.com")
    return unusable_entry(entry, Reason::unknown_mode,
                          "it is of another universe than googleapis.com");
  const auto type = text_member(document, "type");
  if (!type) return unusable_entry(entry, Reason::malformed, "there is no type");
  if (*type == "service_account") {
    if (text_or_empty(document, "private_key").empty() ||
        text_or_empty(document, "client_email").empty())
      return unusable_entry(entry, Reason::malformed, "private_key or client_email is missing");
    auto credential = unusable_entry(
        entry, Reason::needs_exchange,
        "a service account: each access token is asked for with a request its private key signs");
    credential.account = text_or_empty(document, "client_email");
    return credential;
  }
  if (*type != "authorized_user")
    return unusable_entry(entry, Reason::unknown_mode, "a type that is not handled");
  for (const std::string_view name : {"client_id", "client_secret", "refresh_token"})
    if (text_or_empty(document, name).empty())
      return unusable_entry(entry, Reason::malformed, std::string{name} + " is missing");
  auto credential = login_entry(entry, {std::nullopt, text_member(document, "refresh_token")});
  credential.ownership = Ownership::co_own;  // Google's refresh token works many times
  credential.account_id = text_or_empty(document, "quota_project_id");
  return credential;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> GcloudAdc::locations(
    const Environment& environment) const {
  std::vector<std::filesystem::path> files;
  if (const auto named = environment.variable("GOOGLE_APPLICATION_CREDENTIALS"))
    files.push_back(environment.expand(*named));
  if (const auto directory = environment.directory("CLOUDSDK_CONFIG", ".config/gcloud")) {
    auto usual = *directory / "application_default_credentials.json";
    if (files.empty() || files.front() != usual) files.push_back(std::move(usual));
  }
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> GcloudAdc::discover(
    const Environment& environment) const {
  const auto files = locations(environment);
  if (files.empty()) return fail(environment.home().error());
  const bool named = environment.variable("GOOGLE_APPLICATION_CREDENTIALS").has_value();
  std::vector<Credential> found;
  for (const auto& path : files) {
    const auto before = found.size();
    if (const auto store = detail::read_json_store(cli, provider, path, environment, found)) {
      found.push_back(detail::gcloud_adc_entry(*store));
    } else if (named && path == files.front() && found.size() == before) {
      found.push_back(unusable_store(cli, provider, path,
                                     fail(Errc::not_found, "reading a login", path.string(),
                                          "GOOGLE_APPLICATION_CREDENTIALS names it")
                                         .error));
      found.back().reason = Reason::unreadable;
    }
    if (named && path != files.front() && found.size() > before)
      found.back().detail += "; Google's libraries use GOOGLE_APPLICATION_CREDENTIALS instead";
  }
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
