#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_input.hpp>
#include <credpool/impl/account/api_state.hpp>
#include <credpool/impl/account/random_uuid.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The name under which the openclaw-token command logs in, whatever GitHub calls the server.
inline constexpr std::string_view device_client = "openclaw-cli";
inline constexpr std::string_view device_grant = "urn:ietf:params:oauth:grant-type:device_code";
/// How long the token of a device login can be exchanged for a management key.
inline constexpr Duration device_token_life{600'000};

/// What is kept of a device login: whom GitHub vouches for. No token of GitHub, no code.
struct DeviceFacts {
  std::optional<TimePoint> agrees_at;      ///< the mock's person says yes then
  std::optional<GitHubIdentity> identity;  ///< who has agreed
  bool merged = false;                     ///< joined with an account that was there before
};

inline std::string device_facts_text(const DeviceFacts& facts) {
  OrderedJson json = OrderedJson::object();
  if (facts.agrees_at) json["agrees_at"] = facts.agrees_at->time_since_epoch().count();
  if (facts.identity)
    json["identity"] = {{"id", facts.identity->id},
                        {"email", facts.identity->email},
                        {"name", facts.identity->name},
                        {"avatar_url", facts.identity->avatar_url}};
  json["merged"] = facts.merged;
  return dump_json(json);
}

inline Result<DeviceFacts> read_device_facts(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return fail(json.error());
  DeviceFacts facts;
  if (const auto* at = member(*json, "agrees_at"); at != nullptr && at->is_number_integer())
    facts.agrees_at = TimePoint{Duration{at->get<std::int64_t>()}};
  if (const auto* merged = member(*json, "merged"); merged != nullptr && merged->is_boolean())
    facts.merged = merged->get<bool>();
  if (const auto* identity = member(*json, "identity"); identity != nullptr) {
    const auto* id = member(*identity, "id");
    if (id == nullptr || !id->is_number_integer())
      return fail(Errc::malformed, "reading a device login");
    facts.identity =
        GitHubIdentity{id->get<std::int64_t>(), std::string{text_or_empty(*identity, "email")},
                       std::string{text_or_empty(*identity, "name")},
                       std::string{text_or_empty(*identity, "avatar_url")}};
  }
  return facts;
}

/// An error of a device login: flat as RFC 8628 has it, or in the envelope under "/v1", where the
/// openclaw-token command looks for it.
inline Response device_error(const ApiCall& call, std::string_view code, std::string_view message,
                             int interval = 0) {
  if (call.versioned) {
    OrderedJson error{{"code", code}, {"message", message}};
    if (interval > 0) error["interval"] = interval;
    return api_json(400, {{"error", std::move(error)}});
  }
  OrderedJson body{{"error", code}, {"error_description", message}};
  if (interval > 0) body["interval"] = interval;
  return api_json(400, body);
}

inline Response github_failed(const Error& error) {
  return error.errc() == Errc::overloaded
             ? api_error(502, "GITHUB_ERROR", "GitHub did not answer as agreed.")
             : api_error(502, "GITHUB_UNAVAILABLE", "GitHub cannot be reached.");
}

/// Random letters such as "BCDF-GHJK": without vowels they form no words.
inline Result<std::string> mock_user_code() {
  return account_random_bytes(8).transform([](std::string bytes) {
    constexpr std::string_view letters = "BCDFGHJKLMNPQRSTVWXZ";
    for (auto& c : bytes) c = letters[static_cast<unsigned char>(c) % letters.size()];
    return bytes.insert(4, 1, '-');
  });
}

inline Result<GitHubDeviceCode> mock_device_code() {
  const auto secret = account_random_bytes(16);
  if (!secret) return fail(secret.error());
  auto user_code = mock_user_code();
  if (!user_code) return fail(user_code.error());
  GitHubDeviceCode code;
  code.device_code = Secret{"dc_" + to_hex(*secret)};
  code.user_code = std::move(*user_code);
  code.verification_uri = "https://github.com/login/device";
  return code;
}

CREDPOOL_INLINE Response begin_device_login(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto client = input.text("client_id");
  if (!input.good()) return api_invalid(input.fault());
  if (!state.github && !state.options.mock_github)
    return api_error(403, "GITHUB_DISABLED", "This server has no login by GitHub.");
  if (client != device_client && !(state.github && client == state.github->settings().client_id))
    return api_invalid("Client_id is not known here.");
  if (const auto peer = counted_peer(call.request.peer); !peer.empty())
    if (const auto wait = state.newcomers.take(peer, call.now)) return api_too_many(*wait);

  DeviceFacts facts;
  if (!state.github) facts.agrees_at = call.now + Duration{3'000};
  const auto code = state.github ? state.github->begin() : mock_device_code();
  if (!code) return github_failed(code.error());
  if (const auto put = state.store.put_device_session(
          {.device_digest = key_digest(code->device_code.reveal()),
           .token_digest = {},
           .client_id = client,
           .account = {},
           .expires_at = call.now + std::chrono::seconds{code->expires_in},
           .sealed = device_facts_text(facts)});
      !put)
    return api_store_failed(put.error());
  return api_data({{"device_code", code->device_code.reveal()},
                   {"user_code", code->user_code},
                   {"verification_uri", code->verification_uri},
                   {"interval", code->interval},
                   {"expires_in", code->expires_in}});
}

/// Asks whether the person has agreed.
/// @return the identity; else the answer for the device
inline std::optional<Response> ask_for_identity(ApiState& state, const ApiCall& call,
                                                std::string_view device_code, DeviceFacts& facts) {
  const auto pending = [&] {
    return device_error(call, "authorization_pending", "The person has not agreed yet.");
  };
  if (!state.github) {
    if (!facts.agrees_at || call.now < *facts.agrees_at) return pending();
    facts.identity = GitHubIdentity{1, "github-user@example.com", "GitHub User", ""};
    return std::nullopt;
  }
  const auto poll = state.github->poll(device_code);
  if (!poll) return github_failed(poll.error());
  if (poll->error == "authorization_pending") return pending();
  if (poll->error == "slow_down")
    return device_error(call, "slow_down", "Ask less often.", poll->interval);
  if (poll->error == "expired_token")
    return device_error(call, "expired_token", "The device code has expired.");
  if (poll->error == "access_denied")
    return device_error(call, "access_denied", "The person has not agreed.");
  if (!poll->error.empty())
    return device_error(call, "bad_device_code", "GitHub does not accept the device code.");
  auto identity = state.github->identity(poll->token);
  // GitHub gives its token once: without an answer to this the login has to begin anew.
  if (!identity) return github_failed(identity.error());
  facts.identity = std::move(*identity);
  return std::nullopt;
}

CREDPOOL_INLINE Response poll_device_login(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto code = input.text("device_code", 500);
  const auto grant = input.optional_text("grant_type").value_or(std::string{device_grant});
  if (!input.good()) return device_error(call, "invalid_request", input.fault());
  if (grant != device_grant)
    return device_error(call, "unsupported_grant_type", "Grant_type must be that of a device.");
  if (!state.github && !state.options.mock_github)
    return api_error(403, "GITHUB_DISABLED", "This server has no login by GitHub.");

  auto found = state.store.device_session(key_digest(code));
  if (!found) return api_store_failed(found.error());
  // One whose token was exchanged has ended.
  if (!*found || !(*found)->account.empty())
    return device_error(call, "bad_device_code", "The device code is not known.");
  auto& session = **found;
  if (session.expires_at <= call.now)
    return device_error(call, "expired_token", "The device code has expired.");
  auto facts = read_device_facts(session.sealed);
  if (!facts) return api_store_failed(facts.error());
  // Who has agreed stays so, and the token of an answer that was lost is replaced.
  if (!facts->identity)
    if (auto answer = ask_for_identity(state, call, code, *facts)) return std::move(*answer);

  const auto random = account_random_bytes(24);
  if (!random) return api_store_failed(random.error());
  const auto token = "oct_" + to_hex(*random);
  session.token_digest = key_digest(token);
  session.expires_at = call.now + device_token_life;
  session.sealed = device_facts_text(*facts);
  if (const auto put = state.store.put_device_session(session); !put)
    return api_store_failed(put.error());
  return api_data({{"access_token", token}, {"token_type", "bearer"}});
}

/// The account of somebody for whom GitHub vouches: the one that is linked, the one with the same
/// verified e-mail, or a new one.
/// @errors not_found when there is none and strangers may not register; account_changed when the
///         one with that e-mail is linked to another GitHub user
inline Result<Account> account_of(ApiState& state, const GitHubIdentity& identity, TimePoint now,
                                  bool& merged) {
  auto linked = state.store.account_by_github(identity.id);
  if (!linked) return fail(linked.error());
  if (*linked) return std::move(**linked);
  auto same_email = state.store.account_by_email(identity.email);
  if (!same_email) return fail(same_email.error());
  if (!*same_email) {
    if (!state.options.open_registration) return fail(Errc::not_found, "logging in by GitHub");
    auto id = new_uuid();
    if (!id) return fail(id.error());
    // It begins with a key that nobody has; the login's own key takes its place.
    const auto key = new_management_key();
    if (!key) return fail(key.error());
    Account account{.id = std::move(*id),
                    .email = identity.email,
                    .password_hash = {},
                    .github_id = identity.id,
                    .avatar_url = identity.avatar_url,
                    .created_at = now};
    if (auto added = state.store.add_account(
            account, {key_digest(key->reveal()), account.id, now, std::nullopt});
        !added)
      return fail(added.error());
    return account;
  }
  // Nobody has ever proved that this e-mail is theirs, until now: whoever registered it may have
  // done so to wait for its owner. The password ends, and so do all management keys (by the login);
  // keys of an account that never had credits are switched off, of others the payer is known.
  const auto account = std::move(**same_email);
  if (account.github_id) return fail(Errc::account_changed, "logging in by GitHub");
  const std::lock_guard turn{state.account_turn(account.id)};
  merged = true;
  const auto balance = state.store.balance(account.id);
  if (!balance) return fail(balance.error());
  if (balance->credits == Money{}) {
    for (PageRequest page{100, 0};; page.offset += page.limit) {
      const auto keys = state.store.keys(account.id, false, page);
      if (!keys) return fail(keys.error());
      for (const auto& key : keys->items)
        if (auto off = state.store.change_key(account.id, key.hash,
                                              [](ProvisionedKey& found) -> Result<void> {
                                                found.disabled = true;
                                                return {};
                                              });
            !off && off.error().errc() != Errc::not_found)
          return fail(off.error());
      if (page.offset + keys->items.size() >= keys->total) break;
    }
  }
  return state.store.change_account(account.id, [&](Account& found) -> Result<void> {
    // Another one was faster, on another host: as if it had been so from the first.
    if (found.github_id || found.email != identity.email)
      return fail(Errc::account_changed, "logging in by GitHub");
    found.password_hash.clear();
    found.github_id = identity.id;
    found.avatar_url = identity.avatar_url;
    return {};
  });
}

CREDPOOL_INLINE Response finish_device_login(ApiState& state, ApiCall& call) {
  const auto refused = [](std::string_view why) { return api_error(401, "UNAUTHORIZED", why); };
  std::string_view token = call.request.authorization;
  if (!token.starts_with("Bearer ") || token.size() == 7)
    return refused("Missing or invalid authorization header");
  auto found = state.store.device_session_by_token(key_digest(token.substr(7)));
  if (!found) return api_store_failed(found.error());
  if (!*found || (*found)->expires_at <= call.now) return refused("Invalid or expired token");
  auto& session = **found;
  auto facts = read_device_facts(session.sealed);
  if (!facts) return api_store_failed(facts.error());
  if (!facts->identity) return refused("Invalid or expired token");
  if (facts->identity->email.empty())
    return api_error(400, "EMAIL_REQUIRED",
                     "GitHub has verified no primary email of this account.");

  const auto account = account_of(state, *facts->identity, call.now, facts->merged);
  if (!account) {
    if (account.error().errc() == Errc::not_found)
      return api_error(403, "REGISTRATION_CLOSED", "This server's operator makes the accounts.");
    if (account.error().errc() == Errc::account_changed)
      return api_error(409, "CONFLICT", "This email's account is linked to another GitHub user.");
    if (account.error().errc() == Errc::conflict)
      return api_error(409, "CONFLICT", "The account was made at the same time. Try again.");
    return api_store_failed(account.error());
  }
  if (session.account.empty()) {
    session.account = account->id;
    session.sealed = device_facts_text(*facts);
    if (const auto put = state.store.put_device_session(session); !put)
      return api_store_failed(put.error());
  }
  const auto key = issue_management_key(state, account->id,
                                        facts->merged || state.options.login_revokes, call.now);
  if (!key) return api_store_failed(key.error());
  return api_data({{"management_key", key->reveal()},
                   {"email", account->email},
                   {"name", facts->identity->name},
                   {"avatar_url", facts->identity->avatar_url},
                   {"merged", facts->merged}});
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
