#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/json5_value.hpp>

#include <algorithm>
#include <cmath>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE const Json5Member* Json5Value::member(std::string_view key) const noexcept {
  const auto* members = object();
  if (members == nullptr) return nullptr;
  for (const auto& candidate : *members)
    if (candidate.key == key) return &candidate;
  return nullptr;
}

CREDPOOL_INLINE Json5Member* Json5Value::member(std::string_view key) noexcept {
  return const_cast<Json5Member*>(std::as_const(*this).member(key));
}

CREDPOOL_INLINE const Json5Value* Json5Value::find(std::string_view key) const noexcept {
  const auto* found = member(key);
  return found == nullptr ? nullptr : &found->value;
}

CREDPOOL_INLINE bool Json5Value::equals(const Json5Value& other) const noexcept {
  if (type() != other.type()) return false;
  switch (type()) {
    case Type::null:
      return true;
    case Type::boolean:
      return *boolean() == *other.boolean();
    case Type::number: {
      // NaN is NaN here: two documents that say the same are equal.
      const double a = *number();
      const double b = *other.number();
      return a == b || (std::isnan(a) && std::isnan(b));
    }
    case Type::string:
      return *string() == *other.string();
    case Type::array:
      return *array() == *other.array();
    case Type::object:
      return std::equal(object()->begin(), object()->end(), other.object()->begin(),
                        other.object()->end(), [](const Json5Member& a, const Json5Member& b) {
                          return a.key == b.key && a.value == b.value;
                        });
  }
  return false;
}

CREDPOOL_INLINE std::string_view to_string(Json5Value::Type type) noexcept {
  switch (type) {
    case Json5Value::Type::null:
      return "null";
    case Json5Value::Type::boolean:
      return "true or false";
    case Json5Value::Type::number:
      return "a number";
    case Json5Value::Type::string:
      return "a string";
    case Json5Value::Type::array:
      return "an array";
    case Json5Value::Type::object:
      return "an object";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
