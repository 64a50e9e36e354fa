// SPDX-License-Identifier: MIT
#include "api.hpp"
#include "box_table.hpp"
#include "commands.hpp"
#include "confirmation.hpp"
#include "fault.hpp"
#include "key_list.hpp"
#include "values.hpp"

namespace openclaw_token {

namespace cp = credpool;

namespace {

constexpr std::int64_t most_limit = 1'000'000'000;  // dollars
constexpr const char* save_it_now = "This key will only be shown ONCE. Save it now!";

std::string key_path(const std::string& hash) {
  return "/keys/" + url_part(hash);
}

std::string limit_text(const Json& key, std::string_view unlimited) {
  const auto text = dollars(key, "credit_limit");
  return text == "-" ? std::string{unlimited} : text;
}

/// The limit and its period, as the server takes them.
cp::Result<Json> limit_wishes(const Arguments& arguments) {
  Json wishes = Json::object();
  const auto limit = amount_option(arguments, "--limit", 0, most_limit, true);
  if (!limit) return cp::fail(limit.error());
  const auto period = period_option(arguments, "--limit-reset");
  if (!period) return cp::fail(period.error());
  if (*limit) wishes["credit_limit"] = **limit;
  if (*period) wishes["limit_reset"] = **period;
  return wishes;
}

/// What came of a POST that makes or changes a key, when its answer was lost.
cp::Error unknown_outcome(const cp::Error& error, const std::string& subject) {
  if (error.code != make_error_code(Fault::lost)) return error;
  return fault(Fault::lost, "The server's answer was lost: " + subject,
               "See: openclaw-token keys list")
      .error;
}

}  // namespace

int keys_create(Session& session, const Arguments& arguments) {
  const auto name = arguments.value("--name").value_or("");
  if (const auto wrong = key_name_fault(name); !wrong.empty())
    return session.fail(mistake("Invalid input: " + std::string{wrong} + ".").error);
  const auto limits = limit_wishes(arguments);
  if (!limits) return session.fail(limits.error());
  const auto expires = expiry_option(arguments, "--expires", session.now());
  if (!expires) return session.fail(expires.error());
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  Json body{{"name", name},
            {"credit_limit", nullptr},
            {"limit_reset", nullptr},
            {"expires_at", expires->value_or(Json(nullptr))}};
  body.update(*limits);
  const auto answer = api->call(post("/keys", body, true), "Creating key...");
  if (!answer)
    return session.fail(unknown_outcome(answer.error(), "the key may or may not have been made."));
  if (session.json()) {
    session.print_json(*answer);
    return 0;
  }
  session.warn(save_it_now);
  session.print(box_table(session.out(), {"Field", "Value"},
                          {{"Key", shown(*answer, "key", "(hidden)")},
                           {"Hash", shown(*answer, "hash")},
                           {"Name", shown(*answer, "name")},
                           {"Credit Limit", limit_text(*answer, "Unlimited")},
                           {"Limit Reset", shown(*answer, "limit_reset", "None")},
                           {"Created", shown(*answer, "created_at")}}));
  return 0;
}

int keys_list(Session& session, const Arguments& arguments) {
  const auto limit = count_option(arguments, "--limit", UINT32_MAX, 1, UINT32_MAX);
  if (!limit) return session.fail(limit.error());
  const auto offset = count_option(arguments, "--offset", 0, 0, UINT32_MAX);
  if (!offset) return session.fail(offset.error());
  cp::Result<KeyFilter> filter{KeyFilter{}};
  if (const auto expression = arguments.value("--filter")) filter = key_filter(*expression);
  if (!filter) return session.fail(filter.error());
  const auto field = arguments.value("--sort");
  std::vector<Json> none;
  if (field)
    if (auto known = sort_keys(none, *field); !known) return session.fail(known.error());

  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  // What is chosen or ordered here has to be here.
  const bool whole = *filter || field;
  auto keys = whole ? some_keys(*api, arguments.has("--include-revoked"), 0, SIZE_MAX)
                    : some_keys(*api, arguments.has("--include-revoked"), *offset, *limit);
  if (!keys) return session.fail(keys.error());
  if (whole) {
    if (*filter) std::erase_if(keys->items, [&](const Json& key) { return !(*filter)(key); });
    if (field)
      if (auto sorted = sort_keys(keys->items, *field); !sorted)
        return session.fail(sorted.error());
    keys->total = keys->items.size();
    keys->items.erase(keys->items.begin(),
                      keys->items.begin() +
                          static_cast<std::ptrdiff_t>(std::min<std::size_t>(*offset, keys->total)));
    if (keys->items.size() > *limit) keys->items.resize(*limit);
  }
  const auto total = keys->total;
  const Json items = keys->items;

  if (session.json()) {
    Json json{{"items", items}, {"total", total}};
    if (arguments.has("--limit") || arguments.has("--offset")) {
      json["limit"] = *limit;
      json["offset"] = *offset;
      json["has_more"] = *offset + items.size() < total;
    }
    session.print_json(json);
    return 0;
  }
  if (items.empty()) {
    session.print("No keys found. Create one with: openclaw-token keys create --name <name>\n");
    return 0;
  }
  const bool revoked = arguments.has("--include-revoked");
  std::vector<std::string> headings{"Hash",  "Name",     "Limit",  "Reset",
                                    "Usage", "Disabled", "Created"};
  if (revoked) headings.push_back("Revoked");
  std::vector<std::vector<std::string>> rows;
  for (const auto& key : items) {
    constexpr std::string_view infinity = "\xe2\x88\x9e";  // U+221E
    rows.push_back({shown(key, "hash"), shown(key, "name"), limit_text(key, infinity),
                    shown(key, "limit_reset"), dollars(key, "usage"), shown(key, "disabled", "No"),
                    shown(key, "created_at")});
    if (revoked) rows.back().push_back(shown(key, "revoked_at"));
  }
  session.print(box_table(session.out(), headings, rows));
  if (*offset + items.size() < total)
    session.print("Showing " + std::to_string(items.size()) + " of " + std::to_string(total) +
                  ". Use --offset to see more.\n");
  return 0;
}

int keys_info(Session& session, const Arguments& arguments) {
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto answer = api->get(key_path(arguments.positionals.at(0)), "Fetching key info...");
  if (!answer) return session.fail(answer.error());
  if (session.json()) {
    session.print_json(*answer);
    return 0;
  }
  session.print(box_table(session.out(), {"Field", "Value"},
                          {{"Hash", shown(*answer, "hash")},
                           {"Name", shown(*answer, "name")},
                           {"Credit Limit", limit_text(*answer, "Unlimited")},
                           {"Limit Reset", shown(*answer, "limit_reset", "None")},
                           {"Total Usage", dollars(*answer, "usage")},
                           {"Daily Usage", dollars(*answer, "usage_daily")},
                           {"Weekly Usage", dollars(*answer, "usage_weekly")},
                           {"Monthly Usage", dollars(*answer, "usage_monthly")},
                           {"Requests", shown(*answer, "requests_count")},
                           {"Disabled", shown(*answer, "disabled", "No")}}));
  std::vector<std::vector<std::string>> rows;
  if (const auto models = answer->find("model_usage"); models != answer->end())
    for (const auto& model : *models)
      rows.push_back({shown(model, "model"), shown(model, "requests"), shown(model, "tokens"),
                      dollars(model, "cost")});
  if (!rows.empty())
    session.print("\nModel Usage:\n" +
                  box_table(session.out(), {"Model", "Requests", "Tokens", "Cost"}, rows));
  return 0;
}

int keys_update(Session& session, const Arguments& arguments) {
  const auto& hash = arguments.positionals.at(0);
  auto wishes = limit_wishes(arguments);
  if (!wishes) return session.fail(wishes.error());
  if (arguments.has("--disabled")) (*wishes)["disabled"] = true;
  if (arguments.has("--enabled")) (*wishes)["disabled"] = false;
  if (wishes->empty())
    return session.fail(
        mistake("Nothing to change.", "Give --limit, --limit-reset, --disabled or --enabled.")
            .error);
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  ApiCall call;
  call.method = "PATCH";
  call.path = key_path(hash);
  call.body = wishes->dump();
  call.repeatable = false;
  const auto answer = api->call(std::move(call), "Updating key...");
  if (!answer)
    return session.fail(unknown_outcome(answer.error(), "the key may or may not have changed."));
  if (session.json()) session.print_json(*answer);
  session.success("Key " + hash + " updated.");
  return 0;
}

int keys_rotate(Session& session, const Arguments& arguments) {
  const auto& hash = arguments.positionals.at(0);
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto agreed =
      confirmed(session, arguments,
                "Rotate key " + hash + "? The old key value will be immediately invalidated.");
  if (!agreed) return session.fail(agreed.error());
  if (!*agreed) return 0;
  const auto answer =
      api->call(post(key_path(hash) + "/rotate", Json::object(), true), "Rotating key...");
  if (!answer)
    return session.fail(unknown_outcome(
        answer.error(), "the key may have a new value that nobody knows; rotate it again."));
  if (is_true(*answer, "disabled")) session.warn("Note: This key is currently disabled.");
  if (session.json()) {
    session.print_json(*answer);
    return 0;
  }
  session.warn(save_it_now);
  session.print(box_table(session.out(), {"Field", "Value"},
                          {{"Key", shown(*answer, "key")},
                           {"Hash", shown(*answer, "hash")},
                           {"Name", shown(*answer, "name")},
                           {"Credit Limit", limit_text(*answer, "Unlimited")},
                           {"Limit Reset", shown(*answer, "limit_reset", "None")},
                           {"Rotated At", shown(*answer, "rotated_at")}}));
  session.success("Key " + hash + " rotated successfully.");
  return 0;
}

namespace {

cp::Result<Json> revoke(Api& api, const std::string& hash) {
  ApiCall call;
  call.method = "DELETE";
  call.path = key_path(hash);
  return api.call(std::move(call), "Revoking key...");
}

}  // namespace

int keys_revoke(Session& session, const Arguments& arguments) {
  const auto& hash = arguments.positionals.at(0);
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto agreed =
      confirmed(session, arguments, "Revoke key " + hash + "? This cannot be undone.");
  if (!agreed) return session.fail(agreed.error());
  if (!*agreed) return 0;
  const auto answer = revoke(*api, hash);
  if (!answer) return session.fail(answer.error());
  if (session.json()) session.print_json(*answer);
  session.success("Key " + hash + " revoked.");
  return 0;
}

int keys_revoke_all(Session& session, const Arguments& arguments) {
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  auto keys = all_keys(*api, false);
  if (!keys) return session.fail(keys.error());
  std::erase_if(*keys, [](const Json& key) { return is_true(key, "disabled"); });
  if (keys->empty()) {
    if (session.json())
      session.print_json(Json{{"revoked", 0}, {"message", "No active keys to revoke"}});
    else
      session.print("No active keys to revoke.\n");
    return 0;
  }
  const auto count = std::to_string(keys->size());
  const auto agreed =
      confirmed(session, arguments, "Revoke ALL " + count + " active keys? This cannot be undone.");
  if (!agreed) return session.fail(agreed.error());
  if (!*agreed) return 0;

  Json results = Json::array();
  std::vector<std::string> failures;
  for (const auto& key : *keys) {
    const auto hash = shown(key, "hash"), name = shown(key, "name");
    const auto done = revoke(*api, hash);
    const auto status = done ? std::string{"revoked"} : "error: " + sentence_of(done.error());
    results.push_back({{"hash", hash}, {"name", name}, {"status", status}});
    if (!done) failures.push_back(hash + " (" + name + "): " + status);
  }
  const auto revoked = keys->size() - failures.size();
  if (session.json()) session.print_json(Json{{"revoked", revoked}, {"results", results}});
  if (failures.empty())
    session.success(std::to_string(revoked) + "/" + count + " keys revoked.");
  else
    session.warn(std::to_string(revoked) + "/" + count + " keys revoked.");
  for (const auto& failure : failures) session.warn("  " + failure);
  return failures.empty() ? 0 : 1;
}

}  // namespace openclaw_token
