#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/json5_edit.hpp>

#include <credpool/config/json5.hpp>
#include <credpool/impl/config/json5_scanner.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// How a text is written, as far as a new member must follow it.
struct Json5Style {
  char quote = '"';
  bool quoted_keys = true;
  bool trailing_comma = false;
  bool multi_line = false;  ///< the new member gets a line of its own
  std::string colon = ": ";
  std::string line_end = "\n";
  std::string step = "  ";  ///< one level of indentation
  std::string indent = "";  ///< of the new member's line
};

inline std::string json5_quoted(std::string_view text, char quote) {
  std::string out{quote};
  for (std::size_t at = 0; at < text.size();) {
    const auto c = json5_char_at(text, at);
    switch (c.point) {
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c.point < 0x20 || c.point == 0x7f || c.point == 0x2028 || c.point == 0x2029) {
          constexpr std::string_view digits = "0123456789abcdef";
          out += "\\u";
          for (int shift = 12; shift >= 0; shift -= 4) out += digits[(c.point >> shift) & 15];
        } else {
          if (c.point == static_cast<char32_t>(quote)) out += '\\';
          out.append(text, at, c.size);
        }
    }
    at += c.size;
  }
  return out += quote;
}

inline std::string json5_number(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

inline std::string json5_key(std::string_view key, const Json5Style& style) {
  if (!style.quoted_keys && is_json5_identifier(key)) return std::string{key};
  return json5_quoted(key, style.quote);
}

/// Writes a value; `indent` is that of the line it begins on.
inline std::string json5_written(const Json5Value& value, const Json5Style& style,
                                 const std::string& indent) {
  const auto list = [&](char open, char close, std::size_t count, auto&& element) {
    std::string out{open};
    const auto inner = indent + style.step;
    for (std::size_t i = 0; i < count; ++i) {
      if (style.multi_line) out += style.line_end + inner;
      out += element(i, inner);
      const bool last = i + 1 == count;
      if (!last || (style.trailing_comma && style.multi_line)) out += ',';
      if (!last && !style.multi_line) out += ' ';
    }
    if (count > 0 && style.multi_line) out += style.line_end + indent;
    return out + close;
  };
  switch (value.type()) {
    case Json5Value::Type::null:
      return "null";
    case Json5Value::Type::boolean:
      return *value.boolean() ? "true" : "false";
    case Json5Value::Type::number:
      return json5_number(*value.number());
    case Json5Value::Type::string:
      return json5_quoted(*value.string(), style.quote);
    case Json5Value::Type::array:
      return list('[', ']', value.array()->size(), [&](std::size_t i, const std::string& inner) {
        return json5_written((*value.array())[i], style, inner);
      });
    case Json5Value::Type::object:
      return list('{', '}', value.object()->size(), [&](std::size_t i, const std::string& inner) {
        const auto& member = (*value.object())[i];
        return json5_key(member.key, style) + style.colon +
               json5_written(member.value, style, inner);
      });
  }
  return {};
}

/// Changes a parsed text; offsets are those of the text as it was read.
class Json5Editor {
 public:
  Json5Editor(std::string_view text, Json5Value document)
      : text_{text}, document_{std::move(document)} {}

  Result<std::string> set(std::span<const std::string> path, const Json5Value& value) {
    constexpr const char* doing = "editing JSON5";
    if (path.empty()) return fail(Errc::invalid_argument, doing, {}, "name at least one key");
    auto* object = &document_;
    std::size_t step = 0;
    Json5Member* found = nullptr;
    for (; step < path.size(); ++step) {
      if (object->object() == nullptr)
        return fail(Errc::invalid_argument, doing, position_of(text_, object->range.begin).text(),
                    "expected an object here, found " + std::string{to_string(object->type())});
      ancestors_.push_back(object);
      found = object->member(path[step]);
      if (found == nullptr) break;
      object = &found->value;
    }
    std::string edited;
    if (found != nullptr) {
      edited = replaced(*found, value);
      found->value = value;
    } else {
      // What is missing on the way becomes one nested object.
      Json5Value nested = value;
      for (std::size_t i = path.size() - 1; i > step; --i)
        nested = Json5Value{Json5Value::Object{{path[i], std::move(nested)}}};
      edited = inserted(*object, path[step], nested);
      object->object()->push_back({path[step], std::move(nested)});
    }
    return checked(std::move(edited));
  }

  Result<std::string> remove(std::span<const std::string> path) {
    auto* object = &document_;
    for (std::size_t step = 0; step < path.size(); ++step) {
      auto* found = object->member(path[step]);
      if (found == nullptr) break;
      if (step + 1 < path.size()) {
        object = &found->value;
        continue;
      }
      auto& members = *object->object();
      const auto index = static_cast<std::size_t>(found - members.data());
      auto edited = removed(members, index);
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(index));
      return checked(std::move(edited));
    }
    return fail(Errc::not_found, "editing JSON5", {}, "there is no such member");
  }

 private:
  /// Reads the result again: an edit that says anything else than it should must not be written.
  Result<std::string> checked(std::string edited) const {
    Json5Rules rules;
    rules.max_bytes = edited.size();
    auto read = parse_json5(edited, rules);
    if (!read) return fail(std::move(read).error());
    if (!(*read == document_))
      return fail(Errc::invalid_argument, "editing JSON5", {}, "the value cannot be written");
    return edited;
  }

  std::string replaced(const Json5Member& member, const Json5Value& value) const {
    auto style = style_near(*ancestors_.back(), &member);
    const auto& old = member.value.range;
    // A value that stood on one line stays there, unless it was no list before.
    const bool was_list = member.value.array() != nullptr || member.value.object() != nullptr;
    if (was_list && !holds_line_end(old.begin, old.end)) style.multi_line = false;
    return std::string{text_.substr(0, old.begin)} +
           json5_written(value, style, indent_of(member.key_range.begin)) +
           std::string{text_.substr(old.end)};
  }

  std::string inserted(const Json5Value& object, std::string_view key,
                       const Json5Value& value) const {
    const auto style = style_near(object, nullptr);
    const auto member = json5_key(key, style) + style.colon +
                        json5_written(value, style, style.multi_line ? style.indent : "");
    const auto& members = *object.object();
    std::string out{text_};
    if (members.empty()) {
      // Behind the comments that stand in the empty object, before the blanks of its last line.
      const auto close = object.range.end - 1;
      const auto at = last_ink(object.range.begin, close);
      if (!style.multi_line) return out.insert(at, member);
      auto line = style.line_end + style.indent + member + (style.trailing_comma ? "," : "");
      if (!holds_line_end(at, close)) line += style.line_end + indent_of(object.range.begin);
      return out.insert(at, line);
    }
    const auto end = members.back().value.range.end;
    const auto comma = comma_behind(end);
    const auto behind = comma ? *comma + 1 : end;
    const auto at = style.multi_line ? end_of_line_comments(behind, object.range.end - 1) : behind;
    const auto blank = style.multi_line ? style.line_end + style.indent : std::string{" "};
    out.insert(at, blank + member + (comma ? "," : ""));
    if (!comma) out.insert(end, ",");
    return out;
  }

  std::string removed(const Json5Value::Object& members, std::size_t index) const {
    auto begin = members[index].key_range.begin;
    auto end = members[index].value.range.end;
    std::string out{text_};
    const auto comma = comma_behind(end);
    // Only blanks may be between the value and its comma to go with them; a comment stays.
    if (comma && last_ink(end, *comma) == end) {
      end = *comma + 1;
    } else if (comma) {
      out.erase(*comma, 1);
    }
    const auto line_begin = begin_of_line(begin);
    const bool first_on_line = blanks_only(line_begin, begin);
    const auto next_line = behind_line(end);
    if (first_on_line && next_line && line_begin > 0) {
      begin = line_begin;
      end = *next_line;
    } else if (comma && first_on_line) {
      end = behind_blanks(end);
    } else {
      while (begin > 0 && (text_[begin - 1] == ' ' || text_[begin - 1] == '\t')) --begin;
      if (!comma && index == 0) begin = members[index].key_range.begin;
    }
    out.erase(begin, end - begin);
    // The last member took no comma with it: the one before it would be left over.
    if (!comma && index > 0) out.erase(*comma_behind(members[index - 1].value.range.end), 1);
    return out;
  }

  /// How a member of this object is to be written: like its neighbours, else like the document.
  Json5Style style_near(const Json5Value& object, const Json5Member* replacing) const {
    Json5Style style;
    if (text_.find("\r\n") != std::string_view::npos) style.line_end = "\r\n";
    const auto& members = *object.object();
    const auto* neighbour = replacing != nullptr ? replacing
                            : members.empty()    ? nearest_member()
                                                 : &members.back();
    if (neighbour != nullptr) follow(style, *neighbour);
    if (!members.empty()) {
      style.trailing_comma = comma_behind(members.back().value.range.end).has_value();
      style.multi_line =
          holds_line_end(object.range.begin, members.front().key_range.begin) ||
          holds_line_end(members.front().key_range.begin, members.back().key_range.begin);
      style.indent = indent_of(members.back().key_range.begin);
    } else {
      const auto* outer = ancestors_.size() > 1 ? ancestors_[ancestors_.size() - 2] : nullptr;
      style.trailing_comma =
          outer != nullptr && comma_behind(outer->object()->back().value.range.end).has_value();
      style.multi_line = outer == nullptr || text_.find('\n') != std::string_view::npos;
    }
    // One step is what the outermost members are indented by.
    if (const auto* top = document_.object(); top != nullptr && !top->empty()) {
      const auto first = indent_of(top->front().key_range.begin);
      if (first_on_line(top->front().key_range.begin) && !first.empty()) style.step = first;
    }
    if (members.empty()) style.indent = indent_of(object.range.begin) + style.step;
    return style;
  }

  void follow(Json5Style& style, const Json5Member& neighbour) const {
    const auto& key = neighbour.key_range;
    const char first = text_[key.begin];
    style.quoted_keys = first == '"' || first == '\'';
    if (style.quoted_keys) {
      style.quote = first;
    } else if (const auto* text = neighbour.value.string();
               text != nullptr && neighbour.value.range.begin < text_.size()) {
      style.quote = text_[neighbour.value.range.begin];
    }
    const auto between = text_.substr(key.end, neighbour.value.range.begin - key.end);
    if (between.find_first_not_of(": \t") == std::string_view::npos) style.colon = between;
  }

  /// A member to imitate for an object that has none: of the closest object around it.
  const Json5Member* nearest_member() const {
    for (auto object = ancestors_.rbegin(); object != ancestors_.rend(); ++object)
      if (!(*object)->object()->empty()) return &(*object)->object()->front();
    return nullptr;
  }

  /// The comma that follows a value; none when a closing bracket does.
  std::optional<std::size_t> comma_behind(std::size_t end) const {
    const auto at = json5_skip_blanks(text_, end);
    if (at < text_.size() && text_[at] == ',') return at;
    return std::nullopt;
  }

  /// The offset behind the last byte of [begin + 1, end) that is no blank, or `begin + 1` (for an
  /// opening bracket at `begin`) or `begin` (for the end of a value there).
  std::size_t last_ink(std::size_t begin, std::size_t end) const {
    const auto low = begin < text_.size() && (text_[begin] == '{') ? begin + 1 : begin;
    while (end > low && is_plain_blank(text_[end - 1])) --end;
    return end;
  }

  /// The offset behind comments that share the line with `at`, not going beyond `limit`.
  std::size_t end_of_line_comments(std::size_t at, std::size_t limit) const {
    const auto line_end = std::min(text_.find_first_of("\r\n", at), limit);
    const auto rest = text_.substr(at, line_end - at);
    // A block comment that goes on in the next line, or more code, stays behind the new member.
    return json5_skip_blanks(rest, 0) == rest.size() ? last_ink(at, line_end) : at;
  }

  static bool is_plain_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  }
  bool holds_line_end(std::size_t begin, std::size_t end) const {
    return text_.substr(begin, end - begin).find_first_of("\r\n") != std::string_view::npos;
  }
  bool blanks_only(std::size_t begin, std::size_t end) const {
    return text_.substr(begin, end - begin).find_first_not_of(" \t") == std::string_view::npos;
  }
  std::size_t begin_of_line(std::size_t at) const {
    const auto end = at == 0 ? std::string_view::npos : text_.find_last_of("\r\n", at - 1);
    return end == std::string_view::npos ? 0 : end + 1;
  }
  bool first_on_line(std::size_t at) const { return blanks_only(begin_of_line(at), at); }
  std::size_t behind_blanks(std::size_t at) const {
    return std::min(text_.find_first_not_of(" \t", at), text_.size());
  }
  /// The beginning of the next line when nothing but blanks is left of this one.
  std::optional<std::size_t> behind_line(std::size_t at) const {
    at = behind_blanks(at);
    if (text_.substr(at).starts_with("\r\n")) return at + 2;
    if (at < text_.size() && (text_[at] == '\n' || text_[at] == '\r')) return at + 1;
    return std::nullopt;
  }
  /// The blanks at the beginning of the line that holds `at`.
  std::string indent_of(std::size_t at) const {
    const auto begin = begin_of_line(at);
    return std::string{text_.substr(begin, behind_blanks(begin) - begin)};
  }

  std::string_view text_;
  Json5Value document_;
  std::vector<const Json5Value*> ancestors_;  ///< the objects from the top to the one that changes
};

}  // namespace detail

CREDPOOL_INLINE Result<std::string> edit_json5(std::string_view text,
                                               std::span<const std::string> path,
                                               const Json5Value& value) {
  auto document = parse_json5(text);
  if (!document) return fail(std::move(document).error());
  return detail::Json5Editor{text, *std::move(document)}.set(path, value);
}

CREDPOOL_INLINE Result<std::string> remove_json5(std::string_view text,
                                                 std::span<const std::string> path) {
  auto document = parse_json5(text);
  if (!document) return fail(std::move(document).error());
  return detail::Json5Editor{text, *std::move(document)}.remove(path);
}

CREDPOOL_INLINE std::string write_json5(const Json5Value& value) {
  return detail::json5_written(value, {}, {});
}

}  // namespace credpool::inline CREDPOOL_ABI
