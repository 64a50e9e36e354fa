// SPDX-License-Identifier: MIT
#include "account_import.hpp"

#include <credpool/account/email.hpp>
#include <credpool/account/keys.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// The plan of an account whose import has not ended.
constexpr std::string_view unfinished_plan = "import-unfinished";
constexpr const char* doing = "taking over accounts";

cp::Unexpected broken(const char* table, const std::string& id, std::string hint) {
  return cp::fail(cp::Errc::invalid_argument, doing, std::string{table} + " row " + id,
                  std::move(hint));
}

/// Reads amounts of one row; the first fault is kept.
class Amounts {
 public:
  Amounts(const char* table, const std::string& id) : table_{table}, id_{id} {}

  cp::Money operator()(const char* column, const std::string& text) {
    const bool minus = text.starts_with('-');
    const auto amount = cp::parse_money(std::string_view{text}.substr(minus ? 1 : 0));
    if (amount) return minus ? cp::Money{} - *amount : *amount;
    if (!fault_) fault_ = std::string{column} + ": " + amount.error().hint;
    return {};
  }
  cp::Result<void> good() const {
    if (fault_) return broken(table_, id_, *fault_);
    return {};
  }

 private:
  const char* table_;
  const std::string& id_;
  std::optional<std::string> fault_{};
};

/// Sums stay far from where integers end.
cp::Result<void> add(cp::Money& sum, cp::Money more, const char* table, const std::string& id) {
  sum += more;
  if (sum > cp::most_money || sum < cp::Money{} - cp::most_money)
    return broken(table, id, "the account's sum becomes too large");
  return {};
}

class Planner {
 public:
  Planner(const ReferenceBooks& books, const cp::LedgerCalendar& calendar, cp::TimePoint now)
      : books_{books}, calendar_{calendar}, now_{now} {}

  cp::Result<ImportPlan> plan() {
    for (const auto& user : books_.users) add_user(user);
    for (const auto step : {&Planner::management_keys, &Planner::keys, &Planner::balances,
                            &Planner::transactions, &Planner::usage, &Planner::finish})
      if (auto done = (this->*step)(); !done) return cp::fail(done.error());
    for (auto& draft : drafts_) {
      if (draft.skip.empty())
        plan_.accounts.push_back(std::move(draft.made));
      else
        plan_.skipped.emplace_back(std::move(draft.made.account.email), std::move(draft.skip));
    }
    return std::move(plan_);
  }

 private:
  struct Draft {
    ImportedAccount made;
    std::string skip;
    cp::Money credits, spent;  ///< as its events add up
    std::vector<cp::CreditChange> credit_changes;
    std::vector<cp::Settlement> settlements;
  };

  void add_user(const ReferenceBooks::User& user) {
    Draft draft;
    auto email = cp::normal_email(user.email);
    if (!email)
      draft.skip = "no e-mail address";
    else if (!emails_.insert(*email).second)
      draft.skip = "another account has it, but for capital letters";
    draft.made.account = {.id = user.id,
                          .email = email ? *email : user.email,
                          .password_hash = user.password_hash,
                          .plan = user.plan,
                          .github_id = user.github_id,
                          .avatar_url = user.avatar_url,
                          .created_at = user.created_at};
    by_user_[user.id] = drafts_.size();
    drafts_.push_back(std::move(draft));
  }

  cp::Result<Draft*> owner(const char* table, const std::string& id, const std::string& user) {
    const auto found = by_user_.find(user);
    if (found == by_user_.end()) return broken(table, id, "it belongs to no user");
    return &drafts_[found->second];
  }

  cp::Result<void> management_keys() {
    for (const auto& row : books_.management_keys) {
      const auto of = owner("management_keys", row.id, row.user);
      if (!of) return cp::fail(of.error());
      (*of)->made.management_keys.push_back(
          {row.digest, row.user, row.created_at, ended(row.revoked, row)});
    }
    return {};
  }

