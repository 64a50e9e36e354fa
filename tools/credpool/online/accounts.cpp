// SPDX-License-Identifier: MIT
// accounts list, grant, payments, import: what who runs a server with accounts does by hand.

#include "account_grant.hpp"

#include "../account_import.hpp"
#include "../account_stores.hpp"
#include "../cli_pool.hpp"
#include "../table.hpp"

#include <credpool/account/email.hpp>
#include <credpool/account/keys.hpp>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::uint64_t page_size = 500;

cp::Result<AccountStores> open_stores(const Session& session, const cp::Settings& settings) {
  auto directory = open_state_directory(session, settings);
  if (!directory) return cp::fail(directory.error());
  return open_account_stores(settings, *directory, session.environment());
}

cp::Result<AccountStores> open_stores(const Session& session) {
  const auto settings = settings_of(session);
  if (!settings) return cp::fail(settings.error());
  return open_stores(session, *settings);
}

/// Exact, and at least with cents: "$15.35", "-$0.000001".
std::string exact_money(cp::Money amount) {
  auto digits = cp::money_number(amount);
  const bool minus = digits.starts_with('-');
  if (minus) digits.erase(0, 1);
  const auto point = digits.find('.');
  if (point == std::string::npos)
    digits += ".00";
  else if (digits.size() - point == 2)
    digits += '0';
  return (minus ? "-$" : "$") + digits;
}

Json money_json(cp::Money amount) {
  return Json::parse(cp::money_number(amount));
}

std::string count_of(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

Json report_json(const ImportReport& report, bool dry_run) {
  Json skipped = Json::array();
  for (const auto& [email, why] : report.skipped)
    skipped.push_back({{"email", harmless(email)}, {"reason", why}});
  Json negative = Json::array();
  for (const auto& email : report.negative_balances) negative.push_back(email);
  return {{"dryRun", dry_run},
          {"accounts", report.accounts},
          {"resumed", report.resumed},
          {"managementKeys", report.management_keys},
          {"keys", report.keys},
          {"transactions", report.transactions},
          {"requests", report.requests},
          {"corrections", report.corrections},
          {"negativeCosts", report.negative_costs},
          {"negativeBalances", negative},
          {"skipped", skipped}};
}

std::string report_text(const ImportReport& report, bool dry_run) {
  auto text = (dry_run ? "Would take over " : "Took over ") +
              count_of(report.accounts, "account", "accounts") + ": " +
              count_of(report.management_keys, "management key", "management keys") + ", " +
              count_of(report.keys, "key", "keys") + ", " +
              count_of(report.transactions, "transaction", "transactions") + ", " +
              count_of(report.requests, "request", "requests") + ".\n";
  if (report.resumed > 0)
    text += "An earlier import had not ended for " +
            count_of(report.resumed, "of them.\n", "of them.\n");
  if (report.corrections > 0)
    text += "The books did not add up for " + count_of(report.corrections, "account", "accounts") +
            ": each has one correction, so that its balance is the same.\n";
  if (report.negative_costs > 0)
    text += count_of(report.negative_costs, "request", "requests") +
            " had a cost below zero and cost nothing here.\n";
  for (const auto& email : report.negative_balances)
    text += "Below zero, as it was: " + harmless(email) + "\n";
  for (const auto& [email, why] : report.skipped)
    text += "Left out: " + harmless(email) + " (" + why + ")\n";
  return text;
}

}  // namespace

int run_accounts_import(Session& session, const AccountsImportOptions& options) {
  if (!cp::is_safe_store_address(options.from))
    return session.fail({cp::Errc::invalid_argument, "taking over accounts", "--from",
                         "give postgresql://USER@HOST/DATABASE without a password in it, which "
                         "every process could read here: put that into the file PGPASSFILE names"});
  const auto calendar = cp::LedgerCalendar::open(options.time_zone, session.environment());
  if (!calendar) return session.fail(calendar.error());
  const auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  const auto report = with_reference_books(
      options.from, [&](const ReferenceBooks& books) -> cp::Result<ImportReport> {
        const auto plan = plan_import(books, *calendar, session.now());
        if (!plan) return cp::fail(plan.error());
        const auto stores = open_stores(session, *settings);
        if (!stores) return cp::fail(stores.error());
        return carry_out(*stores->accounts, *plan, options.dry_run);
      });
  if (!report) return session.fail(report.error());
  if (session.options().json)
    session.print_json(report_json(*report, options.dry_run));
  else
    session.print(report_text(*report, options.dry_run));
  return 0;
}

