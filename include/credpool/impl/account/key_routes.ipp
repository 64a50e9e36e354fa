#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_input.hpp>
#include <credpool/impl/account/api_state.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::uint64_t most_keys_listed = 1'000;

inline Response key_not_found() {
  return api_error(404, "KEY_NOT_FOUND", "Key not found");
}

inline bool is_key_label(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

/// What a key shows of itself; its value only in the one answer that hands it out.
inline OrderedJson key_json(const ProvisionedKey& key, std::string_view value = {}) {
  OrderedJson json;
  json["hash"] = key.hash;
  if (!value.empty()) json["key"] = value;
  json["name"] = key.name;
  json["credit_limit"] = api_optional(key.credit_limit, api_money);
  json["limit_reset"] = key.limit_reset == LimitReset::never
                            ? OrderedJson(nullptr)
                            : OrderedJson(to_string(key.limit_reset));
  json["usage"] = api_money(key.usage);
  json["disabled"] = key.disabled;
  json["created_at"] = api_time(key.created_at);
  json["expires_at"] = api_optional(key.expires_at, api_time);
  if (key.revoked_at) json["revoked_at"] = api_time(*key.revoked_at);
  return json;
}

/// What a body says about a key; members that are not there stay none.
struct KeyWishes {
  bool limits = false;  ///< it says something about the limit
  std::optional<Money> credit_limit;
  std::optional<LimitReset> limit_reset;
  std::optional<bool> disabled;
  bool expires = false;
  std::optional<TimePoint> expires_at;
};

inline KeyWishes read_key_wishes(ApiInput& input) {
  KeyWishes wishes;
  wishes.limits = input.has("credit_limit");
  wishes.credit_limit = input.optional_money("credit_limit", Money{}, most_money);
  if (input.is_null("limit_reset")) {
    wishes.limit_reset = LimitReset::never;
  } else if (const auto name = input.optional_text("limit_reset")) {
    wishes.limit_reset = *name == "none" ? LimitReset::never : limit_reset_of(*name);
    if (!wishes.limit_reset) input.refuse("Limit_reset must be daily, weekly, monthly or null.");
  }
  wishes.disabled = input.optional_flag("disabled");
  wishes.expires = input.has("expires_at");
  wishes.expires_at = input.optional_time("expires_at");
  return wishes;
}

inline void apply_key_wishes(const KeyWishes& wishes, ProvisionedKey& key) {
  if (wishes.limits) key.credit_limit = wishes.credit_limit;
  if (wishes.limit_reset) key.limit_reset = *wishes.limit_reset;
  if (wishes.disabled) key.disabled = *wishes.disabled;
  if (wishes.expires) key.expires_at = wishes.expires_at;
}

CREDPOOL_INLINE Response create_key(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto name = input.text("name");
  const auto wishes = read_key_wishes(input);
  if (!input.good()) return api_invalid(input.fault());
  if (!is_key_label(name))
    return api_invalid("Name must have 1 to 100 letters, digits, \"_\" and \"-\".");
  return answer_once(state, call, true, [&]() -> Response {
    // A value whose digest begins like that of another key comes once in billions of keys, two
    // running do not: when the second one is refused as well, it is because of the name.
    for (int attempt = 0;; ++attempt) {
      const auto value = new_provisioned_key();
      if (!value) return api_store_failed(value.error());
      ProvisionedKey key;
      key.digest = key_digest(value->reveal());
      key.hash = key_name_of(key.digest);
      key.account = call.account.id;
      key.name = name;
      key.created_at = call.now;
      apply_key_wishes(wishes, key);
      const auto added = state.store.add_key(key);
      if (added) return api_data(key_json(key, value->reveal()), 201);
      if (added.error().errc() != Errc::conflict) return api_store_failed(added.error());
      if (attempt > 0)
        return api_error(409, "KEY_NAME_EXISTS", "A key with this name already exists");
    }
  });
}

CREDPOOL_INLINE Response list_keys(ApiState& state, ApiCall& call) {
  ApiQuery query{call.request.query};
  const PageRequest asked{query.number("limit", most_keys_listed, 1, most_keys_listed),
                          query.number("offset", 0, 0, UINT32_MAX)};
  const bool revoked = query.flag("include_revoked");
  if (!query.good()) return api_invalid(query.fault());
  const auto page = state.store.keys(call.account.id, revoked, asked);
  if (!page) return api_store_failed(page.error());
  return api_data(api_page(*page, asked, query.has("limit") || query.has("offset"),
                           [](const ProvisionedKey& key) { return key_json(key); }));
}

CREDPOOL_INLINE Response show_key(ApiState& state, ApiCall& call) {
  const auto key = state.store.key(call.account.id, call.name);
  if (!key) return api_store_failed(key.error());
  if (!*key || (*key)->revoked_at) return key_not_found();
  const auto today = state.day_of(call.now);
  // A zone's day may differ from UTC's by one.
  const auto first = state.day_of((*key)->created_at - std::chrono::hours{24});
  auto days = state.store.usage(call.account.id, call.name, first, today);
  if (!days) return api_store_failed(days.error());
  auto json = key_json(**key);
  json.update(usage_summary(std::move(*days), today));
  return api_data(std::move(json));
}

CREDPOOL_INLINE Response update_key(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto wishes = read_key_wishes(input);
  if (!input.good()) return api_invalid(input.fault());
  if (!wishes.limits && !wishes.limit_reset && !wishes.disabled && !wishes.expires)
    return api_invalid("Name at least one of credit_limit, limit_reset, disabled, expires_at.");
  const auto key = state.store.change_key(call.account.id, call.name,
                                          [&](ProvisionedKey& found) -> Result<void> {
                                            if (found.revoked_at)
                                              return fail(Errc::not_found, "changing a key");
                                            apply_key_wishes(wishes, found);
                                            return {};
                                          });
  if (key) return api_data(key_json(*key));
  return key.error().errc() == Errc::not_found ? key_not_found() : api_store_failed(key.error());
}

/// Changes a key that is not revoked.
/// @param was_revoked becomes true when it was revoked before, and was not changed
template <class Change>
Result<ProvisionedKey> change_live_key(ApiState& state, const ApiCall& call, bool& was_revoked,
                                       Change change) {
  return state.store.change_key(call.account.id, call.name,
                                [&](ProvisionedKey& key) -> Result<void> {
                                  was_revoked = key.revoked_at.has_value();
                                  if (was_revoked) return fail(Errc::conflict, "changing a key");
                                  change(key);
                                  return {};
                                });
}

inline Response key_unchanged(const Error& error, bool was_revoked, std::string_view revoked_code) {
  if (was_revoked) return api_error(410, revoked_code, "Key has already been revoked");
  return error.errc() == Errc::not_found ? key_not_found() : api_store_failed(error);
}

CREDPOOL_INLINE Response revoke_key(ApiState& state, ApiCall& call) {
  bool was_revoked = false;
  const auto key = change_live_key(state, call, was_revoked,
                                   [&](ProvisionedKey& found) { found.revoked_at = call.now; });
  if (!key) return key_unchanged(key.error(), was_revoked, "KEY_ALREADY_REVOKED");
  return api_data({{"hash", key->hash},
                   {"name", key->name},
                   {"revoked", true},
                   {"revoked_at", api_time(call.now)}});
}

CREDPOOL_INLINE Response rotate_key(ApiState& state, ApiCall& call) {
  return answer_once(state, call, true, [&]() -> Response {
    const auto value = new_provisioned_key();
    if (!value) return api_store_failed(value.error());
    bool was_revoked = false;
    const auto key = change_live_key(state, call, was_revoked, [&](ProvisionedKey& found) {
      found.digest = key_digest(value->reveal());
    });
    if (!key) return key_unchanged(key.error(), was_revoked, "KEY_REVOKED");
    OrderedJson json;
    json["key"] = value->reveal();
    json.update(key_json(*key));
    json["rotated_at"] = api_time(call.now);
    return api_data(std::move(json));
  });
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
