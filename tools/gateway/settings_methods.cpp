// SPDX-License-Identifier: MIT
// The settings of a running server: what they are, changing them, orders of profiles; and doctor.
#include "rpc_methods.hpp"

#include "gateway.hpp"
#include "serving_pool.hpp"
#include "session.hpp"
#include "settings_report.hpp"

#include <credpool/config/settings_edit.hpp>
#include <credpool/refresh/process.hpp>

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// @pre the dispatcher has bounded its depth
cp::Json5Value json5_of(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    cp::Json5Value::Array list;
    for (const auto& element : value) list.push_back(json5_of(element));
    return list;
  }
  if (!value.is_object()) return {};
  cp::Json5Value::Object object;
  for (const auto& [key, member] : value.items()) object.push_back({key, json5_of(member)});
  return object;
}

Json row_json(const cp::SettingRow& row) {
  Json document{
      {"path", row.path}, {"value", setting_value_json(row.value)}, {"origin", row.origin}};
  if (const auto* key = cp::setting_key_of(row.path)) {
    document["type"] = key->type;
    document["fallback"] = setting_value_json(std::string{key->fallback});
    document["meaning"] = key->meaning;
  }
  document["restart"] = needs_restart(row.path);
  return document;
}

/// Changes settings in our own file and has the pool act on them.
cp::Result<Json> configure(GatewayContext& context, const std::vector<cp::SettingEdit>& edits,
                           bool dry_run) {
  const auto edited = cp::edit_settings(context.session.environment(), edits, dry_run);
  if (!edited) return cp::fail(edited.error());
  const auto rows = edited->after.rows();
  const auto changes = setting_changes(edited->before.rows(), rows);
  if (!dry_run) {
    if (const auto reloaded = context.pool.reload(); !reloaded) return cp::fail(reloaded.error());
    context.catalog_changed();
    context.events.publish("settings.changed",
                           Json{{"changed", setting_changes_json(changes)}}.dump());
  }
  Json settings = Json::array();
  for (const auto& row : rows)
    if (std::any_of(edits.begin(), edits.end(),
                    [&](const auto& edit) { return edit.path == row.path; }))
      settings.push_back(row_json(row));
  return Json{{"changed", setting_changes_json(changes)},
              {"settings", std::move(settings)},
              {"file", edited->file.string()}};
}

cp::Result<Json> configure(GatewayContext& context, const Json& params) {
  std::vector<cp::SettingEdit> edits;
  for (const auto& [path, value] : params.at("patch").items()) {
    if (value.is_null())
      edits.push_back({path, std::nullopt});
    else
      edits.push_back({path, json5_of(value)});
  }
  return configure(context, edits, flag_parameter(params, "dryRun"));
}

cp::Result<Json> settings(GatewayContext& context) {
  const auto report = cp::read_settings(context.session.environment());
  Json rows = Json::array();
  for (const auto& row : report.rows()) rows.push_back(row_json(row));
  Json problems = Json::array();
  for (const auto& problem : report.problems) problems.push_back(settings_problem_json(problem));
  Json schema = Json::array();
  for (const auto& key : cp::settings_schema())
    schema.push_back({{"path", key.path},
                      {"type", key.type},
                      {"fallback", setting_value_json(std::string{key.fallback})},
                      {"meaning", key.meaning},
                      {"restart", needs_restart(std::string{key.path})}});
  const auto file = cp::settings_path(context.session.environment());
  return Json{{"ok", report.ok()},
              {"settings", std::move(rows)},
              {"schema", std::move(schema)},
              {"files", settings_files_json(report)},
              {"file", file ? Json(file->string()) : Json(nullptr)},
              {"problems", std::move(problems)}};
}

Json order_json(const cp::Settings& settings, const std::string& provider) {
  Json order = Json::object();
  for (const auto& [name, profiles] : settings.order)
    if (provider.empty() || name == provider) order[name] = profiles;
  return order;
}

cp::Result<Json> set_order(GatewayContext& context, const Json& params) {
  const auto provider = text_parameter(params, "provider");
  cp::Json5Value::Array profiles;
  for (const auto& name : params.at("profiles")) {
    const auto credential = context.pool.pool().find(name.get_ref<const std::string&>());
    if (!credential) return cp::fail(credential.error());
    if ((*credential)->provider != provider)
      return cp::fail(cp::Errc::invalid_argument, "setting an order", (*credential)->profile_id,
                      "it is a credential of " + (*credential)->provider);
    profiles.emplace_back((*credential)->profile_id);
  }
  const auto done =
      configure(context, {{"order." + provider, cp::Json5Value{std::move(profiles)}}}, false);
  if (!done) return done;
  return Json{{"order", order_json(*context.pool.settings(), {})}};
}

