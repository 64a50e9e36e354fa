#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/model_list.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/json.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline bool is_model_id(std::string_view id, std::size_t longest) noexcept {
  return !id.empty() && id.size() <= longest &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; });
}

inline bool is_model_name(std::string_view name, std::size_t longest) noexcept {
  return name.size() <= longest && is_valid_utf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

/// `created` in seconds or `created_at` in ISO 8601; 0 when neither is there or makes sense.
inline std::int64_t model_created(const Json& entry) {
  constexpr double year_10000 = 253402300800.0;
  if (const auto* seconds = member(entry, "created"); seconds != nullptr) {
    const auto value = number_of(*seconds);
    if (value && *value >= 0 && *value < year_10000) return static_cast<std::int64_t>(*value);
  }
  const auto when = parse_iso8601(text_or_empty(entry, "created_at"));
  if (!when) return 0;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(when->time_since_epoch()).count();
  return std::max<std::int64_t>(seconds, 0);
}

template <class Model> OrderedJson model_json(const Model& model, Dialect dialect) {
  if (dialect == Dialect::openai)
    return {{"id", model.id},
            {"object", "model"},
            {"created", model.created},
            {"owned_by", model.owner}};
  const TimePoint created{std::chrono::seconds{model.created}};
  return {{"type", "model"},
          {"id", model.id},
          {"display_name", model.name.empty() ? model.id : model.name},
          {"created_at", format_iso8601(created)}};
}

}  // namespace detail

CREDPOOL_INLINE bool ModelList::add(Model model) {
  if (models_.size() >= limits_.max_models || !detail::is_model_id(model.id, limits_.max_id_bytes))
    return false;
  if (!ids_.insert(model.id).second) return false;
  models_.push_back(std::move(model));
  return true;
}

CREDPOOL_INLINE void ModelList::add_named(const std::vector<ModelTarget>& names) {
  for (const auto& [provider, model] : names) add({model, {}, provider});
}

CREDPOOL_INLINE std::size_t ModelList::add_answer(std::string_view provider,
                                                  std::string_view body) {
  if (body.size() > limits_.max_answer_bytes) return 0;
  const auto document = detail::parse_json(body);
  if (!document) return 0;
  const auto* list = document->is_array() ? &*document : detail::member(*document, "data");
  if (list == nullptr || !list->is_array()) return 0;
  std::size_t added = 0;
  for (const auto& entry : *list) {
    if (!entry.is_object()) continue;
    auto id = detail::text_or_empty(entry, "id");
    constexpr std::string_view google = "models/";
    if (id.starts_with(google)) id.remove_prefix(google.size());
    auto name = detail::text_or_empty(entry, "display_name");
    if (!detail::is_model_name(name, limits_.max_id_bytes)) name = {};
    const bool is_new = add(
        {std::string{id}, std::string{name}, std::string{provider}, detail::model_created(entry)});
    added += is_new ? 1 : 0;
  }
  return added;
}

CREDPOOL_INLINE std::string ModelList::write(Dialect dialect) const {
  auto data = detail::OrderedJson::array();
  for (const auto& model : models_) data.push_back(detail::model_json(model, dialect));
  if (dialect == Dialect::openai)
    return detail::OrderedJson{{"object", "list"}, {"data", std::move(data)}}.dump();
  const auto id = [](const Model& model) { return detail::OrderedJson(model.id); };
  return detail::OrderedJson{
      {"data", std::move(data)},
      {"has_more", false},
      {"first_id", models_.empty() ? detail::OrderedJson{} : id(models_.front())},
      {"last_id", models_.empty() ? detail::OrderedJson{} : id(models_.back())}}
      .dump();
}

CREDPOOL_INLINE std::string ModelList::write_one(std::string_view id, Dialect dialect) const {
  for (const auto& model : models_)
    if (model.id == id) return detail::model_json(model, dialect).dump();
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
