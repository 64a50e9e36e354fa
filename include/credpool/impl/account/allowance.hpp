#pragma once
// SPDX-License-Identifier: MIT

// How a key's budget is shared out: the rules that all stores follow. Internal: included by .ipp
// files only.

#include <credpool/account/store.hpp>
#include <credpool/core/hash.hpp>

#include <algorithm>
#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// While much is left, no server takes more than this part of it: what idles somewhere is little.
inline constexpr std::int64_t allowance_part = 16;

/// What a share that was asked for is decided on.
struct Budget {
  Money limit_left;    ///< of the key's period, without what is held; most_money: no limit
  Money limit_held;    ///< by all servers
  Money balance_left;  ///< of the account, without what is held
  Money balance_held;  ///< by all servers
};

struct Share {
  Money amount;
  bool tight = false;
};

inline Share allowance_share(const AllowanceRequest& request, Money left) {
  const Money part{left.micros / allowance_part};
  if (part >= request.most) return {request.most, false};
  if (part > request.wanted) return {part, false};
  return {std::min(std::max(request.least, request.wanted), left), true};
}

inline Unexpected allowance_refused(const AllowanceRequest& request, Errc code, const char* place,
                                    std::string hint, Money left, Money held) {
  auto refusal = fail(code, "holding credits for a request", place, std::move(hint));
  const auto elsewhere = held - request.idle;
  if (elsewhere > Money{} && left + elsewhere >= request.least)
    refusal.error.retry_at = request.now;
  return refusal;
}

inline Unexpected limit_refusal(const AllowanceRequest& request, Money left, Money held) {
  return allowance_refused(request, Errc::rate_limited, "key", "the key's credit limit is used up",
                           left, held);
}

inline Unexpected balance_refusal(const AllowanceRequest& request, Money left, Money held) {
  return allowance_refused(request, Errc::quota_exhausted, "balance",
                           "the account has too few credits left: buy some", left, held);
}

inline Unexpected key_refusal(Errc code, std::string_view hint) {
  return fail(code, "holding credits for a request", "key", std::string{hint});
}

/// Whether a reservation was refused by the rules, and not for a fault of the store.
inline bool is_refusal(const Error& error) noexcept {
  const auto code = error.errc();
  return code == Errc::unauthorized || code == Errc::forbidden || code == Errc::rate_limited ||
         code == Errc::quota_exhausted;
}

/// Whether a key may be used at all.
inline Result<void> check_key_usable(const ProvisionedKey& key, TimePoint now) {
  if (key.revoked_at) return key_refusal(Errc::unauthorized, key_revoked_hint);
  if (key.disabled) return key_refusal(Errc::forbidden, key_disabled_hint);
  if (key.expires_at && *key.expires_at <= now)
    return key_refusal(Errc::forbidden, key_expired_hint);
  return {};
}

inline Result<Share> decide_share(const AllowanceRequest& request, const Budget& budget) {
  if (budget.limit_left < request.least)
    return limit_refusal(request, budget.limit_left, budget.limit_held);
  if (budget.balance_left < request.least)
    return balance_refusal(request, budget.balance_left, budget.balance_held);
  return allowance_share(request, std::min(budget.limit_left, budget.balance_left));
}

/// The period that a key's counter stands for, beside what ProvisionedKey says.
struct KeyPeriod {
  LimitReset kind = LimitReset::never;
  /// Allowances of periods from here on count: the last boundary that was passed by time.
  TimePoint counted_from{};
};

enum class PeriodChange { none, next, other_kind };

/// Moves a key's counter to the period that runs now. Never back: another host's clock may be a
/// little behind.
/// @return other_kind: the counter has to be made anew, of usage since `period.first_day`
inline PeriodChange move_period(ProvisionedKey& key, KeyPeriod& state, const LimitPeriod& period) {
  if (state.kind != key.limit_reset) {
    state.kind = key.limit_reset;
    key.period_start = period.start;
    state.counted_from = std::min(state.counted_from, period.start);
    return PeriodChange::other_kind;
  }
  if (period.start <= key.period_start) return PeriodChange::none;
  key.period_start = period.start;
  key.period_usage = {};
  state.counted_from = period.start;
  return PeriodChange::next;
}

inline Allowance allowance_of(const ProvisionedKey& key, const LimitPeriod& period, Share share) {
  return {key.hash,         key.account,
          key.period_start, key.expires_at ? std::min(period.end, *key.expires_at) : period.end,
          share.amount,     share.tight};
}

inline Result<void> check_settlements(std::span<const Settlement> settlements) {
  for (const auto& settlement : settlements) {
    if (settlement.spent < Money{} || settlement.returned < Money{} ||
        settlement.spent > most_money || settlement.returned > most_money)
      return fail(Errc::invalid_argument, "settling requests", {}, "an amount is out of range");
    if (settlement.usage ? settlement.usage->cost != settlement.spent : settlement.spent != Money{})
      return fail(Errc::invalid_argument, "settling requests", {},
                  "what was spent is not the cost of the usage beside it");
  }
  return {};
}

/// What change_key() must not change.
inline void keep_key_identity(ProvisionedKey& changed, const ProvisionedKey& before) {
  changed.hash = before.hash;
  changed.account = before.account;
  changed.usage = before.usage;
  changed.period_usage = before.period_usage;
  changed.period_start = before.period_start;
  changed.created_at = before.created_at;
}

/// What change_account() must not change.
inline void keep_account_identity(Account& changed, const Account& before) {
  changed.id = before.id;
  changed.created_at = before.created_at;
}

/// A name for an entry of usage in the form of a UUID (RFC 9562, version 8).
inline std::string usage_transaction_id(const AccountId& account, std::uint64_t number) {
  auto hex = to_hex(sha256_of_parts({"usage", account, std::to_string(number)})).substr(0, 32);
  hex[12] = '8';
  hex[16] = 'a';
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, "-");
  return hex;
}

inline std::string usage_description(const std::string& day) {
  return "Usage on " + day;
}

inline Unexpected no_account(const char* doing) {
  return fail(Errc::not_found, doing, "account", "there is no such account");
}
inline Unexpected no_key(const char* doing) {
  return fail(Errc::not_found, doing, "key", std::string{key_unknown_hint});
}
inline Unexpected email_taken(const char* doing) {
  return fail(Errc::conflict, doing, "account", "another account has that e-mail or GitHub user");
}
inline Unexpected key_name_taken(const char* doing) {
  return fail(Errc::conflict, doing, "key", "another key of the account has that name");
}
inline Unexpected reference_taken() {
  return fail(Errc::conflict, "changing credits", "reference",
              "it was used for another account or amount");
}
inline Unexpected answer_differs() {
  return fail(Errc::conflict, "claiming an idempotency key", "idempotency key",
              "it was used for another request");
}
inline Unexpected answer_pending() {
  return fail(Errc::busy, "claiming an idempotency key", "idempotency key",
              "the first request with it has not ended: try again");
}
inline Unexpected no_claim() {
  return fail(Errc::not_found, "keeping an answer", "idempotency key", "nobody has claimed it");
}
inline Unexpected credits_out_of_range() {
  return fail(Errc::invalid_argument, "changing credits", "balance", "no balance is that large");
}

/// Credits stay within what may be added up.
inline bool fits_credits(Money credits) noexcept {
  return credits <= most_money && credits >= Money{} - most_money;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
