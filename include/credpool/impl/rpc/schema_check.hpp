#pragma once
// SPDX-License-Identifier: MIT

// The part of JSON Schema that parameters are described with. Internal.

#include <credpool/config/settings.hpp>
#include <credpool/impl/core/json.hpp>

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where a value does not fit its schema.
struct SchemaFault {
  std::string path;     ///< "cli[2]"; empty: the value itself
  std::string message;  ///< what was expected
  std::string hint = {};
};

inline constexpr std::array<std::string_view, 15> schema_keywords{
    "type",     "enum",     "required",  "properties",  "additionalProperties",
    "minimum",  "maximum",  "minLength", "maxLength",   "items",
    "minItems", "maxItems", "title",     "description", "default"};

/// Whether nothing stands in a schema that schema_fault() would not look at.
/// @return the keyword or the part that cannot be used; empty when all is well
inline std::string unusable_in_schema(const OrderedJson& schema) {
  if (schema.is_boolean()) return {};
  if (!schema.is_object()) return "a schema that is no object";
  for (const auto& [keyword, value] : schema.items()) {
    if (std::find(schema_keywords.begin(), schema_keywords.end(), keyword) == schema_keywords.end())
      return keyword;
    if (keyword == "properties")
      for (const auto& [name, property] : value.items())
        if (auto wrong = unusable_in_schema(property); !wrong.empty()) return wrong;
    if (keyword == "items" || keyword == "additionalProperties")
      if (auto wrong = unusable_in_schema(value); !wrong.empty()) return wrong;
  }
  return {};
}

inline bool is_of_schema_type(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  if (type != "integer") return false;
  // 1.0 is an integer too, as far as JSON Schema is concerned.
  return value.is_number_integer() ||
         (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
}

inline std::string schema_list(const OrderedJson& names) {
  std::string text;
  for (const auto& name : names)
    text += (text.empty() ? "" : " or ") +
            (name.is_string() ? name.get<std::string>() : dump_json(name));
  return text;
}

inline std::string schema_number(const OrderedJson& number) {
  return dump_json(number);
}

/// Characters, not bytes: what is no continuation byte begins one.
inline std::size_t schema_characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

std::optional<SchemaFault> schema_fault(const OrderedJson& schema, const Json& value,
                                        const std::string& path = {});

inline std::optional<SchemaFault> schema_object_fault(const OrderedJson& schema, const Json& value,
                                                      const std::string& path) {
  const auto inside = [&](const std::string& name) {
    return path.empty() ? name : path + "." + name;
  };
  const auto known = schema.find("properties");
  if (const auto required = schema.find("required"); required != schema.end())
    for (const auto& name : *required)
      if (!value.contains(name.get_ref<const std::string&>()))
        return SchemaFault{inside(name.get<std::string>()), "is missing"};
  const auto others = schema.find("additionalProperties");
  for (const auto& [name, member] : value.items()) {
    if (known != schema.end())
      if (const auto property = known->find(name); property != known->end()) {
        if (auto fault = schema_fault(*property, member, inside(name))) return fault;
        continue;
      }
    if (others == schema.end()) continue;
    if (*others == false) {
      std::vector<std::string_view> names;
      if (known != schema.end())
        for (const auto& property : known->items()) names.push_back(property.key());
      const auto nearest = nearest_name(name, names);
      return SchemaFault{path, "there is no such parameter: " + json_key_name(name),
                         nearest ? "did you mean \"" + std::string{*nearest} + "\"?" : ""};
    }
    // A name that is not ours may be anything, a secret too.
    if (auto fault = schema_fault(*others, member, inside("*"))) return fault;
  }
  return std::nullopt;
}

/// The first place where the value does not fit.
inline std::optional<SchemaFault> schema_fault(const OrderedJson& schema, const Json& value,
                                               const std::string& path) {
  if (schema.is_boolean()) {
    if (schema.get<bool>()) return std::nullopt;
    return SchemaFault{path, "is not allowed"};
  }
  const auto rule = [&](const char* name) {
    return schema.contains(name) ? &schema[name] : nullptr;
  };
  if (const auto* types = rule("type")) {
    const bool fits =
        types->is_string()
            ? is_of_schema_type(value, types->get_ref<const std::string&>())
            : std::any_of(types->begin(), types->end(), [&](const auto& type) {
                return is_of_schema_type(value, type.template get_ref<const std::string&>());
              });
    if (!fits)
      return SchemaFault{
          path, "is no " + (types->is_string() ? types->get<std::string>() : schema_list(*types))};
  }
  if (const auto* choices = rule("enum")) {
    if (std::none_of(choices->begin(), choices->end(),
                     [&](const auto& choice) { return Json(choice) == value; }))
      return SchemaFault{path, "is none of the values that may stand here",
                         "it is " + schema_list(*choices)};
  }
  if (value.is_number()) {
    const auto number = value.get<double>();
    if (const auto* least = rule("minimum"); least && number < least->get<double>())
      return SchemaFault{path, "is below " + schema_number(*least)};
    if (const auto* most = rule("maximum"); most && number > most->get<double>())
      return SchemaFault{path, "is over " + schema_number(*most)};
  }
  if (value.is_string()) {
    const auto length = schema_characters(value.get_ref<const std::string&>());
    if (const auto* least = rule("minLength"); least && length < least->get<std::size_t>())
      return SchemaFault{path, "is shorter than " + schema_number(*least) + " characters"};
    if (const auto* most = rule("maxLength"); most && length > most->get<std::size_t>())
      return SchemaFault{path, "is longer than " + schema_number(*most) + " characters"};
  }
  if (value.is_array()) {
    if (const auto* least = rule("minItems"); least && value.size() < least->get<std::size_t>())
      return SchemaFault{path, "has fewer than " + schema_number(*least) + " items"};
    if (const auto* most = rule("maxItems"); most && value.size() > most->get<std::size_t>())
      return SchemaFault{path, "has more than " + schema_number(*most) + " items"};
    if (const auto* items = rule("items"))
      for (std::size_t i = 0; i < value.size(); ++i)
        if (auto fault = schema_fault(*items, value[i], path + "[" + std::to_string(i) + "]"))
          return fault;
  }
  if (value.is_object()) return schema_object_fault(schema, value, path);
  return std::nullopt;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
