#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>

#include <algorithm>
#include <array>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(ProviderUse use) noexcept {
  switch (use) {
    case ProviderUse::allow:
      return "allow";
    case ProviderUse::ask:
      return "ask";
    case ProviderUse::forbid:
      return "forbid";
  }
  return "unknown";
}

CREDPOOL_INLINE std::string_view to_string(AffinityMode mode) noexcept {
  switch (mode) {
    case AffinityMode::none:
      return "none";
    case AffinityMode::soft:
      return "soft";
    case AffinityMode::hard:
      return "hard";
  }
  return "unknown";
}

CREDPOOL_INLINE std::string_view to_string(AdmissionMode mode) noexcept {
  switch (mode) {
    case AdmissionMode::unlimited:
      return "unlimited";
    case AdmissionMode::fixed:
      return "fixed";
    case AdmissionMode::aimd:
      return "aimd";
  }
  return "unknown";
}

CREDPOOL_INLINE CliSourceSettings Settings::cli_source(std::string_view cli) const {
  const auto found = cli_sources.find(cli);
  return found == cli_sources.end() ? CliSourceSettings{} : found->second;
}

CREDPOOL_INLINE ProviderUse Settings::provider_use(std::string_view provider) const {
  const auto found = policy.find(provider);
  return found == policy.end() ? ProviderUse::allow : found->second;
}

CREDPOOL_INLINE std::span<const SettingKey> settings_schema() noexcept {
  static constexpr std::array<SettingKey, 38> schema{{
      {"enabled", "true or false", "true", "Whether anything is discovered and lent at all."},
      {"scanOnStartup", "true or false", "true", "Look for logins when a server starts."},
      {"autoImport", "true or false", "true",
       "Lend what was found; false only lists it until `scan --import`."},
      {"validateTokens", "true or false", "true",
       "Ask the provider whether a login works before it is lent."},
      {"rotationStrategy", "a strategy's name", "\"round-robin\"",
       "How the next credential is chosen."},
      {"cliSources.*.enabled", "true or false", "true", "Whether that CLI's logins are read."},
      {"cliSources.*.priority", "a whole number from 0 to 1000000", "10",
       "Lower is used first; kimi-cli 1, codex-cli 2, qwen-cli 3, gemini-cli 4."},
      {"baseUrls.*", "an https URL (http for a loopback IP)", "",
       "Where that provider is reached: a region, a proxy, a test server."},
      {"oauth.*.tokenUrl", "an https URL (http for a loopback IP)", "",
       "Where that provider's tokens are refreshed."},
      {"oauth.*.deviceUrl", "an https URL (http for a loopback IP)", "",
       "Where a login with a code on another device begins."},
      {"oauth.*.authorizeUrl", "an https URL (http for a loopback IP)", "",
       "The page where a login in the browser begins."},
      {"oauth.*.clientId", "an OAuth client id", "", "Who we are to that provider's OAuth server."},
      {"oauth.*.clientSecretFile", "a path", "",
       "File with the secret of that client, and nothing else in it."},
      {"policy.*", "\"allow\", \"ask\" or \"forbid\"", "\"allow\"",
       "Whether that provider's credentials may be used."},
      {"ownership.*", "\"borrow\", \"co_own\" or \"adopt\"", "",
       "Who may spend the refresh tokens of that profile or CLI."},
      {"weights.*", "a number from 0 to 1000", "1",
       "Share of a profile or CLI under the strategy \"weighted\"."},
      {"models.*", "an array of model names", "",
       "Which models that provider's credentials serve; none named: all."},
      {"order.*", "an array of profile ids or ids", "",
       "Which of that provider's credentials serve, the first one first; the others do not."},
      {"cooldown.ladderSeconds", "an array of 1 to 16 whole numbers, none smaller than the last",
       "[60, 300, 1500, 3600]", "Rest after the first, second, ... rate limit that states no end."},
      {"affinity.mode", "\"none\", \"soft\" or \"hard\"", "\"soft\"",
       "How strongly a session stays with its credential."},
      {"affinity.loadFactor", "a number from 1 to 10", "1.25",
       "How much above the average load a session may push its credential."},
      {"admission", "\"unlimited\", \"aimd\" or {fixed: n} with n from 1 to 100000",
       "\"unlimited\"", "How many requests one credential serves at once."},
      {"store", "postgresql://... without a password", "",
       "PostgreSQL through which several hosts share logins."},
      {"historyPath", "a path", "", "Where the history document is."},
      {"stateDirectory", "a path", "", "Where state and sealed secrets are."},
      {"providers.*.baseUrl", "an https URL (http for a loopback IP)", "",
       "Where a provider of your own is: a gateway, a company's server, a model on this machine."},
      {"providers.*.api", "\"openai\" or \"anthropic\"", "\"openai\"", "Whose API it speaks."},
      {"providers.*.keyVariable", "the name of an environment variable", "",
       "The variable that holds its key."},
      {"providers.*.keyFile", "a path", "", "File with its key, and nothing else in it."},
      {"providers.*.apiKey", "\"${NAME}\" or {source: \"env\", id: \"NAME\"}", "",
       "The same as keyVariable, as OpenClaw writes it; a key itself is refused."},
      {"providers.*.models", "an array of model names, or of objects with an id", "",
       "The models it serves."},
      {"proxy.listen", "\"host:port\" or \"unix:<path>\"", "\"127.0.0.1:8484\"",
       "Where `credpool serve` listens."},
      {"proxy.models.*", "\"<provider>/<model>\", {provider, model}, or an array of these", "",
       "A name of your own for a model, and what serves it, in the order of preference."},
      {"proxy.hold", "whole seconds from 0 to 3600", "0",
       "How long a request waits for a credential when none is free."},
      {"proxy.maxAttempts", "a whole number from 1 to 32", "4",
       "How many credentials are tried for one request."},
      {"proxy.maxBodyBytes", "a whole number from 1024 to 1073741824", "33554432",
       "The longest request body."},
      {"proxy.timeouts.*", "whole seconds from 1 to 86400", "",
       "requestHead 10, requestBody 60, connect 10, firstByte 300, idle 300, drain 30."},
      {"$schema", "anything", "", "For editors; not looked at."},
  }};
  return schema;
}

