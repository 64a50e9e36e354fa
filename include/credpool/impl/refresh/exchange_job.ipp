#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/exchange_job.hpp>

#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/refresh/passed_variables.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline constexpr int exchange_job_version = 1;
inline constexpr std::size_t exchange_job_max_bytes = 256 * 1024;

using TextMap = std::map<std::string, std::string, std::less<>>;

inline Json json_of_texts(const TextMap& texts) {
  auto object = Json::object();
  for (const auto& [name, value] : texts) object[name] = value;
  return object;
}

/// @return false when a member is missing or no text
inline bool read_texts(const Json& object, const char* name, TextMap& texts) {
  const auto* from = member(object, name);
  if (from == nullptr || !from->is_object()) return false;
  for (const auto& [key, value] : from->items()) {
    if (!value.is_string()) return false;
    texts.emplace(key, value.get<std::string>());
  }
  return true;
}

inline bool read_text(const Json& object, const char* name, std::string& text) {
  const auto found = text_member(object, name);
  if (found) text = *found;
  return found.has_value();
}

inline std::optional<Ownership> job_ownership(std::string_view name) {
  for (const auto each : {Ownership::borrow, Ownership::co_own, Ownership::adopt})
    if (to_string(each) == name) return each;
  return std::nullopt;
}

inline std::optional<Errc> job_errc(std::string_view name) {
  for (auto code = static_cast<int>(Errc::not_found); code <= static_cast<int>(Errc::configuration);
       ++code)
    if (to_string(static_cast<Errc>(code)) == name) return static_cast<Errc>(code);
  return std::nullopt;
}

inline std::optional<ExchangeOutcome> job_outcome(std::string_view name) {
  for (const auto each :
       {ExchangeOutcome::still_fresh, ExchangeOutcome::adopted, ExchangeOutcome::exchanged,
        ExchangeOutcome::recovered, ExchangeOutcome::kept})
    if (to_string(each) == name) return each;
  return std::nullopt;
}

inline bool read_job_credential(const Json& from, Credential& credential) {
  std::string id;
  Place place;
  const bool texts =
      read_text(from, "cli", credential.cli) && read_text(from, "provider", credential.provider) &&
      read_text(from, "profileId", credential.profile_id) && read_text(from, "id", id) &&
      read_text(from, "location", place.location) && read_text(from, "pointer", place.pointer) &&
      read_text(from, "baseUrl", credential.base_url) &&
      read_text(from, "oauthHost", credential.oauth_host) &&
      read_text(from, "account", credential.account) &&
      read_text(from, "accountId", credential.account_id);
  const auto digest = decode_hex(id);
  const auto ownership = job_ownership(text_or_empty(from, "ownership"));
  if (!texts || !ownership || !digest || digest->size() != Digest{}.size()) return false;
  Digest bytes{};
  std::copy(digest->begin(), digest->end(), bytes.begin());
  credential.id = CredentialId{bytes};
  credential.kind = Kind::oauth;
  credential.ownership = *ownership;
  place.cli = credential.cli;
  credential.places.push_back(std::move(place));
  return true;
}

inline bool read_job_request(const Json& from, ExchangeRequest& request) {
  const auto* force = member(from, "force");
  const auto* patience = member(from, "patienceMs");
  if (force == nullptr || !force->is_boolean() || patience == nullptr ||
      !patience->is_number_unsigned())
    return false;
  request.force = force->get<bool>();
  request.patience = Duration{std::min<std::uint64_t>(patience->get<std::uint64_t>(), 3'600'000)};
  return read_text(from, "refusedToken", request.refused_token);
}

inline bool read_job_environment(const Json& from, Environment::Facts& facts) {
  std::string home, directory;
  const bool good = read_text(from, "home", home) &&
                    read_text(from, "workingDirectory", directory) &&
                    read_text(from, "hostName", facts.host_name) &&
                    read_text(from, "userName", facts.user_name) &&
                    read_texts(from, "variables", facts.variables);
  facts.home = home;
  facts.working_directory = directory;
  return good;
}

}  // namespace detail