  cp::Result<void> keys() {
    constexpr const char* table = "provisioned_keys";
    for (const auto& row : books_.keys) {
      const auto of = owner(table, row.id, row.user);
      if (!of) return cp::fail(of.error());
      const auto reset =
          row.limit_reset.empty() ? cp::LimitReset::never : cp::limit_reset_of(row.limit_reset);
      if (!reset) return broken(table, row.id, "limit_reset is none of daily, weekly, monthly");
      if (row.hash.empty()) return broken(table, row.id, "it has no hash");
      Amounts amount{table, row.id};
      cp::ProvisionedKey key{.hash = row.hash,
                             .digest = row.digest,
                             .account = row.user,
                             .name = row.name,
                             .credit_limit = {},
                             .limit_reset = *reset,
                             .usage = amount("usage", row.usage),
                             .period_usage = {},
                             .period_start = calendar_.period(*reset, now_).start,
                             .disabled = row.disabled,
                             .created_at = row.created_at,
                             .expires_at = row.expires_at,
                             .revoked_at = ended(row.revoked, row)};
      // The other server takes a limit below zero, which allows as little as zero does.
      if (row.credit_limit)
        key.credit_limit = std::max(amount("credit_limit", *row.credit_limit), cp::Money{});
      if (auto good = amount.good(); !good) return good;
      if (*reset == cp::LimitReset::never) key.period_usage = key.usage;
      key_of_[row.id] = {by_user_[row.user], (*of)->made.keys.size()};
      (*of)->made.keys.push_back(std::move(key));
    }
    return {};
  }

  cp::Result<void> balances() {
    constexpr const char* table = "credit_balances";
    for (const auto& row : books_.balances) {
      const auto of = owner(table, row.id, row.user);
      if (!of) return cp::fail(of.error());
      Amounts amount{table, row.id};
      auto& made = (*of)->made;
      made.remaining = amount("total_credits", row.credits) - amount("total_usage", row.usage);
      made.topup = {.enabled = row.topup,
                    .threshold = amount("auto_topup_threshold", row.topup_threshold),
                    .amount = amount("auto_topup_amount", row.topup_amount),
                    .updated_at = row.updated_at};
      if (auto good = amount.good(); !good) return good;
    }
    return {};
  }

  cp::Result<void> transactions() {
    constexpr const char* table = "credit_transactions";
    for (const auto& row : books_.transactions) {
      const auto of = owner(table, row.id, row.user);
      if (!of) return cp::fail(of.error());
      const auto type = cp::transaction_type_of(row.type);
      if (!type) return broken(table, row.id, "its type is not known");
      Amounts amount{table, row.id};
      cp::CreditChange change{.account = row.user,
                              .type = *type,
                              .amount = amount("amount", row.amount),
                              .description = row.description,
                              .reference = "import:" + row.id,
                              .id = row.id,
                              .now = row.created_at};
      if (auto good = amount.good(); !good) return good;
      if (*type == cp::TransactionType::usage) continue;  // the rows of usage say it
      if (auto good = add((*of)->credits, change.amount, table, row.id); !good) return good;
      (*of)->credit_changes.push_back(std::move(change));
    }
    return {};
  }

  cp::Result<void> usage() {
    constexpr const char* table = "usage_logs";
    for (const auto& row : books_.usage) {
      const auto of = owner(table, row.id, row.user);
      if (!of) return cp::fail(of.error());
      const auto found = key_of_.find(row.key);
      if (found == key_of_.end() || drafts_[found->second.first].made.account.id != row.user)
        return broken(table, row.id, "it belongs to no key of its user");
      if (row.input_tokens < 0 || row.output_tokens < 0)
        return broken(table, row.id, "a number of tokens is below zero");
      auto& key = (*of)->made.keys[found->second.second];
      Amounts amount{table, row.id};
      auto cost = amount("cost", row.cost);
      if (auto good = amount.good(); !good) return good;
      if (cost < cp::Money{}) {
        cost = {};
        if ((*of)->skip.empty()) ++plan_.negative_costs;
      }
      if (auto good = add((*of)->spent, cost, table, row.id); !good) return good;
      const auto day = calendar_.day(row.created_at);
      if (key.limit_reset != cp::LimitReset::never && row.created_at >= key.period_start)
        key.period_usage += cost;
      cp::UsageRow request;
      request.request_id = "import:" + row.id;
      request.key_hash = key.hash;
      request.account = row.user;
      request.model = row.model;
      request.input_tokens = static_cast<std::uint64_t>(row.input_tokens);
      request.output_tokens = static_cast<std::uint64_t>(row.output_tokens);
      request.cost = cost;
      request.status = row.status;
      request.at = row.created_at;
      (*of)->settlements.push_back({.key_hash = key.hash,
                                    .account = row.user,
                                    .spent = cost,
                                    .returned = {},
                                    .usage = std::move(request),
                                    .day = day});
    }
    return {};
  }

