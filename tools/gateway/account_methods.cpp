// SPDX-License-Identifier: MIT
// accounts.*, keys.*, credits.*: what who runs the server does with accounts.
#include "account_methods.hpp"

#include "account_grant.hpp"
#include "presentation.hpp"
#include "rpc_methods.hpp"

#include <credpool/account/email.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace credpool_cli {

namespace cp = credpool;

namespace {

using cp::Scope;
using Accounts = std::shared_ptr<const std::optional<AccountsView>>;

constexpr auto no_accounts_hint =
    "this server lends to everybody who reaches it: start `credpool serve` without --open, and "
    "with "
    "the part accounts, to have accounts";
constexpr std::uint64_t scan_page = 500;

// --- requests to the accounts' interface

cp::Errc code_of(int status) {
  switch (status) {
    case 400:
    case 405:
    case 422:
      return cp::Errc::invalid_argument;
    case 404:
      return cp::Errc::not_found;
    case 409:
    case 410:
      return cp::Errc::conflict;
    case 429:
      return cp::Errc::rate_limited;
    case 503:
      return cp::Errc::busy;
    default:
      return cp::Errc::io;
  }
}

/// What stands in "data"; else the interface's own words.
cp::Result<Json> data_of(const char* doing, const cp::Response& answer) {
  auto json = Json::parse(answer.body, nullptr, false);
  if (answer.status < 300 && json.contains("data")) return std::move(json["data"]);
  const auto error = json.is_object() ? json.value("error", Json::object()) : Json::object();
  return cp::fail(code_of(answer.status), doing, {},
                  error.value("message", "the accounts gave no answer"));
}

cp::Result<Json> ask(const AccountsView& accounts, const char* doing, const cp::AccountId& account,
                     std::string method, std::string path, std::string query = {},
                     const Json& body = {}) {
  cp::ApiRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  if (!body.is_null()) request.body = body.dump();
  return data_of(doing, accounts.api.handle_for(account, request));
}

/// "name=value&..." of the members that are given.
std::string query_of(const Json& params, const std::vector<std::string>& names) {
  std::string query;
  for (const auto& name : names) {
    const auto found = params.find(name);
    if (found == params.end()) continue;
    const auto value = found->is_string() ? found->get<std::string>() : found->dump();
    // Numbers, flags, days and hashes: whatever else stands there is no such thing.
    std::string clean;
    for (const char c : value)
      clean += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ? c : '_';
    query += (query.empty() ? "" : "&") + name + '=' + clean;
  }
  return query;
}

/// Those of a call that a request's body takes.
Json body_of(const Json& params) {
  auto body = params;
  body.erase("account");
  body.erase("hash");
  return body;
}

/// By id or e-mail.
cp::Result<cp::Account> account_of(const AccountsView& accounts, const Json& params) {
  const auto named = text_parameter(params, "account");
  auto found = named.find('@') == std::string::npos
                   ? accounts.store.account(named)
                   : accounts.store.account_by_email(cp::normal_email(named).value_or(named));
  if (!found) return cp::fail(found.error());
  if (!*found)
    return cp::fail(cp::Errc::not_found, "looking for an account", {},
                    "there is no such account; `accounts.list` has them");
  return std::move(**found);
}

/// "/keys/HASH" and what follows.
cp::Result<std::string> key_path(const Json& params, const char* behind = "") {
  const auto hash = text_parameter(params, "hash");
  const bool right = hash.size() == 16 && std::all_of(hash.begin(), hash.end(), [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                     });
  if (!right)
    return cp::fail(cp::Errc::not_found, "looking for a key", {},
                    "there is no such key; `keys.list` has their hashes");
  return "/keys/" + hash + behind;
}

/// Exact decimals: programs that read numbers as doubles lose none.
std::string amount_text(cp::Money amount) {
  return cp::money_number(amount);
}

cp::Result<cp::Money> amount_of(const Json& params) {
  const auto& given = params.at("amount");
  const auto amount = given.is_string() ? cp::parse_money(given.get<std::string>())
                                        : cp::money_from(given.get<double>());
  if (!amount)
    return cp::fail(cp::Errc::invalid_argument, "granting credits", "amount", amount.error().hint);
  return *amount;
}

// --- the methods

cp::Result<Json> status(const std::optional<AccountsView>& accounts) {
  if (!accounts)
    return Json{{"enabled", false},
                {"payment", nullptr},
                {"timeZone", nullptr},
                {"hint", no_accounts_hint}};
  return Json{{"enabled", true},
              {"payment", accounts->payment},
              {"timeZone", accounts->time_zone},
              {"hint", nullptr}};
}

/// Those whose e-mail holds the text, newest first.
cp::Result<cp::Page<cp::Account>> find_accounts(cp::AccountStore& store, std::string text,
                                                cp::PageRequest page) {
  if (text.empty()) return store.accounts(page);
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  cp::Page<cp::Account> found;
  for (std::uint64_t offset = 0;; offset += scan_page) {
    auto some = store.accounts({scan_page, offset});
    if (!some) return some;
    for (auto& account : some->items) {
      if (account.email.find(text) == std::string::npos) continue;
      if (found.total++ >= page.offset && found.items.size() < page.limit)
        found.items.push_back(std::move(account));
    }
    if (offset + scan_page >= some->total) return found;
  }
}

cp::Result<Json> list_accounts(const AccountsView& accounts, const Json& params) {
  const cp::PageRequest page{params.value("limit", std::uint64_t{100}),
                             params.value("offset", std::uint64_t{0})};
  const auto found = find_accounts(accounts.store, text_parameter(params, "text"), page);
  if (!found) return cp::fail(found.error());
  auto list = Json::array();
  for (const auto& account : found->items) {
    const auto balance = accounts.store.balance(account.id);
    if (!balance && balance.error().errc() == cp::Errc::not_found) continue;  // it has just gone
    if (!balance) return cp::fail(balance.error());
    list.push_back({{"id", account.id},
                    {"email", harmless(account.email)},
                    {"plan", harmless(account.plan)},
                    {"createdAt", time_json(account.created_at)},
                    {"credits", amount_text(balance->credits)},
                    {"usage", amount_text(balance->usage)},
                    {"reserved", amount_text(balance->reserved)},
                    {"remaining", amount_text(balance->remaining())}});
  }
  return Json{{"accounts", std::move(list)}, {"total", found->total}};
}

cp::Result<Json> show_usage(const AccountsView& accounts, const cp::AccountId& account,
                            const Json& params) {
  const auto filter = query_of(params, {"key", "from", "to"});
  std::map<std::string, std::string> names;
  const auto name_of = [&](const std::string& hash) -> cp::Result<std::string> {
    if (const auto known = names.find(hash); known != names.end()) return known->second;
    const auto key = accounts.store.key(account, hash);
    if (!key) return cp::fail(key.error());
    return names[hash] = *key ? (*key)->name : std::string{};
  };
  auto days = Json::array();
  for (std::uint64_t offset = 0;; offset = days.size()) {
    auto page =
        ask(accounts, "reading usage", account, "GET", "/usage",
            filter + (filter.empty() ? "" : "&") + "limit=1000&offset=" + std::to_string(offset));
    if (!page) return page;
    for (const auto& item : page->at("items")) {
      const auto name = name_of(item.at("key").get<std::string>());
      if (!name) return cp::fail(name.error());
      const auto cost = cp::money_from(item.at("cost").get<double>());
      if (!cost) return cp::fail(cost.error());
      days.push_back({{"key", item.at("key")},
                      {"keyName", *name},
                      {"model", item.at("model")},
                      {"day", item.at("day")},
                      {"requests", item.at("requests")},
                      {"inputTokens", item.at("input_tokens")},
                      {"outputTokens", item.at("output_tokens")},
                      {"cost", amount_text(*cost)}});
    }
    if (!page->value("has_more", false)) return Json{{"days", std::move(days)}};
  }
}

cp::Result<Json> grant(const AccountsView& accounts, const cp::AccountId& account,
                       const Json& params) {
  const auto amount = amount_of(params);
  if (!amount) return cp::fail(amount.error());
  const auto granted = grant_credits(accounts.store, account, *amount,
                                     text_parameter(params, "note"), accounts.now());
  if (!granted) return cp::fail(granted.error());
  return Json{{"transactionId", granted->id},
              {"amount", amount_text(granted->amount)},
              {"remaining", amount_text(granted->balance_after)},
              {"createdAt", time_json(granted->created_at)}};
}

/// A change of a key, and the ledger's news of it.
cp::Result<Json> change_key(const AccountsView& accounts, const char* doing,
                            const cp::AccountId& account, const Json& params,
                            const std::string& method, const char* behind, const Json& body) {
  const auto path = key_path(params, behind);
  if (!path) return cp::fail(path.error());
  auto done = ask(accounts, doing, account, method, *path, {}, body);
  accounts.key_changed(text_parameter(params, "hash"));
  return done;
}

// --- their descriptions

using OfAccount =
    std::function<cp::Result<Json>(const AccountsView&, const cp::AccountId&, const Json&)>;

/// A method of one account.
void add_of_account(cp::RpcDispatcher& dispatcher, const Accounts& accounts, MethodText text,
                    OfAccount run) {
  text.scope = Scope::admin;
  add_method(dispatcher, std::move(text),
             [accounts, run = std::move(run)](const Json& params,
                                              const cp::RpcCaller&) -> cp::Result<Json> {
               if (!*accounts)
                 return cp::fail(cp::Errc::unsupported, "looking for an account", {},
                                 no_accounts_hint);
               const auto account = account_of(**accounts, params);
               if (!account) return cp::fail(account.error());
               return run(**accounts, account->id, params);
             });
}

/// The schema of parameters: the account, and those members; `required` as in "\"hash\"".
std::string with_account(const std::string& members, const std::string& required = {}) {
  return R"({"type":"object","properties":{"account":{"type":"string","minLength":1,"maxLength":320,"description":"its id or e-mail"})" +
         (members.empty() ? "" : ',' + members) + R"(},"required":["account")" +
         (required.empty() ? "" : ',' + required) + R"(],"additionalProperties":false})";
}

constexpr auto page_members =
    R"("limit":{"type":"integer","minimum":1,"maximum":1000},"offset":{"type":"integer","minimum":0})";
constexpr auto key_members =
    R"("credit_limit":{"type":["number","null"],"minimum":0},"limit_reset":{"type":["string","null"],"enum":["daily","weekly","monthly","never","none",null]},"expires_at":{"type":["string","null"]},"disabled":{"type":"boolean"})";
constexpr auto hash_member = R"("hash":{"type":"string"})";
constexpr auto key_result = R"({"type":"object","required":["hash","name"]})";

void add_key_methods(cp::RpcDispatcher& dispatcher, const Accounts& accounts) {
  add_of_account(dispatcher, accounts,
                 {.name = "keys.list",
                  .summary = "The keys of an account, newest first; never their values.",
                  .params = with_account(std::string{page_members} +
                                         R"(,"include_revoked":{"type":"boolean"})"),
                  .result = R"({"type":"object","required":["items","total"]})"},
                 [](const AccountsView& view, const cp::AccountId& account, const Json& params) {
                   return ask(view, "listing keys", account, "GET", "/keys",
                              query_of(params, {"limit", "offset", "include_revoked"}));
                 });
  add_of_account(
      dispatcher, accounts,
      {.name = "keys.create",
       .summary = "Makes a key that spends the account's credits; it is shown this once.",
       .params =
           with_account(R"("name":{"type":"string"},)" + std::string{key_members}, R"("name")"),
       .result = R"({"type":"object","required":["hash","key","name"]})"},
      [](const AccountsView& view, const cp::AccountId& account, const Json& params) {
        return ask(view, "making a key", account, "POST", "/keys", {}, body_of(params));
      });
  add_of_account(dispatcher, accounts,
                 {.name = "keys.update",
                  .summary = "Changes a key's limit, its end, or whether it may be used.",
                  .params = with_account(std::string{hash_member} + ',' + key_members, R"("hash")"),
                  .result = key_result},
                 [](const AccountsView& view, const cp::AccountId& account, const Json& params) {
                   return change_key(view, "changing a key", account, params, "PATCH", "",
                                     body_of(params));
                 });
  add_of_account(
      dispatcher, accounts,
      {.name = "keys.rotate",
       .summary = "Another value for a key, shown this once; the old one is refused from now on.",
       .params = with_account(hash_member, R"("hash")"),
       .result = R"({"type":"object","required":["hash","key","name"]})"},
      [](const AccountsView& view, const cp::AccountId& account, const Json& params) {
        return change_key(view, "rotating a key", account, params, "POST", "/rotate", {});
      });
  add_of_account(dispatcher, accounts,
                 {.name = "keys.revoke",
                  .summary = "Ends a key for good.",
                  .params = with_account(hash_member, R"("hash")"),
                  .result = key_result},
                 [](const AccountsView& view, const cp::AccountId& account, const Json& params) {
                   return change_key(view, "revoking a key", account, params, "DELETE", "", {});
                 });
}

}  // namespace

