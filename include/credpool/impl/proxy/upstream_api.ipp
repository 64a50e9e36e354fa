#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/upstream_api.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/safe_url.hpp>
#include <credpool/impl/proxy/upstream_table.hpp>
#include <credpool/proxy/configured_providers.hpp>
#include <credpool/source/key_variables.hpp>
#include <credpool/validation/probe.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

template <class Row>
bool upstream_fits(const Row& row, std::string_view provider, Kind kind) noexcept {
  return lists_word(row.providers, provider) && lists_word(row.kinds, to_string(kind));
}

/// "https://host:port" and the path, without slashes at their ends.
struct UpstreamBase {
  std::string_view origin;
  std::string_view path;
};

inline UpstreamBase split_base(std::string_view url) noexcept {
  while (url.ends_with('/')) url.remove_suffix(1);
  const auto slash = url.find('/', url.find("://") + 3);
  if (slash == std::string_view::npos) return {url, {}};
  return {url.substr(0, slash), url.substr(slash)};
}

inline std::string joined_path(std::string_view base, std::string_view path) {
  constexpr std::string_view up = "/..";
  while (path.starts_with(up)) {
    base = base.substr(0, std::min(base.rfind('/'), base.size()));
    path.remove_prefix(up.size());
  }
  return std::string{base} + std::string{path};
}

/// The headers of a row, with our own name in front.
inline std::vector<UpstreamHeader> upstream_headers(std::string_view lines) {
  std::vector<UpstreamHeader> headers{{"user-agent", "credpool/" CREDPOOL_VERSION_STRING}};
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    auto rule = HeaderRule::set;
    if (line.front() == '?') rule = HeaderRule::fallback;
    if (line.front() == '+') rule = HeaderRule::append;
    if (rule != HeaderRule::set) line.remove_prefix(1);
    const auto colon = line.find(": ");
    headers.push_back(
        {std::string{line.substr(0, colon)}, std::string{line.substr(colon + 2)}, rule});
  }
  return headers;
}

inline UpstreamTarget upstream_target_at(const UpstreamBase& base, const UpstreamRow& row,
                                         std::string_view path) {
  UpstreamTarget target;
  target.origin = base.origin;
  target.path = joined_path(base.path, path);
  target.headers = upstream_headers(row.headers);
  target.auth = row.secret == UpstreamSecret::x_api_key ? UpstreamAuth{"x-api-key", ""}
                                                        : UpstreamAuth{"authorization", "Bearer "};
  return target;
}

/// The address of a credential for a row, by the rule that the probes have; empty when none.
inline std::string upstream_base(const UpstreamRow& row, const Credential& credential,
                                 const Settings& settings) {
  if (!row.base_url.empty()) {
    const Probe here{row.providers, row.kinds, {}, row.base_url, {}, {}, {}, {}, {}, {}, {}};
    return base_urls(here, credential, settings.base_urls).front();
  }
  const auto probes = probes_for(credential);
  if (probes.empty()) return {};
  return base_urls(*probes.front(), credential, settings.base_urls).front();
}

/// How a provider that the user added speaks.
inline std::array<UpstreamRow, 1> configured_rows(ProviderApi api) noexcept {
  if (api == ProviderApi::openai) return {UpstreamRow{{}, {}, openai_routes}};
  return {UpstreamRow{
      {}, {}, anthropic_routes, UpstreamSecret::x_api_key, "?anthropic-version: 2023-06-01"}};
}

}  // namespace detail

CREDPOOL_INLINE std::string_view shown_operation(Operation operation) noexcept {
  switch (operation) {
    case Operation::chat_completions:
      return "chat/completions";
    case Operation::responses:
      return "responses";
    case Operation::embeddings:
      return "embeddings";
    case Operation::completions:
      return "completions";
    case Operation::messages:
      return "messages";
    case Operation::count_tokens:
      return "messages/count_tokens";
    case Operation::models:
      return "models";
  }
  return "unknown";
}