  cp::Result<void> finish() {
    for (auto& draft : drafts_) {
      auto& made = draft.made;
      auto credit = draft.credit_changes.begin();
      for (auto& settlement : draft.settlements) {
        for (; credit != draft.credit_changes.end() && credit->now <= settlement.usage->at;
             ++credit)
          made.events.emplace_back(std::move(*credit));
        made.events.emplace_back(std::move(settlement));
      }
      std::move(credit, draft.credit_changes.end(), std::back_inserter(made.events));
      draft.settlements = {};
      const auto missing = made.remaining - (draft.credits - draft.spent);
      if (missing == cp::Money{}) continue;
      made.corrected = true;
      made.events.emplace_back(cp::CreditChange{
          .account = made.account.id,
          .type = missing > cp::Money{} ? cp::TransactionType::grant : cp::TransactionType::usage,
          .amount = missing,
          .description = "Correction: the books that were taken over did not add up",
          .reference = "import:" + made.account.id,
          .id = made.account.id,
          .now = now_});
    }
    return {};
  }

  template <class Row> static std::optional<cp::TimePoint> ended(bool revoked, const Row& row) {
    if (!revoked) return std::nullopt;
    return row.revoked_at.value_or(row.created_at);
  }

  const ReferenceBooks& books_;
  const cp::LedgerCalendar& calendar_;
  cp::TimePoint now_;
  ImportPlan plan_{};
  std::vector<Draft> drafts_{};
  std::map<std::string, std::size_t> by_user_{};
  std::map<std::string, std::pair<std::size_t, std::size_t>> key_of_{};
  std::set<std::string> emails_{};
};

/// Why an account is not taken over; empty when it is.
cp::Result<std::string> obstacle(cp::AccountStore& store, const cp::Account& account,
                                 bool& resumed) {
  const auto same_email = store.account_by_email(account.email);
  if (!same_email) return cp::fail(same_email.error());
  if (*same_email) {
    resumed = (*same_email)->id == account.id && (*same_email)->plan == unfinished_plan;
    return std::string{resumed ? "" : "an account with that e-mail is there already"};
  }
  const auto same_id = store.account(account.id);
  if (!same_id) return cp::fail(same_id.error());
  if (*same_id) return std::string{"it is there already, with another e-mail"};
  if (account.github_id) {
    const auto same_github = store.account_by_github(*account.github_id);
    if (!same_github) return cp::fail(same_github.error());
    if (*same_github) return std::string{"an account with its GitHub user is there already"};
  }
  return std::string{};
}

cp::Result<void> check_keys(cp::AccountStore& store, const ImportedAccount& made) {
  for (const auto& key : made.keys) {
    const auto same = store.key_by_digest(key.digest);
    if (!same) return cp::fail(same.error());
    if (*same && (*same)->account != made.account.id)
      return cp::fail(cp::Errc::conflict, doing, "key " + key.hash,
                      "another account here has this key");
  }
  return {};
}

cp::Result<void> write_management_keys(cp::AccountStore& store, const ImportedAccount& made) {
  const auto there = store.management_keys(made.account.id);
  if (!there) return cp::fail(there.error());
  for (const auto& key : made.management_keys) {
    if (std::any_of(there->begin(), there->end(),
                    [&](const auto& other) { return other.digest == key.digest; }))
      continue;
    if (auto done = store.add_management_key(key, false); !done) return done;
  }
  return {};
}

