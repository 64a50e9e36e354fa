#pragma once
// SPDX-License-Identifier: MIT

// What is remembered about a login's refresh tokens from one exchange to the next: hashes and
// times, never a token. Internal: included by .ipp files only.

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/refresh/own_file.hpp>

#include <algorithm>
#include <cstdint>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The access token that our last exchange brought, by our own clock: a server's clock may be off,
/// and so may be an end that is written in the token.
struct OwnGrant {
  std::string access_token;  ///< token_hash()
  TimePoint at{};
  Duration lifetime{};
};

struct FamilyState {
  std::string family;  ///< names the login to all hosts, however often its token was exchanged
  std::vector<std::string> dead;        ///< hashes of refresh tokens that the server refused
  std::uint32_t failures = 0;           ///< in a row
  std::optional<TimePoint> not_before;  ///< no request before that
  std::vector<TimePoint> requests;      ///< sent within the last hour
  std::optional<OwnGrant> grant;

  bool is_dead(const std::string& hash) const {
    return std::find(dead.begin(), dead.end(), hash) != dead.end();
  }
};

inline constexpr Duration family_longest_wait = std::chrono::hours{1};
inline constexpr Duration family_request_spacing = std::chrono::seconds{5};
inline constexpr std::size_t family_requests_per_hour = 20;
inline constexpr std::size_t family_dead_kept = 32;

/// Reads it; one that is missing or not understood counts as empty: it only saves requests.
/// @errors unsafe_file, permission_denied, io
inline Result<FamilyState> load_family_state(const std::filesystem::path& path) {
  const auto bytes = read_own_file(path, 64 * 1024);
  if (!bytes) return fail(bytes.error());
  FamilyState state;
  if (!*bytes) return state;
  const auto fields = parse_json((*bytes)->reveal());
  if (!fields) return state;
  const auto time = [](const Json* value) -> std::optional<TimePoint> {
    if (value == nullptr || !value->is_number_integer()) return std::nullopt;
    return TimePoint{Duration{value->get<std::int64_t>()}};
  };
  if (const auto* dead = member(*fields, "dead"); dead != nullptr && dead->is_array())
    for (const auto& hash : *dead)
      if (hash.is_string()) state.dead.push_back(hash.get<std::string>());
  if (const auto* failures = member(*fields, "failures");
      failures != nullptr && failures->is_number_unsigned())
    state.failures = std::min(failures->get<std::uint32_t>(), 1000U);
  state.not_before = time(member(*fields, "notBefore"));
  state.family = text_or_empty(*fields, "family");
  if (const auto* requests = member(*fields, "requests");
      requests != nullptr && requests->is_array())
    for (const auto& request : *requests)
      if (const auto at = time(&request)) state.requests.push_back(*at);
  if (const auto* grant = member(*fields, "grant")) {
    const auto at = time(member(*grant, "at"));
    const auto* lifetime = member(*grant, "lifetimeMs");
    if (at && lifetime != nullptr && lifetime->is_number_integer())
      state.grant = OwnGrant{std::string{text_or_empty(*grant, "accessToken")}, *at,
                             Duration{lifetime->get<std::int64_t>()}};
  }
  return state;
}

/// Replaces it in one step. Not synced: what a power cut takes back costs one more request.
inline Result<void> save_family_state(const std::filesystem::path& path, const FamilyState& state) {
  Json fields{{"version", 1},
              {"dead", state.dead},
              {"failures", state.failures},
              {"requests", Json::array()}};
  if (!state.family.empty()) fields["family"] = state.family;
  if (state.not_before) fields["notBefore"] = state.not_before->time_since_epoch().count();
  for (const auto at : state.requests) fields["requests"].push_back(at.time_since_epoch().count());
  if (state.grant)
    fields["grant"] = {{"accessToken", state.grant->access_token},
                       {"at", state.grant->at.time_since_epoch().count()},
                       {"lifetimeMs", state.grant->lifetime.count()}};
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode))
    return fail(Errc::unsafe_file, "writing a file of an exchange", path.string(),
                "it is not a regular file: move it away");
  return replace_file(path, dump_json(fields), 0600, false, false);
}

/// Forgets what is too old to count, and cuts what a clock that was set back left in the future.
/// @return whether anything changed
inline bool normalise(FamilyState& state, TimePoint now) {
  bool changed = false;
  if (state.not_before && *state.not_before > now + family_longest_wait) {
    state.not_before = now + family_longest_wait;
    changed = true;
  }
  for (auto& at : state.requests)
    if (at > now) {
      at = now;
      changed = true;
    }
  changed |= std::erase_if(state.requests,
                           [&](TimePoint at) { return at <= now - family_longest_wait; }) > 0;
  return changed;
}

/// The earliest time for the next request: the server's wish, the backoff and both rates.
/// @return none when it may go out now
inline std::optional<TimePoint> earliest_request(const FamilyState& state, TimePoint now) {
  TimePoint earliest = state.not_before.value_or(now);
  if (!state.requests.empty()) {
    const auto last = *std::max_element(state.requests.begin(), state.requests.end());
    earliest = std::max(earliest, last + family_request_spacing);
  }
  if (state.requests.size() >= family_requests_per_hour) {
    auto times = state.requests;
    std::sort(times.begin(), times.end());
    earliest =
        std::max(earliest, times[times.size() - family_requests_per_hour] + family_longest_wait);
  }
  return earliest > now ? std::optional{earliest} : std::nullopt;
}

/// Evenly spread over 0 to 1, the same for the same parts.
inline double spread_of(std::initializer_list<std::string_view> parts) {
  const auto digest = sha256_of_parts(parts);
  const auto number = (static_cast<unsigned>(digest[0]) << 16) |
                      (static_cast<unsigned>(digest[1]) << 8) | static_cast<unsigned>(digest[2]);
  return static_cast<double>(number) / 0xffffff;
}

/// Exponential backoff with full jitter: up to 1 s, doubled with every failure, 300 s at most.
inline Duration backoff_after(std::uint32_t failures, double spread) {
  constexpr std::int64_t longest = 300'000;
  const auto cap = std::min<std::int64_t>(longest, 1000LL << std::min(failures, 10U));
  return Duration{static_cast<std::int64_t>(static_cast<double>(cap) * spread)};
}

inline void remember_dead(FamilyState& state, const std::string& hash) {
  if (state.is_dead(hash)) return;
  state.dead.push_back(hash);
  if (state.dead.size() > family_dead_kept) state.dead.erase(state.dead.begin());
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
