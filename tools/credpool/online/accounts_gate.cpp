// SPDX-License-Identifier: MIT
#include "accounts_gate.hpp"

#include <credpool/account/keys.hpp>
#include <credpool/core/clock.hpp>

#include <algorithm>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

/// Who presented a provisioned key.
struct AccountsGate::Caller final : cp::ProxyCaller {
  explicit Caller(std::string of) : ProxyCaller{cp::key_name_of(of)}, digest{std::move(of)} {}

  std::string digest;
  mutable UnknownKeys::Share share;  ///< of a key that was not known, until it is
};

/// What has to be remembered of a request until it is settled.
struct AccountsGate::Asked {
  std::shared_ptr<const Caller> caller;
  std::string request_id;
  cp::Money most;
  std::uint64_t body_bytes = 0;
  std::uint64_t answers = 1;
  bool generates = true;
};

namespace {

/// How many of the longest bodies may be under way at once with keys that are not known.
constexpr std::uint64_t stranger_bodies = 8;

cp::Reservation refused(int status, std::string message, std::string code) {
  return {.spending = {}, .refusal = cp::SpendRefusal{status, std::move(message), std::move(code)}};
}

UnknownKeys::Verdict verdict_of(const cp::Error& error) {
  return error.hint == cp::key_revoked_hint ? UnknownKeys::Verdict::revoked
                                            : UnknownKeys::Verdict::unknown;
}

cp::SpendRefusal refusal_of(UnknownKeys::Verdict verdict) {
  if (verdict == UnknownKeys::Verdict::revoked)
    return {401, "this key has been revoked", "KEY_REVOKED"};
  return {401, "invalid or revoked key", "UNAUTHORIZED"};
}

/// What the ledger has said of a key that nobody may use.
void note_refusal(UnknownKeys& strangers, std::string_view digest,
                  const cp::Result<cp::Spend>& spend) {
  if (!spend && spend.error().errc() == cp::Errc::unauthorized)
    strangers.remember(digest, verdict_of(spend.error()));
}

cp::Reservation refused(const cp::Error& error) {
  switch (error.errc()) {
    case cp::Errc::unauthorized:
      return {.spending = {}, .refusal = refusal_of(verdict_of(error))};
    case cp::Errc::forbidden:
      if (error.hint == cp::key_expired_hint)
        return refused(401, "this key has expired", "KEY_EXPIRED");
      return refused(401, "this key is disabled", "KEY_DISABLED");
    case cp::Errc::rate_limited:
      return refused(429,
                     "the key's credit limit does not cover this request; ask for fewer tokens"
                     " (max_tokens), or raise the limit",
                     "CREDIT_LIMIT_EXCEEDED");
    case cp::Errc::quota_exhausted:
      return refused(402,
                     "the account's credits do not cover this request; ask for fewer tokens"
                     " (max_tokens), or buy credits",
                     "INSUFFICIENT_CREDITS");
    case cp::Errc::invalid_argument:
      return refused(400, "this request cannot be priced: it asks for too much", "INVALID_INPUT");
    default:
      return refused(503, "the accounts cannot be reached at the moment; try again",
                     "ACCOUNTS_UNAVAILABLE");
  }
}

}  // namespace

/// What is held for one request.
class AccountsGate::Held final : public cp::Spending {
 public:
  Held(cp::Spend spend, std::shared_ptr<const Asked> asked,
       std::shared_ptr<const cp::PriceTable> prices, std::shared_ptr<const OnSpent> on_spent)
      : spend_{std::move(spend)},
        asked_{std::move(asked)},
        prices_{std::move(prices)},
        on_spent_{std::move(on_spent)} {}

  void settle(const cp::Spent& spent, std::function<void(const cp::Result<void>&)> done) override {
    auto row = priced(spent);
    const auto cost = row.cost;
    spend_.settle(std::move(row), [done = std::move(done), account = spend_.account(), cost,
                                   told = on_spent_](const cp::Result<void>& kept) {
      if (kept && *told) (*told)(account, cost);
      if (done) done(kept);
    });
  }

