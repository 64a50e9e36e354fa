// SPDX-License-Identifier: MIT
#include "api.hpp"
#include "box_table.hpp"
#include "commands.hpp"
#include "confirmation.hpp"
#include "fault.hpp"
#include "spinner.hpp"
#include "values.hpp"

#include <credpool/account/money.hpp>
#include <credpool/account/purchase.hpp>

#include <chrono>
#include <cstdio>
#include <thread>

namespace openclaw_token {

namespace cp = credpool;

int credits_balance(Session& session, const Arguments&) {
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto answer = api->get("/credits", "Fetching balance...");
  if (!answer) return session.fail(answer.error());
  if (session.json())
    session.print_json(*answer);
  else
    session.print(box_table(session.out(), {"Metric", "Amount"},
                            {{"Total Credits", dollars(*answer, "total_credits")},
                             {"Total Usage", dollars(*answer, "total_usage")},
                             {"Remaining", dollars(*answer, "remaining")}}));
  return 0;
}

namespace {

cp::Result<cp::Money> purchase_amount(const Arguments& arguments) {
  const auto amount = cp::parse_money(arguments.value("--amount").value_or(""));
  if (!amount || !cp::is_whole_cents(*amount) || *amount > cp::most_purchase)
    return mistake(
        "Invalid input: --amount must be a plain amount of USD, such as 12.50, up to 10000.");
  if (*amount < cp::least_purchase)
    return mistake("Minimum purchase amount is $5.00", "A fee of 5.5 % (at least $0.80) is added.");
  return *amount;
}

/// Waits until a payment on a page has become credits.
/// @param before all credits before the payment
cp::Result<Json> wait_for_credits(Session& session, Api& api, double before,
                                  std::chrono::seconds patience) {
  using Clock = std::chrono::steady_clock;
  const credpool_cli::Spinner spinner{session.err(), "Waiting for the payment..."};
  for (const auto end = Clock::now() + patience;;) {
    auto credits = api.get("/credits", "Waiting for the payment...");
    if (!credits) return credits;
    if (number_of(*credits, "total_credits") > before) return credits;
    if (Clock::now() >= end)
      return mistake("The payment has not arrived yet.",
                     "Once you have paid, see: openclaw-token credits balance");
    std::this_thread::sleep_for(
        std::min<Clock::duration>(std::chrono::seconds{3}, end - Clock::now()));
  }
}

int finish_checkout(Session& session, Api& api, const Arguments& arguments, const Json& before,
                    const Json& answer) {
  const auto patience = count_option(arguments, "--wait", 300, 0, 3600);
  if (!patience) return session.fail(patience.error());
  if (session.json()) {  // for programs, which wait as they like
    session.print_json(answer);
    return 0;
  }
  session.print("Pay on this page: " + credpool_cli::harmless(shown(answer, "checkout_url")) +
                "\n");
  std::fflush(stdout);
  if (*patience == 0) return 0;
  const auto credits = wait_for_credits(session, api, number_of(before, "total_credits"),
                                        std::chrono::seconds{*patience});
  if (!credits) return session.fail(credits.error());
  session.success("Purchase successful! New balance: " + dollars(*credits, "remaining"));
  return 0;
}

}  // namespace

int credits_buy(Session& session, const Arguments& arguments) {
  const auto amount = purchase_amount(arguments);
  if (!amount) return session.fail(amount.error());
  if (const auto patience = count_option(arguments, "--wait", 300, 0, 3600); !patience)
    return session.fail(patience.error());
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  if (!arguments.has("--yes")) {
    const auto fee = cp::platform_fee(*amount);
    // A question, and so not part of the result.
    std::fputs(box_table(session.err(), {"Item", "Amount"},
                         {{"Credits", cp::money_text(*amount)},
                          {"Platform Fee (5.5%)", cp::money_text(fee)},
                          {"Total", cp::money_text(*amount + fee)}})
                   .c_str(),
               stderr);
    const auto agreed = confirmed(session, arguments, "Confirm purchase?", "Purchase cancelled.");
    if (!agreed) return session.fail(agreed.error());
    if (!*agreed) return 0;
  }
  const auto before = api->get("/credits", "Fetching balance...");
  if (!before) return session.fail(before.error());
  auto answer = api->call(
      post("/credits/purchase", Json{{"amount", Json::parse(cp::money_number(*amount))}}, true),
      "Processing purchase...");
  if (!answer && answer.error().code == make_error_code(Fault::lost))
    return session.fail(mistake("Purchase status unknown: the server's answer was lost.",
                                "Before buying again, see: openclaw-token credits history")
                            .error);
  if (!answer) return session.fail(answer.error());
  if (answer->contains("checkout_url"))
    return finish_checkout(session, *api, arguments, *before, *answer);
  if (session.json()) {
    Json json{{"mode", "immediate"}};
    json.update(*answer);
    session.print_json(json);
  }
  session.success("Purchase successful! New balance: " + dollars(*answer, "new_balance") +
                  " (txn: " + shown(*answer, "transaction_id") + ")");
  return 0;
}

int credits_history(Session& session, const Arguments& arguments) {
  const auto limit = count_option(arguments, "--limit", 20, 1, 1'000'000);
  if (!limit) return session.fail(limit.error());
  const auto offset = count_option(arguments, "--offset", 0, 0, UINT32_MAX);
  if (!offset) return session.fail(offset.error());
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  auto path =
      "/credits/history?limit=" + std::to_string(*limit) + "&offset=" + std::to_string(*offset);
  if (const auto type = arguments.value("--type")) path += "&type=" + url_part(*type);
  const auto answer = api->get(path, "Fetching history...");
  if (!answer) return session.fail(answer.error());
  if (session.json()) {
    session.print_json(*answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  if (const auto items = answer->find("items"); items != answer->end())
    for (const auto& item : *items)
      rows.push_back({shown(item, "created_at"), shown(item, "type"), dollars(item, "amount"),
                      dollars(item, "balance_after"), shown(item, "description")});
  if (rows.empty()) {
    session.print("No transactions found.\n");
    return 0;
  }
  session.print(
      box_table(session.out(), {"Date", "Type", "Amount", "Balance After", "Description"}, rows));
  if (is_true(*answer, "has_more"))
    session.print("Showing " + std::to_string(rows.size()) + " of " + shown(*answer, "total") +
                  ". Use --offset to see more.\n");
  return 0;
}

namespace {

/// What of the settings is to change; empty when nothing is.
cp::Result<Json> topup_changes(const Arguments& arguments) {
  if (arguments.has("--enable") && arguments.has("--disable"))
    return mistake("Invalid input: --enable and --disable exclude each other.");
  const auto threshold = amount_option(arguments, "--threshold", 1, 1'000);
  if (!threshold) return cp::fail(threshold.error());
  const auto amount = amount_option(arguments, "--amount", 5, 10'000);
  if (!amount) return cp::fail(amount.error());
  Json changes = Json::object();
  if (arguments.has("--enable")) changes["enabled"] = true;
  if (arguments.has("--disable")) changes["enabled"] = false;
  if (*threshold) changes["threshold"] = **threshold;
  if (*amount) changes["amount"] = **amount;
  return changes;
}

}  // namespace

int credits_auto_topup(Session& session, const Arguments& arguments) {
  const auto changes = topup_changes(arguments);
  if (!changes) return session.fail(changes.error());
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  ApiCall call;
  call.path = "/credits/auto-topup";
  if (!changes->empty()) {
    call.method = "PUT";
    call.body = changes->dump();
  }
  const auto answer =
      api->call(std::move(call),
                changes->empty() ? "Fetching auto top-up settings..." : "Updating auto top-up...");
  if (!answer) return session.fail(answer.error());
  const bool enabled = is_true(*answer, "enabled");
  if (session.json())
    session.print_json(*answer);
  else if (!changes->empty())
    session.success(std::string{"Auto top-up "} + (enabled ? "enabled" : "disabled") +
                    ": threshold=" + dollars(*answer, "threshold") +
                    ", amount=" + dollars(*answer, "amount"));
  else
    session.print(box_table(session.out(), {"Setting", "Value"},
                            {{"Enabled", enabled ? "Yes" : "No"},
                             {"Threshold", dollars(*answer, "threshold")},
                             {"Amount", dollars(*answer, "amount")}}));
  return 0;
}

}  // namespace openclaw_token
