#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

struct Json5Member;

/// Where something stands in a text: bytes [begin, end), in the source of that number.
struct Json5Range {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::uint32_t source = 0;  ///< whatever the caller of parse_json5 numbered the text with
};

/// One value of a JSON5 document, and where it stands in its text.
///
/// Objects keep their members in the order of the text. Numbers are IEEE doubles, as JSON5 says;
/// strings are UTF-8. Equality looks at values and the order of members, never at ranges.
class Json5Value {
 public:
  enum class Type { null, boolean, number, string, array, object };
  using Array = std::vector<Json5Value>;
  using Object = std::vector<Json5Member>;

  /// null
  Json5Value() noexcept;
  Json5Value(bool value);
  Json5Value(int value);
  Json5Value(double value);
  Json5Value(std::string value);
  Json5Value(std::string_view value);
  Json5Value(const char* value);
  Json5Value(Array value);
  Json5Value(Object value);

  Type type() const noexcept { return static_cast<Type>(data_.index()); }

  /// The value as that type; null when it is of another type.
  const bool* boolean() const noexcept { return std::get_if<bool>(&data_); }
  const double* number() const noexcept { return std::get_if<double>(&data_); }
  const std::string* string() const noexcept { return std::get_if<std::string>(&data_); }
  const Array* array() const noexcept { return std::get_if<Array>(&data_); }
  const Object* object() const noexcept { return std::get_if<Object>(&data_); }
  Array* array() noexcept { return std::get_if<Array>(&data_); }
  Object* object() noexcept { return std::get_if<Object>(&data_); }

  /// The member of that name; null when there is none or this is no object.
  const Json5Member* member(std::string_view key) const noexcept;
  Json5Member* member(std::string_view key) noexcept;
  /// The value of that member; null when there is none or this is no object.
  const Json5Value* find(std::string_view key) const noexcept;

  friend bool operator==(const Json5Value& a, const Json5Value& b) noexcept { return a.equals(b); }

  Json5Range range = {};

 private:
  bool equals(const Json5Value& other) const noexcept;

  std::variant<std::monostate, bool, double, std::string, Array, Object> data_;
};

/// A key with its value.
struct Json5Member {
  std::string key;
  Json5Value value;
  Json5Range key_range = {};
};

// Behind Json5Member, which must be complete before an object can be made or destroyed.
inline Json5Value::Json5Value() noexcept = default;
inline Json5Value::Json5Value(bool value) : data_{value} {}
inline Json5Value::Json5Value(int value) : data_{static_cast<double>(value)} {}
inline Json5Value::Json5Value(double value) : data_{value} {}
inline Json5Value::Json5Value(std::string value) : data_{std::move(value)} {}
inline Json5Value::Json5Value(std::string_view value) : data_{std::string{value}} {}
inline Json5Value::Json5Value(const char* value) : data_{std::string{value}} {}
inline Json5Value::Json5Value(Array value) : data_{std::move(value)} {}
inline Json5Value::Json5Value(Object value) : data_{std::move(value)} {}

/// The type's name for a person: "an object", "a string".
std::string_view to_string(Json5Value::Type type) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/json5_value.ipp>
#endif
