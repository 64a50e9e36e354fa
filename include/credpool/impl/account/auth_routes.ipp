#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/email.hpp>
#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_input.hpp>
#include <credpool/impl/account/api_state.hpp>
#include <credpool/impl/account/random_uuid.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::size_t longest_password_bytes = 1'024;

inline std::string lower_case_email(std::string email) {
  for (auto& c : email)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return email;
}

inline Response wrong_credentials() {
  return api_error(401, "INVALID_CREDENTIALS", "Invalid email or password");
}

inline Response too_many_management_keys() {
  return api_error(409, "TOO_MANY_KEYS",
                   "The account has too many management keys. Revoke some of them.");
}

/// Keys of the account that are not revoked, oldest first.
inline Result<std::vector<ManagementKey>> live_management_keys(ApiState& state,
                                                               const AccountId& account) {
  auto keys = state.store.management_keys(account);
  if (keys) {
    std::erase_if(*keys, [](const ManagementKey& key) { return key.revoked_at.has_value(); });
    std::stable_sort(keys->begin(), keys->end(),
                     [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
  }
  return keys;
}

CREDPOOL_INLINE Result<Secret> issue_management_key(ApiState& state, const AccountId& account,
                                                    bool revoke_others, TimePoint now) {
  auto key = new_management_key();
  if (!key) return key;
  if (auto added = state.store.add_management_key(
          {key_digest(key->reveal()), account, now, std::nullopt}, revoke_others);
      !added)
    return fail(added.error());
  return key;
}

CREDPOOL_INLINE Result<std::string> hash_password(ApiState& state, std::string_view password) {
  Result<std::string> hash = fail(Errc::overloaded, "hashing a password");
  state.password_turns.pass([&] { hash = state.options.passwords->hash(password); });
  return hash;
}

inline Response password_not_hashed(const Error& error) {
  if (error.errc() == Errc::overloaded) return api_too_many(Duration{1'000});
  return api_later(503, "OVERLOADED", "The server has too much to do. Try again.", Duration{1'000});
}

/// The hash of a password that nobody knows.
inline std::string nobodys_hash(ApiState& state) {
  const std::lock_guard lock{state.no_password_mutex};
  if (state.no_password.empty())
    if (const auto secret = new_uuid())
      state.no_password = state.options.passwords->hash(*secret).value_or("");
  return state.no_password;
}

CREDPOOL_INLINE ApiPasswordCheck check_password(ApiState& state, const ApiCall& call,
                                                std::string_view email, const Account* account,
                                                std::string_view password) {
  struct Guess {
    FailureBackoff& counter;
    std::string caller;
  };
  const auto peer = counted_peer(call.request.peer);
  std::vector<Guess> guesses{{state.pair_guesses, std::string{email} + '\n' + peer},
                             {state.email_guesses, std::string{email}}};
  if (!peer.empty()) guesses.push_back({state.peer_guesses, peer});
  const auto take_back = [&](std::size_t first) {
    for (auto i = first; i < guesses.size(); ++i) guesses[i].counter.take_back(guesses[i].caller);
  };

  ApiPasswordCheck check;
  for (std::size_t i = 0; i < guesses.size(); ++i) {
    const auto wait = guesses[i].counter.attempt(guesses[i].caller, call.now);
    if (!wait) continue;
    while (i-- > 0) guesses[i].counter.take_back(guesses[i].caller);
    check.refusal = api_too_many(*wait);
    return check;
  }
  const bool has_password = account != nullptr && !account->password_hash.empty();
  const bool looked = state.password_turns.pass([&] {
    const auto hash = has_password ? account->password_hash : nobodys_hash(state);
    check.right = state.options.passwords->verify(hash, password) && has_password;
  });
  if (!looked) {
    take_back(0);
    check.refusal = api_too_many(Duration{1'000});
  } else if (check.right) {
    guesses.front().counter.succeeded(guesses.front().caller);
    take_back(1);
  }
  return check;
}

/// The account as it is now, if its password is still the one that was checked.
inline Result<std::optional<Account>> unchanged_account(ApiState& state, const Account& checked) {
  auto account = state.store.account(checked.id);
  if (account && *account && (*account)->password_hash != checked.password_hash) account->reset();
  return account;
}

/// A second registration by who made the first one and did not get its answer: the account's id was
/// made from the idempotency key, and the password is the one.
inline Response register_again(ApiState& state, ApiCall& call, const Account& account,
                               std::string_view wanted_id, std::string_view password) {
  const auto taken = api_error(409, "EMAIL_EXISTS", "Email already registered");
  if (account.id != wanted_id || call.now - account.created_at > std::chrono::hours{24})
    return taken;
  auto check = check_password(state, call, account.email, &account, password);
  if (check.refusal) return std::move(*check.refusal);
  if (!check.right) return taken;
  const auto key = issue_management_key(state, account.id, true, call.now);
  if (!key) return api_store_failed(key.error());
  return api_data({{"management_key", key->reveal()},
                   {"email", account.email},
                   {"created_at", api_time(account.created_at)}},
                  201);
}

CREDPOOL_INLINE Response register_account(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto text = input.text("email");
  const auto password = input.text("password", longest_password_bytes);
  if (!input.good()) return api_invalid(input.fault());
  const auto email = normal_email(text);
  if (!email) return api_invalid("Email must be an e-mail address.");
  if (const auto fault = password_fault(password); !fault.empty()) return api_invalid(fault);
  if (!state.options.open_registration)
    return api_error(403, "REGISTRATION_CLOSED", "This server's operator makes the accounts.");
  if (const auto peer = counted_peer(call.request.peer); !peer.empty())
    if (const auto wait = state.newcomers.take(peer, call.now)) return api_too_many(*wait);

  Account account;
  const auto& once = call.request.idempotency_key;
  if (once.empty()) {
    auto id = new_uuid();
    if (!id) return api_store_failed(id.error());
    account.id = std::move(*id);
  } else {
    const auto digest = sha256_of_parts({"credpool register", once, *email});
    account.id = uuid_of_bytes({reinterpret_cast<const char*>(digest.data()), 16});
  }
  const auto there = state.store.account_by_email(*email);
  if (!there) return api_store_failed(there.error());
  if (*there) return register_again(state, call, **there, account.id, password);

  auto hash = hash_password(state, password);
  if (!hash) return password_not_hashed(hash.error());
  const auto key = new_management_key();
  if (!key) return api_store_failed(key.error());
  account.email = *email;
  account.password_hash = std::move(*hash);
  account.created_at = call.now;
  if (const auto added = state.store.add_account(
          account, {key_digest(key->reveal()), account.id, call.now, std::nullopt});
      !added) {
    if (added.error().errc() == Errc::conflict)
      return api_error(409, "EMAIL_EXISTS", "Email already registered");
    return api_store_failed(added.error());
  }
  return api_data({{"management_key", key->reveal()},
                   {"email", account.email},
                   {"created_at", api_time(account.created_at)}},
                  201);
}

CREDPOOL_INLINE Response log_in(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto email = lower_case_email(input.text("email"));
  const auto password = input.text("password", longest_password_bytes);
  const bool revoke = input.optional_flag("revoke_others").value_or(state.options.login_revokes);
  if (!input.good()) return api_invalid(input.fault());

  const auto found = state.store.account_by_email(email);
  if (!found) return api_store_failed(found.error());
  auto check = check_password(state, call, email, *found ? &**found : nullptr, password);
  if (check.refusal) return std::move(*check.refusal);
  if (!check.right) return wrong_credentials();

  std::string better;
  if (!state.options.passwords->is_current((*found)->password_hash)) {
    auto hash = hash_password(state, password);
    if (!hash) return password_not_hashed(hash.error());
    better = std::move(*hash);
  }
  const std::lock_guard turn{state.account_turn((*found)->id)};
  auto account = unchanged_account(state, **found);
  if (!account) return api_store_failed(account.error());
  if (!*account) return wrong_credentials();
  if (!better.empty()) {
    (*account)->password_hash = std::move(better);
    if (const auto updated = state.store.update_account(**account); !updated)
      return api_store_failed(updated.error());
  }
  if (!revoke) {
    const auto keys = live_management_keys(state, (*account)->id);
    if (!keys) return api_store_failed(keys.error());
    if (keys->size() >= state.options.limits.management_keys) return too_many_management_keys();
  }
  const auto key = issue_management_key(state, (*account)->id, revoke, call.now);
  if (!key) return api_store_failed(key.error());
  return api_data({{"management_key", key->reveal()},
                   {"email", (*account)->email},
                   {"last_login", api_time(call.now)}});
}

CREDPOOL_INLINE Response show_account(ApiState& state, ApiCall& call) {
  const auto balance = state.store.balance(call.account.id);
  if (!balance) return api_store_failed(balance.error());
  const auto keys = state.store.count_keys(call.account.id);
  if (!keys) return api_store_failed(keys.error());
  return api_data({{"email", call.account.email},
                   {"plan", call.account.plan},
                   {"credits_remaining", api_money(balance->remaining())},
                   {"keys_count", *keys},
                   {"created_at", api_time(call.account.created_at)}});
}

CREDPOOL_INLINE Response rotate_management_key(ApiState& state, ApiCall& call) {
  const auto key = issue_management_key(state, call.account.id, false, call.now);
  if (!key) return api_store_failed(key.error());
  if (const auto revoked =
          state.store.revoke_management_key(call.account.id, call.key_digest, call.now);
      !revoked)
    return api_store_failed(revoked.error());
  return api_data({{"management_key", key->reveal()},
                   {"email", call.account.email},
                   {"rotated_at", api_time(call.now)}});
}

/// Proof that it is the account's owner who asks, and not only who has found a key of it: the
/// password, or for an account without one its e-mail.
/// @return none when it is; else the refusal
inline std::optional<Response> prove_owner(ApiState& state, const ApiCall& call, ApiInput& input,
                                           std::string_view password_member) {
  if (call.account.password_hash.empty()) {
    if (lower_case_email(input.text("email")) == call.account.email) return std::nullopt;
    if (!input.good()) return api_invalid(input.fault());
    return api_error(403, "INVALID_CREDENTIALS", "This is not the account's email.");
  }
  const auto password = input.text(password_member, longest_password_bytes);
  if (!input.good()) return api_invalid(input.fault());
  auto check = check_password(state, call, call.account.email, &call.account, password);
  if (check.refusal) return std::move(*check.refusal);
  if (check.right) return std::nullopt;
  return api_error(403, "INVALID_CREDENTIALS", "The password is wrong.");
}

CREDPOOL_INLINE Response change_password(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto wanted = input.text("new_password", longest_password_bytes);
  const bool revoke = input.optional_flag("revoke_others").value_or(true);
  if (!input.good()) return api_invalid(input.fault());
  if (const auto fault = password_fault(wanted); !fault.empty()) return api_invalid(fault);
  if (auto refusal = prove_owner(state, call, input, "current_password"))
    return std::move(*refusal);
  auto hash = hash_password(state, wanted);
  if (!hash) return password_not_hashed(hash.error());

  const std::lock_guard turn{state.account_turn(call.account.id)};
  auto account = unchanged_account(state, call.account);
  if (!account) return api_store_failed(account.error());
  if (!*account) return api_error(409, "CONFLICT", "The password was changed at the same time.");
  (*account)->password_hash = std::move(*hash);
  if (const auto updated = state.store.update_account(**account); !updated)
    return api_store_failed(updated.error());
  if (revoke) {
    const auto keys = live_management_keys(state, call.account.id);
    if (!keys) return api_store_failed(keys.error());
    for (const auto& key : *keys) {
      if (key.digest == call.key_digest) continue;
      if (const auto revoked =
              state.store.revoke_management_key(call.account.id, key.digest, call.now);
          !revoked && revoked.error().errc() != Errc::not_found)
        return api_store_failed(revoked.error());
    }
  }
  return api_data({{"email", call.account.email}, {"changed_at", api_time(call.now)}});
}

CREDPOOL_INLINE Response remove_account(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  if (!input.good()) return api_invalid(input.fault());
  if (auto refusal = prove_owner(state, call, input, "password")) return std::move(*refusal);
  const std::lock_guard turn{state.account_turn(call.account.id)};
  if (state.options.payments != nullptr)
    if (const auto forgot = state.options.payments->set_payment_method(call.account.id, {});
        !forgot)
      return api_store_failed(forgot.error());
  if (const auto removed = state.store.remove_account(call.account.id, call.now);
      !removed && removed.error().errc() != Errc::not_found)
    return api_store_failed(removed.error());
  return api_data(
      {{"email", call.account.email}, {"deleted", true}, {"deleted_at", api_time(call.now)}});
}

CREDPOOL_INLINE Response list_management_keys(ApiState& state, ApiCall& call) {
  ApiQuery query{call.request.query};
  const auto most = state.options.limits.management_keys;
  const PageRequest asked{query.number("limit", most, 1, most),
                          query.number("offset", 0, 0, UINT32_MAX)};
  if (!query.good()) return api_invalid(query.fault());
  auto keys = live_management_keys(state, call.account.id);
  if (!keys) return api_store_failed(keys.error());
  Page<ManagementKey> page;
  page.total = keys->size();
  for (auto i = asked.offset; i < keys->size() && page.items.size() < asked.limit; ++i)
    page.items.push_back((*keys)[keys->size() - 1 - i]);
  return api_data(api_page(page, asked, query.has("limit") || query.has("offset"),
                           [&](const ManagementKey& key) {
                             return OrderedJson{{"id", key_name_of(key.digest)},
                                                {"created_at", api_time(key.created_at)},
                                                {"current", key.digest == call.key_digest}};
                           }));
}

CREDPOOL_INLINE Response add_management_key(ApiState& state, ApiCall& call) {
  return answer_once(state, call, true, [&]() -> Response {
    const std::lock_guard turn{state.account_turn(call.account.id)};
    const auto keys = live_management_keys(state, call.account.id);
    if (!keys) return api_store_failed(keys.error());
    if (keys->size() >= state.options.limits.management_keys) return too_many_management_keys();
    const auto key = issue_management_key(state, call.account.id, false, call.now);
    if (!key) return api_store_failed(key.error());
    return api_data({{"management_key", key->reveal()},
                     {"id", key_name_of(key_digest(key->reveal()))},
                     {"created_at", api_time(call.now)}},
                    201);
  });
}

CREDPOOL_INLINE Response revoke_management_key(ApiState& state, ApiCall& call) {
  const auto gone = [] { return api_error(404, "KEY_NOT_FOUND", "Key not found"); };
  const auto keys = live_management_keys(state, call.account.id);
  if (!keys) return api_store_failed(keys.error());
  const auto name = call.name == "current" ? key_name_of(call.key_digest) : std::string{call.name};
  const auto found = std::find_if(keys->begin(), keys->end(), [&](const ManagementKey& key) {
    return key_name_of(key.digest) == name;
  });
  if (found == keys->end()) return gone();
  if (const auto revoked =
          state.store.revoke_management_key(call.account.id, found->digest, call.now);
      !revoked)
    return revoked.error().errc() == Errc::not_found ? gone() : api_store_failed(revoked.error());
  return api_data({{"id", name}, {"revoked", true}, {"revoked_at", api_time(call.now)}});
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
