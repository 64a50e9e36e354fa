#pragma once
// SPDX-License-Identifier: MIT

// The credential file that kimi-cli and Kimi Code share: same six keys, different tolerance.
// Internal: included by kimi_cli.ipp and kimi_code.ipp.

#include <credpool/impl/core/json.hpp>
#include <credpool/source/store_file.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Turns one credential file into a credential, or into the reason why it is none.
///
/// Both CLIs refresh when less than max(300 s, half the life) is left.
///
/// @param slot     file name without ".json"; part of the login's identity and of its profile id
/// @param base_url where its tokens are used; empty for the provider's default
inline Credential read_kimi_login(std::string_view cli, std::string_view provider,
                                  const std::filesystem::path& path, std::string_view slot,
                                  const FileText& file) {
  auto document = parse_json(file.bytes.reveal());
  if (document && !document->is_object())
    document = fail(Errc::malformed, "reading a Kimi login", "it is not an object");
  if (!document) return unusable_store(cli, provider, path, document.error());

  auto credential = Credential::login(cli, provider, path.string());
  credential.ownership = Ownership::co_own;
  credential.profile_id = std::string{provider} + ":" +
                          (slot == "kimi-code" ? std::string{"default"} : std::string{slot});
  credential.places.push_back(place_of(file.facts, cli));
  if (const auto scope = text_or_empty(*document, "scope"); !scope.empty())
    credential.scopes.emplace_back(scope);

  const auto access = text_member(*document, "access_token");
  const auto refresh = text_member(*document, "refresh_token");
  if (!access && !refresh) {
    credential.status = Status::invalid;
    credential.reason = Reason::malformed;
    credential.detail = "no access_token and no refresh_token; log in again";
    return credential;
  }
  if (access.value_or("").empty() && refresh.value_or("").empty()) {
    credential.status = Status::needs_login;
    credential.reason = Reason::signed_out;
    credential.detail = "the CLI signed itself out after a rejected refresh; log in again";
    return credential;
  }
  if (refresh && is_safe_token(*refresh)) credential.refresh_token = Secret{*refresh};
  set_secret(credential, access.value_or(""));

  const auto* stored_expiry = member(*document, "expires_at");
  const auto number = stored_expiry == nullptr ? std::optional<double>{0.0} : number_of(*stored_expiry);
  credential.expires_at = number ? time_from_epoch(*number) : std::nullopt;
  if (!credential.expires_at && credential.reason == Reason::none) {
    credential.reason = Reason::expiry_unknown;
    credential.detail = "expires_at is not a time";
    credential.refresh_at = TimePoint{};
    return credential;
  }
  if (credential.expires_at) {
    const auto* life = member(*document, "expires_in");
    const auto life_seconds = life == nullptr ? std::nullopt : number_of(*life);
    const double half_life = std::clamp(life_seconds.value_or(0) / 2, 0.0, 1e9);
    const auto margin =
        std::max(Duration{std::chrono::seconds{300}}, Duration{static_cast<Duration::rep>(half_life * 1000)});
    credential.refresh_at = *credential.expires_at - margin;
  }
  return credential;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
