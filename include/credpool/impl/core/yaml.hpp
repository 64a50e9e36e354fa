#pragma once
// SPDX-License-Identifier: MIT

// How this library reads YAML that others wrote. Internal: included by .ipp files only.

#include <credpool/core/result.hpp>

#include <yaml.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A YAML value. Scalars are text whatever they look like: a token is never a number.
struct YamlNode {
  enum class Type { scalar, sequence, mapping };

  Type type = Type::scalar;
  std::string text;               ///< of a scalar
  std::vector<YamlNode> items;    ///< of a sequence; of a mapping the values, as the file has them
  std::vector<std::string> keys;  ///< of a mapping: keys[i] belongs to items[i]

  /// The member of that name; null when this is no mapping or has none.
  const YamlNode* member(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == name) return &items[i];
    return nullptr;
  }
  /// The text of the member; empty when it is missing or no scalar.
  std::string_view text_of(std::string_view name) const noexcept {
    const auto* value = member(name);
    return value == nullptr || value->type != Type::scalar ? std::string_view{} : value->text;
  }
};

/// Builds a tree from libyaml's events while refusing what a careful reader refuses.
class YamlReader {
 public:
  static constexpr int max_depth = 64;
  static constexpr std::size_t max_nodes = 4096;

  explicit YamlReader(std::string_view text) {
    usable_ = yaml_parser_initialize(&parser_) == 1;
    if (!usable_) return;
    if (text.data() == nullptr) text = "";  // libyaml asserts that there is a pointer
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~YamlReader() {
    yaml_event_delete(&event_);
    if (usable_) yaml_parser_delete(&parser_);
  }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  /// The one document of the stream; an empty scalar when there is none.
  Result<YamlNode> read() {
    YamlNode root;
    if (!usable_) return fail(Errc::io, "parsing YAML", "out of memory");
    const bool whole =
        next(YAML_STREAM_START_EVENT) && next() &&
        (event_.type == YAML_STREAM_END_EVENT ||
         (next() && node(root, 1) && next(YAML_DOCUMENT_END_EVENT) && next(YAML_STREAM_END_EVENT)));
    if (!whole) return fail(failure_, "parsing YAML", where_);
    return root;
  }

 private:
  /// Fetches the next event in place of the one before.
  bool next() {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser_, &event_) == 1) return true;
    // libyaml's message is dropped: it may quote the text it failed on.
    return refuse(Errc::malformed, parser_.problem_mark);
  }
  bool next(yaml_event_type_t wanted) {
    return next() && (event_.type == wanted || refuse(Errc::malformed, event_.start_mark));
  }

  /// Reads the value that begins with the current event.
  bool node(YamlNode& target, int depth) {
    if (depth > max_depth) return refuse(Errc::too_deep, event_.start_mark);
    if (++nodes_ > max_nodes) return refuse(Errc::too_large, event_.start_mark);
    switch (event_.type) {
      case YAML_SCALAR_EVENT:
        return plain(event_.data.scalar.anchor, event_.data.scalar.tag) && scalar(target.text);
      case YAML_SEQUENCE_START_EVENT:
        target.type = YamlNode::Type::sequence;
        return plain(event_.data.sequence_start.anchor, event_.data.sequence_start.tag) &&
               sequence(target, depth);
      case YAML_MAPPING_START_EVENT:
        target.type = YamlNode::Type::mapping;
        return plain(event_.data.mapping_start.anchor, event_.data.mapping_start.tag) &&
               mapping(target, depth);
      default:  // an alias: it makes small files large and trees cyclic
        return refuse(Errc::unsupported, event_.start_mark);
    }
  }

  bool sequence(YamlNode& target, int depth) {
    while (next()) {
      if (event_.type == YAML_SEQUENCE_END_EVENT) return true;
      if (!node(target.items.emplace_back(), depth + 1)) return false;
    }
    return false;
  }

  bool mapping(YamlNode& target, int depth) {
    while (next()) {
      if (event_.type == YAML_MAPPING_END_EVENT) return true;
      if (event_.type != YAML_SCALAR_EVENT) return refuse(Errc::unsupported, event_.start_mark);
      YamlNode key;
      if (!node(key, depth + 1)) return false;
      if (target.member(key.text) != nullptr) return refuse(Errc::duplicate_key, event_.start_mark);
      target.keys.push_back(std::move(key.text));
      if (!next() || !node(target.items.emplace_back(), depth + 1)) return false;
    }
    return false;
  }

  bool scalar(std::string& target) {
    target.assign(reinterpret_cast<const char*>(event_.data.scalar.value),
                  event_.data.scalar.length);
    return true;
  }

  /// Neither an anchor, which only an alias needs, nor a tag, which would change the meaning.
  bool plain(const yaml_char_t* anchor, const yaml_char_t* tag) {
    return (anchor == nullptr && tag == nullptr) || refuse(Errc::unsupported, event_.start_mark);
  }

  bool refuse(Errc why, const yaml_mark_t& mark) {
    failure_ = why;
    where_ =
        "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1);
    return false;
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool usable_ = false;
  std::size_t nodes_ = 0;
  Errc failure_ = Errc::malformed;
  std::string where_;
};

/// Parses one YAML document strictly: no anchor, alias or tag, no key twice, at most 64 deep and
/// 4096 values; keys are scalars.
/// @errors malformed, duplicate_key, too_deep, too_large, unsupported; each with line and column
///         (never the text)
inline Result<YamlNode> parse_yaml(std::string_view text) {
  return YamlReader{text}.read();
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
