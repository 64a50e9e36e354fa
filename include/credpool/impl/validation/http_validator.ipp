#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/http_validator.hpp>

#include <credpool/impl/validation/probe_host.hpp>
#include <credpool/validation/shown_text.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What a finding means, for a person.
inline std::string_view finding_in_words(Finding finding) noexcept {
  switch (finding) {
    case Finding::valid:
      return "works";
    case Finding::expired:
      return "the provider says that it has expired: refresh it or log in again";
    case Finding::rejected:
      return "the provider does not accept it";
    case Finding::client_not_allowed:
      return "good, but the provider does not serve this client";
    case Finding::missing_scope:
      return "good, but not allowed for this use";
    case Finding::no_subscription:
      return "good, but no seat or membership is paid for";
    case Finding::out_of_quota:
      return "good, but its allowance is used up";
    case Finding::rate_limited:
      return "good, but rate limited for now";
    case Finding::not_eligible:
      return "good, but the service has ended for this account";
    case Finding::request_error:
      return "the provider did not understand the check";
    case Finding::transient:
      return "the provider cannot be asked right now";
    case Finding::could_not_tell:
      return "the answer proves nothing";
  }
  return "";
}

}  // namespace detail

CREDPOOL_INLINE Verdict judge_probe(const Probe& probe, const Credential& credential,
                                    const Result<Response>& response, TimePoint now) {
  const auto judged = response
                          ? classify_answer({credential.provider, credential.kind}, *response, now)
                          : classify_failure(response.error());
  Verdict verdict;
  verdict.probed = true;
  verdict.finding = judged.finding;
  verdict.outcome = judged.outcome;
  verdict.retry_at = judged.retry_at;
  if (response) verdict.http_status = response->status;
  if (judged.finding == Finding::valid) {
    read_probe_answer(probe.answer, response->body, now, verdict);
    return verdict;
  }
  verdict.detail = detail::finding_in_words(judged.finding);
  if (verdict.http_status) verdict.detail += " (HTTP " + std::to_string(*verdict.http_status) + ")";
  const auto words = shown_text(judged.message, credential);
  if (!words.empty()) verdict.detail += ": " + words;
  return verdict;
}

CREDPOOL_INLINE std::optional<Verdict> judge_unasked(const Credential& credential, TimePoint now) {
  Verdict verdict;
  const auto standing = credential.status_at(now);
  const bool expired = credential.expires_at && *credential.expires_at <= now;
  if (credential.status == Status::disabled) {
    verdict.detail = "disabled";
  } else if (credential.secret.empty()) {
    verdict.detail = "there is no token to check";
    if (!credential.refresh_token.empty()) {
      verdict.finding = Finding::expired;
      verdict.detail = "expired, refresh first";
    }
  } else if (expired || standing == Status::expired) {
    verdict.finding = Finding::expired;
    verdict.detail =
        credential.refresh_token.empty() ? "expired, log in again" : "expired, refresh first";
  } else if (standing == Status::invalid) {
    verdict.detail = "cannot be used as it is";
  } else if (probes_for(credential).empty()) {
    verdict.detail = "no way is known to check a credential of this provider and kind";
  } else {
    return std::nullopt;
  }
  return verdict;
}

CREDPOOL_INLINE std::string probed_host(const Credential& credential, const BaseUrls& overrides) {
  const auto probes = probes_for(credential);
  if (probes.empty()) return {};
  const auto urls = base_urls(*probes.front(), credential, overrides);
  return urls.empty() ? std::string{} : detail::probe_host(urls.front());
}

CREDPOOL_INLINE bool worth_another_address(const Verdict& verdict) noexcept {
  return verdict.finding == Finding::rejected || verdict.finding == Finding::transient ||
         verdict.finding == Finding::could_not_tell;
}

}  // namespace credpool::inline CREDPOOL_ABI