CREDPOOL_INLINE std::string_view usual_provider_id(std::string_view provider) noexcept {
  const auto first = [](std::string_view list) { return list.substr(0, list.find(' ')); };
  for (const auto& row : detail::upstream_table)
    if (detail::lists_word(row.providers, provider)) return first(row.providers);
  for (const auto& row : detail::upstream_refusals)
    if (detail::lists_word(row.providers, provider)) return first(row.providers);
  return provider;
}

CREDPOOL_INLINE std::vector<std::string_view> providers_serving(Operation operation) {
  std::vector<std::string_view> providers;
  for (const auto& row : detail::upstream_table) {
    const bool serves = std::any_of(row.routes.begin(), row.routes.end(), [&](const auto& route) {
      return route.operation == operation;
    });
    const auto id = row.providers.substr(0, row.providers.find(' '));
    if (serves && std::find(providers.begin(), providers.end(), id) == providers.end())
      providers.push_back(id);
  }
  return providers;
}

CREDPOOL_INLINE Error UpstreamPlan::refusal(Operation operation) const {
  const std::string what{shown_operation(operation)};
  auto why = std::string{why_};
  if (why.empty()) why = "its credentials do not serve that";
  std::string list;
  for (const auto provider : providers_serving(operation)) {
    list += (list.empty() ? "" : ", ") + std::string{provider};
    if (const auto variable = variable_for(provider); !variable.empty())
      list += " (" + std::string{variable} + ")";
  }
  return {Errc::unsupported,
          "asking " + provider_ + " for " + what + ": " + why,
          {},
          what + " is served by " + list};
}

CREDPOOL_INLINE UpstreamPlan upstream_plan(const Credential& credential, const Settings& settings) {
  UpstreamPlan plan;
  plan.provider_ = credential.provider;
  const auto add = [&](const detail::UpstreamRow& row, std::string_view url) {
    if (!is_safe_base_url(url)) {
      plan.why_ = "its address is none that a secret may be sent to";
      return;
    }
    for (const auto& route : row.routes) {
      auto& target = plan.targets_[static_cast<std::size_t>(route.operation)];
      if (!target) target = detail::upstream_target_at(detail::split_base(url), row, route.path);
    }
  };
  const auto configured = settings.providers.find(credential.provider);
  if (credential.cli == ConfiguredProviders::cli && configured != settings.providers.end()) {
    plan.why_ = "the configuration says that it speaks another API (providers.*.api)";
    std::string_view url = configured->second.base_url;
    while (url.ends_with('/')) url.remove_suffix(1);
    // Anthropic's own clients take the address without the version.
    const bool anthropic = configured->second.api == ProviderApi::anthropic;
    if (anthropic && url.ends_with("/v1")) url.remove_suffix(3);
    for (const auto& row : detail::configured_rows(configured->second.api)) add(row, url);
    return plan;
  }

  for (const auto& refusal : detail::upstream_refusals)
    if (detail::upstream_fits(refusal, credential.provider, credential.kind))
      plan.why_ = refusal.why;
  const detail::UpstreamRow* first = nullptr;
  for (const auto& row : detail::upstream_table) {
    if (!detail::upstream_fits(row, credential.provider, credential.kind)) continue;
    if (!credential.secret.reveal().starts_with(row.needs_prefix)) continue;
    if (first == nullptr) first = &row;
    if (row.needs_prefix == first->needs_prefix)
      add(row, detail::upstream_base(row, credential, settings));
  }
  auto& responses = plan.targets_[static_cast<std::size_t>(Operation::responses)];
  const bool chatgpt =
      credential.kind == Kind::oauth && detail::lists_word(detail::openai_ids, credential.provider);
  if (chatgpt && responses && is_safe_token(credential.account_id))
    responses->headers.push_back({"chatgpt-account-id", credential.account_id, HeaderRule::set});
  return plan;
}

CREDPOOL_INLINE Result<UpstreamTarget> upstream_target(const Credential& credential,
                                                       Operation operation,
                                                       const Settings& settings) {
  const auto plan = upstream_plan(credential, settings);
  if (const auto* target = plan.target(operation)) return *target;
  return fail(plan.refusal(operation));
}

}  // namespace credpool::inline CREDPOOL_ABI
