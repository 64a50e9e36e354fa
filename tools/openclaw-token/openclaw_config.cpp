// SPDX-License-Identifier: MIT
#include "openclaw_config.hpp"

#include "fault.hpp"

#include <credpool/config/json5.hpp>
#include <credpool/config/json5_edit.hpp>

#include <algorithm>

namespace openclaw_token {

namespace cp = credpool;

namespace {

using Path = std::vector<std::string>;

const Path provider_path{"models", "providers", std::string{provider_name}};
const Path model_path{"agents", "defaults", "model"};
const Path fallbacks_path{"agents", "defaults", "model", "fallbacks"};

/// The value at a path; null when a step of it is missing.
const cp::Json5Value* value_at(const cp::Json5Value& root, const Path& path) {
  const auto* value = &root;
  for (const auto& step : path)
    if (value != nullptr) value = value->find(step);
  return value;
}

bool is_ours(const cp::Json5Value& fallback) {
  return fallback.string() != nullptr &&
         fallback.string()->starts_with(std::string{provider_name} + "/");
}

/// The blanks between the last line break before `offset` and it, if there is nothing else there.
std::string_view indentation_at(std::string_view text, std::size_t offset) {
  const auto line = text.rfind('\n', offset == 0 ? 0 : offset - 1);
  if (line == std::string_view::npos || line >= offset) return {};
  const auto blanks = text.substr(line, offset - line);
  return blanks.find_first_not_of(" \t\r\n") == std::string_view::npos ? blanks
                                                                       : std::string_view{};
}

/// The text with one more element at the end of an array. Not edit_json5(), which would write the
/// array anew and lose the comments in it.
std::string with_element(std::string_view text, const cp::Json5Value& array,
                         const std::string& element) {
  std::string changed{text};
  if (array.array()->empty()) return changed.insert(array.range.begin + 1, element), changed;
  const auto& last = array.array()->back().range;
  const auto indentation = indentation_at(text, last.begin);
  std::string added{","};
  added += indentation.empty() ? std::string_view{" "} : indentation;
  changed.insert(last.end, added + element);
  return changed;
}

/// The text without one element of an array, and without one of the commas beside it.
std::string without_element(std::string_view text, const cp::Json5Value& array, std::size_t index) {
  const auto& items = *array.array();
  auto begin = items[index].range.begin, end = items[index].range.end;
  if (index > 0) {
    begin = items[index - 1].range.end;
  } else if (items.size() > 1) {
    end = items[1].range.begin;
  } else {  // the last comma may stand behind the only element, but not alone
    const auto next = text.find_first_not_of(" \t\r\n", end);
    if (next != std::string_view::npos && text[next] == ',') end = next + 1;
  }
  std::string changed{text};
  return changed.erase(begin, end - begin);
}

void note_created(const cp::Json5Value& root, const Path& path, std::size_t steps,
                  IntegrationTrace& trace) {
  for (std::size_t length = 1; length <= steps; ++length) {
    const Path prefix{path.begin(), path.begin() + static_cast<std::ptrdiff_t>(length)};
    if (value_at(root, prefix) == nullptr) trace.created.push_back(prefix);
  }
}

bool is_empty(const cp::Json5Value& value) {
  return (value.object() != nullptr && value.object()->empty()) ||
         (value.array() != nullptr && value.array()->empty());
}

}  // namespace

cp::Json5Value openclaw_provider(std::string_view base_url, std::string_view key,
                                 const std::vector<std::string>& models) {
  cp::Json5Value::Array list;
  for (const auto& model : models)
    list.push_back(cp::Json5Value::Object{{"id", model}, {"name", model}});
  return cp::Json5Value::Object{{"api", "openai-completions"},
                                {"baseUrl", base_url},
                                {"auth", "api-key"},
                                {"apiKey", key},
                                {"models", std::move(list)}};
}

cp::Result<Integration> add_integration(std::string_view given, const cp::Json5Value& provider,
                                        std::string_view first_model) {
  const bool blank = given.find_first_not_of(" \t\r\n") == std::string_view::npos;
  const std::string_view text = blank ? "{}\n" : given;
  const auto root = cp::parse_json5(text);
  if (!root) return cp::fail(root.error());
  Integration integration;
  note_created(*root, provider_path, provider_path.size() - 1, integration.trace);
  auto edited = cp::edit_json5(text, provider_path, provider);
  if (!edited) return cp::fail(edited.error());

  // The fallback: agents.defaults.model is the name of a model, or {primary, fallbacks}.
  const auto fallback = std::string{provider_name} + "/" + std::string{first_model};
  const auto* model = value_at(*root, model_path);
  if (model != nullptr && model->string() != nullptr) {
    integration.trace.model_was_text = true;
    edited = cp::edit_json5(*edited, model_path,
                            cp::Json5Value::Object{{"primary", *model->string()},
                                                   {"fallbacks", cp::Json5Value::Array{fallback}}});
  } else if (const auto* list = value_at(*root, fallbacks_path); list == nullptr) {
    note_created(*root, fallbacks_path, fallbacks_path.size(), integration.trace);
    edited = cp::edit_json5(*edited, fallbacks_path, cp::Json5Value::Array{fallback});
  } else if (list->array() == nullptr) {
    return mistake("agents.defaults.model.fallbacks is not a list in OpenClaw's configuration.");
  } else {
    // What an earlier integration left goes first: the model may be another one now.
    auto cleared = *edited;
    for (;;) {
      const auto now = cp::parse_json5(cleared);
      if (!now) return cp::fail(now.error());
      const auto& array = *value_at(*now, fallbacks_path);
      const auto found = std::find_if(array.array()->begin(), array.array()->end(), is_ours);
      if (found == array.array()->end()) {
        cleared = with_element(cleared, array, cp::write_json5(fallback));
        break;
      }
      cleared =
          without_element(cleared, array, static_cast<std::size_t>(found - array.array()->begin()));
    }
    edited = std::move(cleared);
  }
  if (!edited) return cp::fail(edited.error());
  if (const auto again = cp::parse_json5(*edited); !again) return cp::fail(again.error());
  integration.text = std::move(*edited);
  return integration;
}

cp::Result<std::string> remove_integration(std::string_view text, const IntegrationTrace& trace) {
  std::string changed{text};
  for (;;) {
    const auto root = cp::parse_json5(changed);
    if (!root) return cp::fail(root.error());
    const auto* list = value_at(*root, fallbacks_path);
    if (list == nullptr || list->array() == nullptr) break;
    const auto found = std::find_if(list->array()->begin(), list->array()->end(), is_ours);
    if (found == list->array()->end()) break;
    changed =
        without_element(changed, *list, static_cast<std::size_t>(found - list->array()->begin()));
  }
  const auto root = cp::parse_json5(changed);
  if (!root) return cp::fail(root.error());
  const auto remove = [&](const Path& path) -> cp::Result<void> {
    auto edited = cp::remove_json5(changed, path);
    if (!edited) return cp::fail(edited.error());
    changed = std::move(*edited);
    return {};
  };
  if (value_at(*root, provider_path) != nullptr)
    if (auto done = remove(provider_path); !done) return cp::fail(done.error());

  const auto* model = value_at(*root, model_path);
  const auto* primary = model == nullptr ? nullptr : model->find("primary");
  const auto* list = value_at(*root, fallbacks_path);
  if (trace.model_was_text && primary != nullptr && primary->string() != nullptr &&
      model->object()->size() == 2 && list != nullptr && is_empty(*list)) {
    auto edited = cp::edit_json5(changed, model_path, *primary);
    if (!edited) return edited;
    changed = std::move(*edited);
  }
  // Inner ones first, so that an outer one may have become empty.
  for (auto path = trace.created.rbegin(); path != trace.created.rend(); ++path) {
    const auto now = cp::parse_json5(changed);
    if (!now) return cp::fail(now.error());
    const auto* value = value_at(*now, *path);
    if (value == nullptr || !is_empty(*value)) continue;
    if (auto done = remove(*path); !done) return cp::fail(done.error());
  }
  return changed;
}

cp::Result<std::optional<std::string>> integrated_base_url(std::string_view text) {
  const auto root = cp::parse_json5(text);
  if (!root) return cp::fail(root.error());
  const auto* provider = value_at(*root, provider_path);
  if (provider == nullptr) return std::optional<std::string>{};
  const auto* url = provider->find("baseUrl");
  return std::optional{url != nullptr && url->string() != nullptr ? *url->string() : std::string{}};
}

}  // namespace openclaw_token