cp::Result<Json> clear_order(GatewayContext& context, const Json& params) {
  const auto done =
      configure(context, {{"order." + text_parameter(params, "provider"), std::nullopt}}, false);
  if (!done) return done;
  return Json{{"order", order_json(*context.pool.settings(), {})}};
}

/// In a process of its own: it reads the files of the state, and closing one of them here would
/// drop the locks that the pool holds on it.
cp::Result<Json> doctor(GatewayContext& context) {
  constexpr std::chrono::seconds patience{60};
  const auto& environment = context.session.environment();
  auto process = cp::Process::start({.program = "/proc/self/exe",
                                     .arguments = {"--json", "doctor"},
                                     .variables = environment.variables(),
                                     .read_output = true,
                                     .max_output = 4 * 1024 * 1024});
  if (!process) return cp::fail(process.error());
  process->close_input();
  const auto end = process->wait(patience);
  if (!end) return cp::fail(cp::Errc::timeout, "looking for what is wrong", "credpool doctor");
  auto document = Json::parse(process->output(), nullptr, false);
  if (!document.is_object() || !document.contains("findings"))
    return cp::fail(cp::Errc::io, "looking for what is wrong", "credpool doctor",
                    "run it yourself: credpool doctor");
  return document;
}

}  // namespace

void add_settings_methods(cp::RpcDispatcher& dispatcher, GatewayContext& context) {
  using cp::Scope;
  constexpr auto nothing = R"({"type":"object","properties":{},"additionalProperties":false})";
  constexpr auto order_result = R"({"type":"object","properties":{"order":{"type":"object",
      "additionalProperties":{"type":"array","items":{"type":"string"}}}}})";
  add_method(
      dispatcher,
      {"tokenDiscovery.configure", Scope::admin,
       "Changes settings: in the file, comments kept, and at once.",
       R"({"type":"object","properties":{
            "patch":{"type":"object","additionalProperties":true,
              "description":"Setting -> value, as in {\"rotationStrategy\": \"priority\"}; null takes it out of the file."},
            "dryRun":{"type":"boolean","description":"Only say what would change."}},
           "required":["patch"],"additionalProperties":false})",
       R"({"type":"object","properties":{"changed":{"type":"array","items":{"type":"object"}},
            "settings":{"type":"array","items":{"type":"object"}},"file":{"type":"string"}}})"},
      [&context](const Json& params, const cp::RpcCaller&) { return configure(context, params); });
  add_method(dispatcher,
             {"tokenDiscovery.settings", Scope::read,
              "Every setting, its value, where it comes from and what it means.", nothing,
              R"({"type":"object","properties":{"ok":{"type":"boolean"},
            "settings":{"type":"array","items":{"type":"object"}},"schema":{"type":"array","items":{"type":"object"}},
            "files":{"type":"array","items":{"type":"object"}},"file":{"type":["string","null"]},
            "problems":{"type":"array","items":{"type":"object"}}}})"},
             [&context](const Json&, const cp::RpcCaller&) { return settings(context); });
  add_method(
      dispatcher,
      {"tokenDiscovery.doctor", Scope::read, "What is wrong on this machine, and how to mend it.",
       nothing,
       R"({"type":"object","properties":{"ok":{"type":"boolean"},"findings":{"type":"array","items":{"type":"object"}}}})"},
      [&context](const Json&, const cp::RpcCaller&) { return doctor(context); });
  add_method(
      dispatcher,
      {"order.get", Scope::read, "The order of profiles of one provider, or of all.",
       R"({"type":"object","properties":{"provider":{"type":"string","maxLength":128}},"additionalProperties":false})",
       order_result},
      [&context](const Json& params, const cp::RpcCaller&) -> cp::Result<Json> {
        return Json{
            {"order", order_json(*context.pool.settings(), text_parameter(params, "provider"))}};
      });
  add_method(
      dispatcher,
      {"order.set", Scope::admin,
       "Which of a provider's credentials serve, the first one first; the others do not.",
       R"({"type":"object","properties":{"provider":{"type":"string","minLength":1,"maxLength":128},
            "profiles":{"type":"array","items":{"type":"string","maxLength":256},"minItems":1,"maxItems":1000}},
           "required":["provider","profiles"],"additionalProperties":false})",
       order_result},
      [&context](const Json& params, const cp::RpcCaller&) { return set_order(context, params); });
  add_method(
      dispatcher,
      {"order.clear", Scope::admin, "Takes a provider's order back: all of its credentials serve.",
       R"({"type":"object","properties":{"provider":{"type":"string","minLength":1,"maxLength":128}},
           "required":["provider"],"additionalProperties":false})",
       order_result},
      [&context](const Json& params, const cp::RpcCaller&) {
        return clear_order(context, params);
      });
}

}  // namespace credpool_cli
