#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_input.hpp>
#include <credpool/impl/account/api_state.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE Response too_many_management_keys() {
  return api_error(409, "TOO_MANY_KEYS",
                   "The account has too many management keys. Revoke some of them.");
}

CREDPOOL_INLINE Result<std::vector<ManagementKey>> live_management_keys(ApiState& state,
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