int run_accounts_list(Session& session) {
  const auto stores = open_stores(session);
  if (!stores) return session.fail(stores.error());
  auto& store = *stores->accounts;
  Json list = Json::array();
  Table table{{"E-MAIL...", "?PLAN", "KEYS", "CREDITS", "USED", "LEFT", "?SINCE"}};
  std::uint64_t total = 0;
  for (std::uint64_t offset = 0; offset == 0 || offset < total; offset += page_size) {
    const auto page = store.accounts({page_size, offset});
    if (!page) return session.fail(page.error());
    total = page->total;
    for (const auto& account : page->items) {
      const auto balance = store.balance(account.id);
      if (!balance && balance.error().errc() == cp::Errc::not_found) continue;  // it has just gone
      if (!balance) return session.fail(balance.error());
      const auto keys = store.count_keys(account.id);
      if (!keys) return session.fail(keys.error());
      list.push_back({{"id", account.id},
                      {"email", harmless(account.email)},
                      {"plan", harmless(account.plan)},
                      {"keys", *keys},
                      {"credits", money_json(balance->credits)},
                      {"usage", money_json(balance->usage)},
                      {"reserved", money_json(balance->reserved)},
                      {"remaining", money_json(balance->remaining())},
                      {"createdAt", time_json(account.created_at)}});
      table.add({harmless(account.email), harmless(account.plan), std::to_string(*keys),
                 exact_money(balance->credits), exact_money(balance->usage),
                 exact_money(balance->remaining()),
                 relative_time(account.created_at, session.now())});
    }
  }
  if (session.options().json)
    session.print_json(Json{{"accounts", list}});
  else
    session.print(table.empty()
                      ? "There are no accounts yet; people register at `credpool serve`.\n"
                      : table.render(session.out()));
  return 0;
}

int run_accounts_grant(Session& session, const AccountsGrantOptions& options) {
  constexpr const char* doing = "granting credits";
  const auto amount = cp::parse_money(options.amount);
  if (!amount)
    return session.fail({cp::Errc::invalid_argument, doing, "AMOUNT", amount.error().hint});
  const auto email = cp::normal_email(options.email);
  if (!email)
    return session.fail(
        {cp::Errc::invalid_argument, doing, "EMAIL", "it is no e-mail address: ann@example.com"});
  const auto stores = open_stores(session);
  if (!stores) return session.fail(stores.error());
  auto& store = *stores->accounts;
  const auto account = store.account_by_email(*email);
  if (!account) return session.fail(account.error());
  if (!*account)
    return session.fail(
        {cp::Errc::not_found, doing, *email,
         "there is no such account; `credpool accounts list` shows those there are"});
  const auto granted = grant_credits(store, (*account)->id, *amount, options.note, session.now());
  if (!granted) return session.fail(granted.error());
  const auto& transaction = *granted;
  if (session.options().json)
    session.print_json(Json{{"email", *email},
                            {"transactionId", transaction.id},
                            {"amount", money_json(transaction.amount)},
                            {"balance", money_json(transaction.balance_after)}});
  else
    session.print("Granted " + exact_money(transaction.amount) + " to " + *email + ", which has " +
                  exact_money(transaction.balance_after) + " now.\n");
  return 0;
}

int run_accounts_payments(Session& session) {
  const auto stores = open_stores(session);
  if (!stores) return session.fail(stores.error());
  Json list = Json::array();
  Table table{{"REFERENCE...", "?ACCOUNT", "?KIND", "CREDITS", "PAID", "BEGUN"}};
  for (std::string after;;) {
    const auto payments =
        stores->payments->payments_in(cp::PaymentState::unclaimed, after, page_size);
    if (!payments) return session.fail(payments.error());
    for (const auto& payment : *payments) {
      const auto paid = cp::Money{payment.charge_cents * 10'000};
      list.push_back({{"id", payment.id},
                      {"account", payment.account},
                      {"kind", cp::to_string(payment.kind)},
                      {"credits", money_json(payment.credits)},
                      {"paid", money_json(paid)},
                      {"reference", harmless(payment.reference)},
                      {"createdAt", time_json(payment.created_at)}});
      table.add({harmless(payment.reference), payment.account,
                 std::string{cp::to_string(payment.kind)}, exact_money(payment.credits),
                 exact_money(paid), relative_time(payment.created_at, session.now())});
    }
    if (payments->size() < page_size) break;
    after = payments->back().id;
  }
  if (session.options().json)
    session.print_json(Json{{"unclaimed", list}});
  else
    session.print(table.empty() ? "No payment is unclaimed.\n"
                                : table.render(session.out()) +
                                      "These were paid, but their accounts are gone: pay them back "
                                      "at the payment provider.\n");
  return 0;
}

}  // namespace credpool_cli
