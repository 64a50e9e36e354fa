#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/keys.hpp>
#include <credpool/account/purchase.hpp>
#include <credpool/impl/account/api_input.hpp>
#include <credpool/impl/account/api_state.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE Response show_credits(ApiState& state, ApiCall& call) {
  const auto balance = state.store.balance(call.account.id);
  if (!balance) return api_store_failed(balance.error());
  return api_data({{"total_credits", api_money(balance->credits)},
                   {"total_usage", api_money(balance->usage)},
                   {"remaining", api_money(balance->remaining())}});
}

/// Gives credits of a purchase that nobody pays for: the operator wants it so.
inline Response grant_purchase(ApiState& state, const ApiCall& call, Money amount) {
  // A duplicate whose first answer was lost with its server finds the credits given. A day later
  // the same idempotency key is a new purchase.
  std::string reference;
  if (!call.request.idempotency_key.empty())
    reference = "purchase:" + call.account.id + ':' + key_digest(call.request.idempotency_key);
  for (int attempt = 0; attempt < 16; ++attempt) {
    auto id = new_uuid();
    if (!id) return api_store_failed(id.error());
    const auto credited = state.store.credit({.account = call.account.id,
                                              .type = TransactionType::purchase,
                                              .amount = amount,
                                              .description = "Credit purchase",
                                              .reference = reference,
                                              .id = std::move(*id),
                                              .now = call.now});
    if (!credited) {
      if (credited.error().errc() == Errc::conflict)
        return api_error(422, "IDEMPOTENCY_KEY_REUSED",
                         "This Idempotency-Key was used for another request.");
      if (credited.error().errc() == Errc::invalid_argument)
        return api_invalid("The account cannot have more credits.");
      return api_store_failed(credited.error());
    }
    const auto& transaction = credited->transaction;
    if (credited->second && call.now - transaction.created_at > std::chrono::hours{24}) {
      reference = "purchase:" + call.account.id + ':' + transaction.id;
      continue;
    }
    const auto fee = platform_fee(amount);
    return api_data({{"transaction_id", transaction.id},
                     {"amount", api_money(amount)},
                     {"platform_fee", api_money(fee)},
                     {"total_charged", api_money(amount + fee)},
                     {"new_balance", api_money(transaction.balance_after)},
                     {"created_at", api_time(transaction.created_at)}});
  }
  return api_error(409, "CONFLICT", "This Idempotency-Key was used too often.");
}