 private:
  /// What the provider has counted, or, where it counted nothing that can be, what its bytes say.
  cp::UsageRow priced(const cp::Spent& spent) const {
    cp::UsageRow row;
    row.request_id = asked_->request_id;
    row.model = spent.model;
    row.status = spent.status;
    const auto& usage = spent.usage;
    const auto* price = prices_->find(spent.model);
    cp::BilledTokens tokens{.input = usage.input.value_or(0),
                            .cached_input = usage.cached_input.value_or(0),
                            .cache_write_input = usage.cache_write_input.value_or(0),
                            .output = usage.output.value_or(0),
                            .reasoning = usage.reasoning.value_or(0)};
    const bool counted = !usage.malformed && usage.input && (usage.output || !asked_->generates);
    auto cost = counted && price ? cp::cost_of(*price, tokens, asked_->answers)
                                 : cp::Result<cp::Money>{cp::fail(cp::Errc::malformed, "pricing")};
    // More than could be: a token for each byte of the body, and all that max_tokens allows, are
    // held already.
    if (cost && *cost > spend_.held()) cost = cp::fail(cp::Errc::malformed, "pricing");
    if (!cost && price) {
      row.estimated = true;
      tokens = {.input = std::max(usage.malformed ? 0 : usage.input.value_or(0),
                                  cp::estimated_tokens(asked_->body_bytes))};
      // Providers send about one event for each token of a stream.
      if (asked_->generates)
        tokens.output = spent.events > 0 ? spent.events : cp::estimated_tokens(spent.bytes_out);
      cost = cp::cost_of(*price, tokens, asked_->answers);
    }
    row.input_tokens = tokens.input;
    row.cached_input_tokens = tokens.cached_input;
    row.output_tokens = tokens.output;
    row.reasoning_tokens = tokens.reasoning;
    row.cost = cost ? std::min(*cost, spend_.held()) : spend_.held();
    return row;
  }

  cp::Spend spend_;
  std::shared_ptr<const Asked> asked_;
  std::shared_ptr<const cp::PriceTable> prices_;
  std::shared_ptr<const OnSpent> on_spent_;
};

AccountsGate::AccountsGate(cp::Ledger& ledger, cp::PriceTable prices, std::uint64_t most_body,
                           TooLittle too_little, OnSpent on_spent)
    : ledger_{ledger},
      most_body_{most_body},
      strangers_{std::make_shared<UnknownKeys>([] { return cp::SystemClock{}.steady(); },
                                               stranger_bodies * most_body)},
      prices_{std::make_shared<const cp::PriceTable>(std::move(prices))},
      too_little_{std::move(too_little)},
      on_spent_{std::make_shared<const OnSpent>(std::move(on_spent))} {}

cp::ProxyAdmission AccountsGate::admit(std::string_view key,
                                       std::optional<std::uint64_t> body_bytes) {
  // A body of this size has come with its head, or soon after: then it is no use to ask ahead.
  constexpr std::uint64_t small = 64 << 10;
  if (!cp::is_provisioned_key(key)) return {};
  auto caller = std::make_shared<Caller>(cp::key_digest(key));
  if (ledger_.knows(caller->digest)) return {.caller = std::move(caller)};
  if (const auto verdict = strangers_->verdict(caller->digest))
    return {.refusal = refusal_of(*verdict)};
  const auto bytes = body_bytes.value_or(most_body_);
  caller->share = strangers_->take(bytes);
  if (!caller->share || bytes > small) look_up(caller->digest);
  if (!caller->share)
    return {.refusal = cp::SpendRefusal{503,
                                        "too much is being sent with keys that are not yet "
                                        "known here; try again",
                                        "KEY_NOT_YET_KNOWN"}};
  return {.caller = std::move(caller)};
}

/// So that its next request, and the end of this one, find it known or refused.
void AccountsGate::look_up(const std::string& digest) {
  const auto note = [strangers = strangers_, digest](const cp::Result<cp::Spend>& spend) {
    note_refusal(*strangers, digest, spend);
  };
  if (const auto answer = ledger_.hold(digest, cp::Money{}, note)) note(*answer);
}