CREDPOOL_INLINE bool is_safe_store_address(std::string_view address) noexcept {
  constexpr std::string_view schemes[]{"postgresql://", "postgres://"};
  std::string_view rest;
  for (const auto scheme : schemes)
    if (address.starts_with(scheme)) rest = address.substr(scheme.size());
  if (rest.empty()) return false;
  for (const char c : rest)
    if (c <= ' ' || c > '~') return false;
  const auto authority = rest.substr(0, rest.find_first_of("/?"));
  const auto at = authority.rfind('@');
  const bool in_user =
      at != std::string_view::npos && authority.substr(0, at).find(':') != std::string_view::npos;
  return !in_user && rest.find("password=") == std::string_view::npos;
}

CREDPOOL_INLINE std::span<const std::string_view> rotation_strategy_names() noexcept {
  static constexpr std::array<std::string_view, 10> names{
      "round-robin", "least-used", "priority", "health-based", "weighted",
      "fill-first",  "p2c",        "latency",  "quota-aware",  "pinned"};
  return names;
}

namespace detail {

/// The Damerau-Levenshtein distance (optimal string alignment): slips between two names.
inline std::size_t name_distance(std::string_view a, std::string_view b) {
  const auto width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto cell = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return table[i * width + j];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) cell(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cell(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      auto best = std::min({cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + wrong});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, cell(i - 2, j - 2) + 1);
      cell(i, j) = best;
    }
  }
  return table.back();
}

inline char lower_ascii(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// A name without what people mix up: case, "-" and "_".
inline std::string folded_name(std::string_view name) {
  std::string folded;
  for (const char c : name)
    if (c != '-' && c != '_') folded.push_back(lower_ascii(c));
  return folded;
}

}  // namespace detail

CREDPOOL_INLINE std::optional<std::string_view> nearest_name(
    std::string_view name, std::span<const std::string_view> candidates) {
  constexpr std::size_t longest = 64;
  if (name.size() > longest) return std::nullopt;
  const auto folded = detail::folded_name(name);
  std::optional<std::string_view> best;
  std::size_t least = std::min<std::size_t>(2, std::max<std::size_t>(1, name.size() / 3)) + 1;
  for (const auto candidate : candidates) {
    const auto distance = detail::name_distance(folded, detail::folded_name(candidate));
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

}  // namespace credpool::inline CREDPOOL_ABI