/// Begins a payment on Stripe's page.
inline Response begin_purchase(ApiState& state, const ApiCall& call, Money amount,
                               bool save_method) {
  auto id = new_uuid();
  if (!id) return api_store_failed(id.error());
  Payment payment{.id = std::move(*id),
                  .account = call.account.id,
                  .kind = PaymentKind::checkout,
                  .credits = amount,
                  .charge_cents = (amount + platform_fee(amount)).micros / 10'000,
                  .reference = {},
                  .state = PaymentState::open,
                  .save_method = save_method,
                  .created_at = call.now};
  auto& payments = *state.options.payments;
  if (const auto added = payments.add_payment(payment); !added)
    return api_store_failed(added.error());
  const auto begun = state.stripe->begin_checkout(payment, call.account.email);
  if (!begun || begun->url.empty()) {
    payment.state = PaymentState::failed;  // nobody has its page
    if (const auto changed = payments.change_payment(payment); !changed)
      return api_store_failed(changed.error());
    if (!begun && begun.error().errc() == Errc::forbidden)
      return api_error(402, "PAYMENT_FAILED", "The payment provider refused the payment.");
    return api_later(502, "PAYMENT_PROVIDER_UNAVAILABLE",
                     "The payment provider cannot be reached. Nothing was charged.",
                     Duration{5'000});
  }
  payment.reference = begun->reference;
  if (const auto changed = payments.change_payment(payment); !changed)
    return api_store_failed(changed.error());
  return api_data({{"checkout_url", begun->url}, {"session_id", begun->reference}});
}

CREDPOOL_INLINE Response buy_credits(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto amount = input.optional_payment("amount");
  const bool save_method = input.optional_flag("save_payment_method").value_or(false);
  if (!input.good()) return api_invalid(input.fault());
  if (!amount) return api_invalid("Amount is required.");
  return answer_once(state, call, false, [&]() -> Response {
    if (state.options.grant_credits) return grant_purchase(state, call, *amount);
    if (state.stripe) return begin_purchase(state, call, *amount, save_method);
    return api_error(403, "PAYMENTS_DISABLED", "This server sells no credits. Ask its operator.");
  });
}

CREDPOOL_INLINE Response list_transactions(ApiState& state, ApiCall& call) {
  ApiQuery query{call.request.query};
  const PageRequest asked{query.number("limit", 20, 1, 1'000),
                          query.number("offset", 0, 0, UINT32_MAX)};
  const auto type_name = query.text("type");
  if (!query.good()) return api_invalid(query.fault());
  const auto type = transaction_type_of(type_name);
  Result<Page<CreditTransaction>> page = Page<CreditTransaction>{};
  if (type_name.empty() || type) page = state.store.transactions(call.account.id, type, asked);
  if (!page) return api_store_failed(page.error());
  return api_data(api_page(*page, asked, true, [](const CreditTransaction& transaction) {
    return OrderedJson{{"id", transaction.id},
                       {"type", to_string(transaction.type)},
                       {"amount", api_money(transaction.amount)},
                       {"balance_after", api_money(transaction.balance_after)},
                       {"description", transaction.description},
                       {"created_at", api_time(transaction.created_at)}};
  }));
}

inline OrderedJson auto_topup_json(const AutoTopUp& topup) {
  return {{"enabled", topup.enabled},
          {"threshold", api_money(topup.threshold)},
          {"amount", api_money(topup.amount)}};
}

CREDPOOL_INLINE Response show_auto_topup(ApiState& state, ApiCall& call) {
  const auto topup = state.store.auto_topup(call.account.id);
  if (!topup) return api_store_failed(topup.error());
  return api_data(auto_topup_json(*topup));
}

/// Whether there is something that a top-up of the account can be paid with.
inline Result<bool> can_top_up(ApiState& state, const AccountId& account) {
  if (state.options.grant_credits) return true;
  if (!state.stripe) return false;
  return state.options.payments->payment_method(account).transform(
      [](const std::optional<PaymentMethod>& method) { return method.has_value(); });
}

CREDPOOL_INLINE Response set_auto_topup(ApiState& state, ApiCall& call) {
  ApiInput input{call.request.body};
  const auto enabled = input.optional_flag("enabled");
  const auto threshold =
      input.optional_money("threshold", Money::dollars(1), Money::dollars(1'000));
  const auto amount = input.optional_payment("amount");
  if (!input.good()) return api_invalid(input.fault());
  if (!enabled && !threshold && !amount)
    return api_invalid("Name at least one of enabled, threshold and amount.");

  const std::lock_guard turn{state.account_turn(call.account.id)};
  auto topup = state.store.auto_topup(call.account.id);
  if (!topup) return api_store_failed(topup.error());
  topup->enabled = enabled.value_or(topup->enabled);
  topup->threshold = threshold.value_or(topup->threshold);
  topup->amount = amount.value_or(topup->amount);
  topup->updated_at = call.now;
  if (topup->enabled) {
    const auto payable = can_top_up(state, call.account.id);
    if (!payable) return api_store_failed(payable.error());
    if (!*payable)
      return api_error(400, "PAYMENT_METHOD_REQUIRED",
                       state.stripe ? "Buy credits with save_payment_method first."
                                    : "This server sells no credits. Ask its operator.");
  }
  if (const auto set = state.store.set_auto_topup(call.account.id, *topup); !set)
    return api_store_failed(set.error());
  auto json = auto_topup_json(*topup);
  json["updated_at"] = api_time(call.now);
  return api_data(std::move(json));
}

CREDPOOL_INLINE Response forget_payment_method(ApiState& state, ApiCall& call) {
  const std::lock_guard turn{state.account_turn(call.account.id)};
  auto topup = state.store.auto_topup(call.account.id);
  if (!topup) return api_store_failed(topup.error());
  if (!state.options.grant_credits && topup->enabled) {
    topup->enabled = false;
    topup->updated_at = call.now;
    if (const auto set = state.store.set_auto_topup(call.account.id, *topup); !set)
      return api_store_failed(set.error());
  }
  if (state.options.payments != nullptr)
    if (const auto forgot = state.options.payments->set_payment_method(call.account.id, {});
        !forgot)
      return api_store_failed(forgot.error());
  return api_data({{"forgotten", true}});
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
