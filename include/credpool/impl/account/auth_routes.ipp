#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/email.hpp>
#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_input.hpp>
#include <credpool/impl/account/api_state.hpp>
#include <credpool/impl/account/random_uuid.hpp>

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

inline Response password_not_hashed(const Error& error) {
  if (error.errc() == Errc::overloaded) return api_too_many(Duration{1'000});
  return api_later(503, "OVERLOADED", "The server has too much to do. Try again.", Duration{1'000});
}

/// The account as it is now, if its password is still the one that was checked.
inline Result<std::optional<Account>> unchanged_account(ApiState& state, const Account& checked) {
  auto account = state.store.account(checked.id);
  if (account && *account && (*account)->password_hash != checked.password_hash) account->reset();
  return account;
}

/// Gives the account another password, if it still has the one that was checked.
/// @return none when it has not, or is gone
inline Result<std::optional<Account>> change_password_of(ApiState& state, const Account& checked,
                                                         std::string hash) {
  bool other = false;
  const auto changed =
      state.store.change_account(checked.id, [&](Account& account) -> Result<void> {
        other = account.password_hash != checked.password_hash;
        if (other) return fail(Errc::conflict, "changing a password");
        account.password_hash = std::move(hash);
        return {};
      });
  if (changed) return std::optional{*changed};
  if (other || changed.error().errc() == Errc::not_found) return std::optional<Account>{};
  return fail(changed.error());
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
  const auto account = better.empty() ? unchanged_account(state, **found)
                                      : change_password_of(state, **found, std::move(better));
  if (!account) return api_store_failed(account.error());
  if (!*account) return wrong_credentials();
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
  const auto account = change_password_of(state, call.account, std::move(*hash));
  if (!account) return api_store_failed(account.error());
  if (!*account) return api_error(409, "CONFLICT", "The password was changed at the same time.");
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

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