void add_account_methods(cp::RpcDispatcher& dispatcher, std::optional<AccountsView> view) {
  const auto accounts = std::make_shared<const std::optional<AccountsView>>(std::move(view));
  add_method(dispatcher,
             {.name = "accounts.status",
              .summary = "Whether this server has accounts, and how people pay.",
              .result = R"({"type":"object","required":["enabled","payment","timeZone","hint"]})"},
             [accounts](const Json&, const cp::RpcCaller&) { return status(*accounts); });
  add_method(
      dispatcher,
      {.name = "accounts.list",
       .scope = Scope::admin,
       .summary = "Accounts and what they have, newest first; amounts are exact decimals.",
       .params = R"({"type":"object","properties":{)" + std::string{page_members} +
                 R"(,"text":{"type":"string","maxLength":320}},"additionalProperties":false})",
       .result = R"({"type":"object","required":["accounts","total"]})"},
      [accounts](const Json& params, const cp::RpcCaller&) -> cp::Result<Json> {
        if (*accounts) return list_accounts(**accounts, params);
        return cp::fail(cp::Errc::unsupported, "listing accounts", {}, no_accounts_hint);
      });
  add_of_account(
      dispatcher, accounts,
      {.name = "accounts.usage",
       .summary = "What an account used, by key, model and day; by default of the last 30 days.",
       .params = with_account(
           R"("key":{"type":"string"},"from":{"type":"string"},"to":{"type":"string"})"),
       .result = R"({"type":"object","required":["days"]})"},
      show_usage);
  add_key_methods(dispatcher, accounts);
  add_of_account(
      dispatcher, accounts,
      {.name = "credits.grant",
       .summary = "Gives an account credits without a payment.",
       .params = with_account(
           R"("amount":{"type":["string","number"]},"note":{"type":"string","maxLength":200})",
           R"("amount")"),
       .result = R"({"type":"object","required":["transactionId","amount","remaining"]})"},
      grant);
  add_of_account(dispatcher, accounts,
                 {.name = "credits.history",
                  .summary = "Every change of an account's credits, newest first.",
                  .params = with_account(page_members),
                  .result = R"({"type":"object","required":["items","total"]})"},
                 [](const AccountsView& in, const cp::AccountId& account, const Json& params) {
                   return ask(in, "reading the history of credits", account, "GET",
                              "/credits/history", query_of(params, {"limit", "offset"}));
                 });
}

}  // namespace credpool_cli
