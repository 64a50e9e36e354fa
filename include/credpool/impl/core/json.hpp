#pragma once
// SPDX-License-Identifier: MIT

// How this library reads JSON that others wrote. Internal: included by .ipp files only, so that the
// JSON library stays out of every public header.

#include <credpool/core/encoding.hpp>
#include <credpool/core/result.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

using Json = nlohmann::json;
/// Keeps the order of members: for files that are written back.
using OrderedJson = nlohmann::ordered_json;

struct JsonRules {
  bool allow_comments =
      false;  ///< as strip-json-comments does for the settings files of qwen and gemini
  int max_depth = 64;
};

/// The names of an object that is being read. Few are looked through, since most objects are small
/// and a tree would cost a piece of memory for each name.
class JsonNames {
 public:
  /// @return false when the name was there already
  bool add(const std::string& name) {
    if (many_.empty()) {
      if (std::find(few_.begin(), few_.end(), name) != few_.end()) return false;
      if (few_.empty()) few_.reserve(most_few);
      if (few_.size() < most_few) {
        few_.push_back(name);
        return true;
      }
      many_.insert(few_.begin(), few_.end());
    }
    return many_.insert(name).second;
  }

 private:
  static constexpr std::size_t most_few = 16;
  std::vector<std::string> few_;
  std::set<std::string> many_;  ///< all of them, once they are many
};

/// Builds a document while refusing what a careful reader refuses: depth, doubled keys.
template <class Document> class JsonBuilder final : public nlohmann::json_sax<Document> {
  using number_integer_t = typename Document::number_integer_t;
  using number_unsigned_t = typename Document::number_unsigned_t;
  using number_float_t = typename Document::number_float_t;
  using string_t = typename Document::string_t;
  using binary_t = typename Document::binary_t;

 public:
  JsonBuilder(Document& target, int max_depth) : builder_{target, false}, max_depth_{max_depth} {}

  bool null() override { return builder_.null(); }
  bool boolean(bool value) override { return builder_.boolean(value); }
  bool number_integer(number_integer_t value) override { return builder_.number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return builder_.number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    return builder_.number_float(value, text);
  }
  bool string(string_t& value) override { return builder_.string(value); }
  bool binary(binary_t& value) override { return builder_.binary(value); }

  bool start_object(std::size_t size) override {
    keys_.emplace_back();
    return deeper() && builder_.start_object(size);
  }
  bool key(string_t& name) override {
    if (!keys_.back().add(name)) {
      failure = Errc::duplicate_key;
      doubled = name;
      return false;
    }
    return builder_.key(name);
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return builder_.end_object();
  }
  bool start_array(std::size_t size) override { return deeper() && builder_.start_array(size); }
  bool end_array() override {
    --depth_;
    return builder_.end_array();
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    offset = position;  // the message is dropped: it quotes the text it failed on
    return false;
  }

  Errc failure = Errc::malformed;
  std::string doubled;
  std::size_t offset = 0;

 private:
  bool deeper() {
    if (++depth_ <= max_depth_) return true;
    failure = Errc::too_deep;
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<Document> builder_;
  std::vector<JsonNames> keys_;  ///< of the objects that are open
  int depth_ = 0;
  int max_depth_;
};

/// The key's name for an error text: only a short printable one, so that no control character and
/// no token that stands where a name should reaches a terminal or a log.
inline std::string json_key_name(std::string_view name) {
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (name.size() > 32 || !std::all_of(name.begin(), name.end(), printable)) return "a key";
  return "key \"" + std::string{name} + '"';
}

/// Parses JSON text strictly: valid UTF-8, no key twice, at most `max_depth` deep, finite numbers.
/// A byte order mark in front is passed over.
/// @errors malformed with the byte offset, duplicate_key with the key's name, too_deep
template <class Document>
Result<Document> parse_json_as(std::string_view text, JsonRules rules = {}) {
  // The parser takes NUL for the end of the text, and would not see what comes after it.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return fail(Errc::malformed, "parsing JSON", "byte " + std::to_string(nul + 1));
  Document document;
  JsonBuilder<Document> builder{document, rules.max_depth};
  if (!Document::sax_parse(text.begin(), text.end(), &builder, Document::input_format_t::json, true,
                           rules.allow_comments)) {
    switch (builder.failure) {
      case Errc::duplicate_key:
        return fail(Errc::duplicate_key, "parsing JSON", json_key_name(builder.doubled));
      case Errc::too_deep:
        return fail(Errc::too_deep, "parsing JSON",
                    "over " + std::to_string(rules.max_depth) + " levels");
      default:
        return fail(Errc::malformed, "parsing JSON", "byte " + std::to_string(builder.offset));
    }
  }
  return document;
}

/// The same, where the order of members does not matter.
inline Result<Json> parse_json(std::string_view text, JsonRules rules = {}) {
  return parse_json_as<Json>(text, rules);
}

/// The member of that name; null when `object` is no object or has none.
inline const Json* member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

/// The member's text; none when it is missing or not a string.
inline std::optional<std::string_view> text_member(const Json& object, std::string_view name) {
  const auto* value = member(object, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view{value->get_ref<const std::string&>()};
}

/// The member's text; empty when it is missing or not a string.
inline std::string_view text_or_empty(const Json& object, std::string_view name) {
  return text_member(object, name).value_or(std::string_view{});
}

/// A finite number from a JSON number or a string that is one.
inline std::optional<double> number_of(const Json& value) {
  double number = 0;
  if (value.is_number()) {
    number = value.get<double>();
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  } else {
    return std::nullopt;
  }
  if (!(number > -1e308 && number < 1e308)) return std::nullopt;
  return number;
}

/// Serialises with every invalid UTF-8 sequence replaced, so that it never throws.
template <class Document>
std::string dump_json(const Document& document, int indent = -1, char fill = ' ') {
  return document.dump(indent, fill, false, Document::error_handler_t::replace);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