std::optional<cp::Reservation> AccountsGate::confirm(std::shared_ptr<const cp::ProxyCaller> who,
                                                     std::function<void(cp::Reservation)> later) {
  auto caller = std::static_pointer_cast<const Caller>(std::move(who));
  const auto answer_of = [strangers = strangers_, caller](const cp::Result<cp::Spend>& spend) {
    note_refusal(*strangers, caller->digest, spend);
    caller->share.reset();
    if (spend) return cp::Reservation{};
    // A key without credits is a good key all the same.
    const auto code = spend.error().errc();
    if (code == cp::Errc::rate_limited || code == cp::Errc::quota_exhausted)
      return cp::Reservation{};
    return refused(spend.error());
  };
  const auto answer =
      ledger_.hold(caller->digest, cp::Money{},
                   [answer_of, later = std::move(later)](const cp::Result<cp::Spend>& spend) {
                     later(answer_of(spend));
                   });
  if (!answer) return std::nullopt;
  return answer_of(*answer);
}

std::optional<cp::Reservation> AccountsGate::reserve(const cp::SpendRequest& request,
                                                     std::function<void(cp::Reservation)> later) {
  const auto& facts = request.facts;
  const cp::RequestSize size{.prompt_bytes = request.body.size(),
                             .max_output_tokens = facts.max_output_tokens,
                             .answers = std::max<std::uint64_t>(facts.n.value_or(1), 1),
                             .unbounded_input = cp::may_read_more_than_body(request.body, facts),
                             .generates = request.operation != cp::Operation::embeddings};
  auto asked = std::make_shared<Asked>();
  asked->caller = std::static_pointer_cast<const Caller>(request.caller);
  asked->request_id = request.request_id;
  asked->body_bytes = size.prompt_bytes;
  asked->answers = size.answers;
  asked->generates = size.generates;
  for (const auto model : request.models) {
    const auto* price = prices_->find(model);
    if (!price)
      return refused(400, "there is no price for this model, so it cannot be used with credits",
                     "MODEL_NOT_PRICED");
    const auto most = cp::most_cost_of(*price, size);
    if (!most) return refused(most.error());
    asked->most = std::max(asked->most, *most);
  }
  if (auto spend = ledger_.try_hold(asked->caller->digest, asked->most)) {
    asked->caller->share.reset();
    return cp::Reservation{.spending = std::make_shared<Held>(std::move(*spend), std::move(asked),
                                                              prices_, on_spent_)};
  }
  return hold(std::move(asked), true, std::move(later));
}

std::optional<cp::Reservation> AccountsGate::hold(std::shared_ptr<const Asked> asked, bool first,
                                                  std::function<void(cp::Reservation)> later) {
  const auto& digest = asked->caller->digest;
  const auto reservation_of = [prices = prices_, on_spent = on_spent_, strangers = strangers_,
                               asked](cp::Result<cp::Spend> spend) {
    note_refusal(*strangers, asked->caller->digest, spend);
    asked->caller->share.reset();
    if (!spend) return refused(spend.error());
    return cp::Reservation{.spending =
                               std::make_shared<Held>(std::move(*spend), asked, prices, on_spent)};
  };
  const auto may_get_more = [this, first](const cp::Result<cp::Spend>& spend) {
    return first && too_little_ && !spend && spend.error().errc() == cp::Errc::quota_exhausted;
  };
  const auto try_again = [this, asked, later] {
    too_little_(asked->caller->digest, [this, asked, later] {
      if (auto answer = hold(asked, false, later)) later(std::move(*answer));
    });
  };
  auto granted =
      ledger_.hold(digest, asked->most,
                   [reservation_of, may_get_more, try_again, later](cp::Result<cp::Spend> spend) {
                     if (may_get_more(spend)) return try_again();
                     later(reservation_of(std::move(spend)));
                   });
  if (!granted) return std::nullopt;
  if (may_get_more(*granted)) {
    try_again();
    return std::nullopt;
  }
  return reservation_of(std::move(*granted));
}

}  // namespace credpool_cli