/// Credits know by their references whether they were given, requests by how many of their key are
/// there: they are written in their order, and the key comes last.
cp::Result<void> write_events(cp::AccountStore& store, const ImportedAccount& made) {
  constexpr std::size_t at_once = 500;
  std::map<std::string, std::uint64_t> written;
  for (const auto& key : made.keys) {
    const auto days = store.usage(made.account.id, key.hash, "0000-00-00", "9999-99-99");
    if (!days) return cp::fail(days.error());
    for (const auto& day : *days) written[key.hash] += day.requests;
  }
  std::vector<cp::Settlement> waiting;
  const auto settle = [&]() -> cp::Result<void> {
    if (waiting.empty()) return {};
    auto done = store.settle(waiting, {});
    waiting.clear();
    return done;
  };
  for (const auto& event : made.events) {
    if (const auto* request = std::get_if<cp::Settlement>(&event)) {
      auto& there = written[request->key_hash];
      if (there > 0) {
        --there;
        continue;
      }
      waiting.push_back(*request);
      if (waiting.size() == at_once)
        if (auto done = settle(); !done) return done;
      continue;
    }
    if (auto done = settle(); !done) return done;
    if (auto done = store.credit(std::get<cp::CreditChange>(event)); !done)
      return cp::fail(done.error());
  }
  return settle();
}

cp::Result<void> write_account(cp::AccountStore& store, const ImportedAccount& made, bool resumed) {
  const auto& id = made.account.id;
  if (!resumed) {
    auto unfinished = made.account;
    unfinished.plan = unfinished_plan;
    // An account has had a key at least: where there is none, one that nobody can present.
    const auto key = made.management_keys.empty()
                         ? cp::ManagementKey{cp::key_digest("import:" + id), id,
                                             made.account.created_at, made.account.created_at}
                         : made.management_keys.front();
    if (auto done = store.add_account(unfinished, key); !done) return done;
  }
  if (auto done = write_management_keys(store, made); !done) return done;
  if (auto done = store.set_auto_topup(id, made.topup); !done) return done;
  if (auto done = write_events(store, made); !done) return done;
  for (const auto& key : made.keys) {
    const auto there = store.key(id, key.hash);
    if (!there) return cp::fail(there.error());
    if (*there) continue;
    if (auto done = store.add_key(key); !done) return done;
  }
  const auto balance = store.balance(id);
  if (!balance) return cp::fail(balance.error());
  if (balance->remaining() != made.remaining)
    return cp::fail(cp::Errc::conflict, doing, made.account.email,
                    "its balance is " + cp::money_number(balance->remaining()) + " and should be " +
                        cp::money_number(made.remaining) +
                        ": it was used, or the other server's books changed, before the import had "
                        "ended");
  const auto changed = store.change_account(id, [&](cp::Account& account) -> cp::Result<void> {
    account = made.account;
    return {};
  });
  if (!changed) return cp::fail(changed.error());
  return {};
}

void count(ImportReport& report, const ImportedAccount& made, bool resumed) {
  ++report.accounts;
  report.resumed += resumed ? 1 : 0;
  report.management_keys += made.management_keys.size();
  report.keys += made.keys.size();
  for (const auto& event : made.events)
    ++(std::holds_alternative<cp::Settlement>(event) ? report.requests : report.transactions);
  report.corrections += made.corrected ? 1 : 0;
  report.transactions -= made.corrected ? 1 : 0;
  if (made.remaining < cp::Money{}) report.negative_balances.push_back(made.account.email);
}

}  // namespace

cp::Result<ImportPlan> plan_import(const ReferenceBooks& books, const cp::LedgerCalendar& calendar,
                                   cp::TimePoint now) {
  return Planner{books, calendar, now}.plan();
}

cp::Result<ImportReport> carry_out(cp::AccountStore& store, const ImportPlan& plan, bool dry_run) {
  ImportReport report;
  report.negative_costs = plan.negative_costs;
  report.skipped = plan.skipped;
  std::vector<std::pair<const ImportedAccount*, bool>> wanted;
  for (const auto& made : plan.accounts) {
    bool resumed = false;
    const auto why = obstacle(store, made.account, resumed);
    if (!why) return cp::fail(why.error());
    if (!why->empty()) {
      report.skipped.emplace_back(made.account.email, *why);
      continue;
    }
    if (auto fit = check_keys(store, made); !fit) return cp::fail(fit.error());
    wanted.emplace_back(&made, resumed);
  }
  for (const auto& [made, resumed] : wanted) {
    if (!dry_run)
      if (auto done = write_account(store, *made, resumed); !done) return cp::fail(done.error());
    count(report, *made, resumed);
  }
  return report;
}

}  // namespace credpool_cli