CREDPOOL_INLINE std::string exchange_job_text(const ExchangeJob& job) {
  const auto& credential = job.credential;
  const auto place = credential.places.empty() ? Place{} : credential.places.front();
  const auto home = job.environment.home();
  auto variables = detail::passed_variables(job.environment);
  for (const auto* ours : {"CREDPOOL_CONFIG", "CREDPOOL_KEY_FILE", "CREDPOOL_STATE_DIRECTORY",
                           "CREDPOOL_STORE", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE"})
    if (auto value = job.environment.variable(ours)) variables.emplace(ours, std::move(*value));
  const detail::Json document{
      {"version", detail::exchange_job_version},
      {"hostId", job.host_id},
      {"credential",
       {{"id", credential.id.hex()},
        {"cli", credential.cli},
        {"provider", credential.provider},
        {"profileId", credential.profile_id},
        {"ownership", to_string(credential.ownership)},
        {"location", place.location},
        {"pointer", place.pointer},
        {"baseUrl", credential.base_url},
        {"oauthHost", credential.oauth_host},
        {"account", credential.account},
        {"accountId", credential.account_id}}},
      {"request",
       {{"refusedToken", job.request.refused_token},
        {"force", job.request.force},
        {"patienceMs",
         static_cast<std::uint64_t>(std::max<Duration::rep>(job.request.patience.count(), 0))}}},
      {"endpoints",
       {{"urls", detail::json_of_texts(job.endpoints.urls)},
        {"clientIds", detail::json_of_texts(job.endpoints.client_ids)},
        {"clientSecretsFiles", detail::json_of_texts(job.endpoints.client_secrets_files)}}},
      {"environment",
       {{"home", home ? home->string() : std::string{}},
        {"workingDirectory", job.environment.working_directory().string()},
        {"hostName", job.environment.host_name()},
        {"userName", job.environment.user_name()},
        {"variables", detail::json_of_texts(variables)}}}};
  return detail::dump_json(document) + '\n';
}

CREDPOOL_INLINE Result<ExchangeJob> parse_exchange_job(std::string_view text, uid_t user) {
  const std::string doing = "reading an exchange's job";
  if (text.size() > detail::exchange_job_max_bytes) return fail(Errc::too_large, doing);
  const auto document = detail::parse_json(text);
  if (!document) return fail(document.error().errc(), doing, document.error().place);
  const auto* version = detail::member(*document, "version");
  if (version == nullptr || *version != detail::exchange_job_version)
    return fail(Errc::unsupported, doing, "/version",
                "it comes from another version of credpool: restart what was updated");
  Environment::Facts facts;
  facts.user = user;
  ExchangeJob job{{}, {}, {}, Environment{facts}, {}};
  const auto part = [&](const char* name) {
    const auto* found = detail::member(*document, name);
    return found == nullptr ? detail::Json{} : *found;
  };
  const auto endpoints = part("endpoints");
  if (!detail::read_text(*document, "hostId", job.host_id) ||
      !detail::read_job_credential(part("credential"), job.credential) ||
      !detail::read_job_request(part("request"), job.request) ||
      !detail::read_texts(endpoints, "urls", job.endpoints.urls) ||
      !detail::read_texts(endpoints, "clientIds", job.endpoints.client_ids) ||
      !detail::read_texts(endpoints, "clientSecretsFiles", job.endpoints.client_secrets_files) ||
      !detail::read_job_environment(part("environment"), facts))
    return fail(Errc::malformed, doing);
  job.environment = Environment{std::move(facts)};
  return job;
}

CREDPOOL_INLINE std::string exchange_answer_text(const Result<ExchangeReport>& report) {
  const auto time = [](const std::optional<TimePoint>& when) {
    return when ? detail::Json(format_iso8601(*when)) : detail::Json{};
  };
  detail::Json document{{"version", detail::exchange_job_version}};
  if (report) {
    document["report"] = {{"outcome", to_string(report->outcome)},
                          {"retryAt", time(report->retry_at)},
                          {"note", report->note}};
  } else {
    const auto& error = report.error();
    document["error"] = {{"code", to_string(error.errc())},
                         {"doing", error.doing},
                         {"place", error.place},
                         {"hint", error.hint},
                         {"httpStatus", nullptr},
                         {"retryAt", time(error.retry_at)}};
    if (error.http_status) document["error"]["httpStatus"] = *error.http_status;
  }
  return detail::dump_json(document) + '\n';
}

CREDPOOL_INLINE Result<ExchangeReport> parse_exchange_answer(std::string_view text) {
  const auto wrong = [] {
    return fail(Errc::malformed, "reading the exchange helper's answer", {},
                "it is no answer of this version of credpool");
  };
  const auto document = detail::parse_json(text);
  if (!document) return wrong();
  const auto* version = detail::member(*document, "version");
  if (version == nullptr || *version != detail::exchange_job_version) return wrong();
  if (const auto* told = detail::member(*document, "report")) {
    const auto outcome = detail::job_outcome(detail::text_or_empty(*told, "outcome"));
    if (!outcome) return wrong();
    ExchangeReport report;
    report.outcome = *outcome;
    report.retry_at = parse_iso8601(detail::text_or_empty(*told, "retryAt"));
    report.note = detail::text_or_empty(*told, "note");
    return report;
  }
  const auto* told = detail::member(*document, "error");
  if (told == nullptr) return wrong();
  const auto code = detail::job_errc(detail::text_or_empty(*told, "code"));
  if (!code) return wrong();
  Error error{*code, std::string{detail::text_or_empty(*told, "doing")},
              std::string{detail::text_or_empty(*told, "place")},
              std::string{detail::text_or_empty(*told, "hint")}};
  if (const auto* status = detail::member(*told, "httpStatus");
      status != nullptr && status->is_number_integer())
    error.http_status = status->get<int>();
  error.retry_at = parse_iso8601(detail::text_or_empty(*told, "retryAt"));
  return fail(std::move(error));
}

CREDPOOL_INLINE std::string run_exchange_job(
    std::string_view job, uid_t user,
    const std::function<Result<ExchangeReport>(const ExchangeJob&)>& run) {
  const auto read = parse_exchange_job(job, user);
  return exchange_answer_text(read ? run(*read) : Result<ExchangeReport>{fail(read.error())});
}

}  // namespace credpool::inline CREDPOOL_ABI
