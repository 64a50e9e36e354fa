#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/json5.hpp>
#include <credpool/core/encoding.hpp>
#include <credpool/impl/config/json5_scanner.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <set>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// A recursive-descent reader; one object reads one text. Every function returns false after it has
/// noted a failure, which ends the reading.
class Json5Reader {
 public:
  Json5Reader(std::string_view text, const Json5Rules& rules) : text_{text}, rules_{rules} {}

  Result<Json5Value> read() {
    if (text_.size() > rules_.max_bytes)
      return fail(Errc::too_large, doing, "1:1",
                  "over " + std::to_string(rules_.max_bytes) + " bytes");
    Json5Value value;
    if (check_encoding() && skip_blanks() && read_value(value, 0) && skip_blanks() && at_end())
      return value;
    return fail(code_, doing, position_of(text_, failed_at_).text(), hint_);
  }

 private:
  static constexpr const char* doing = "parsing JSON5";

  bool failed(std::size_t at, std::string hint, Errc code = Errc::malformed) {
    failed_at_ = at;
    hint_ = std::move(hint);
    code_ = code;
    return false;
  }
  bool expected(const char* what) { return failed(at_, std::string{"expected "} + what); }

  Json5Char peek() const noexcept { return json5_char_at(text_, at_); }
  bool take(char wanted) noexcept {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) noexcept {
    if (!text_.substr(at_).starts_with(word)) return false;
    const auto next = json5_char_at(text_, at_ + word.size());
    if (next.point == '\\' || (next.size != 0 && json5_identifier_part(next.point))) return false;
    at_ += word.size();
    return true;
  }

  bool check_encoding() {
    if (is_valid_utf8(text_)) return true;
    // Names the first line that is not valid, for a person; a line never splits a character.
    std::size_t begin = 0;
    while (true) {
      const auto end = text_.find('\n', begin);
      if (!is_valid_utf8(text_.substr(begin, end - begin))) break;
      if (end == std::string_view::npos) break;
      begin = end + 1;
    }
    return failed(begin, "expected UTF-8 text without NUL bytes in this line");
  }

  bool skip_blanks() {
    const auto next = json5_skip_blanks(text_, at_);
    if (next == std::string_view::npos) {
      return failed(text_.size(), "expected the end of a block comment");
    }
    at_ = next;
    return true;
  }

  bool at_end() { return at_ == text_.size() || expected("nothing after the document's value"); }

  bool read_value(Json5Value& value, int depth) {
    const auto begin = at_;
    const auto c = peek();
    bool ok = true;
    if (c.size == 0) {
      return expected("a value");
    } else if (c.point == '{') {
      ok = read_object(value, depth + 1);
    } else if (c.point == '[') {
      ok = read_array(value, depth + 1);
    } else if (c.point == '"' || c.point == '\'') {
      std::string text;
      ok = read_string(text);
      value = Json5Value{std::move(text)};
    } else if (take_word("null")) {
      value = Json5Value{};
    } else if (take_word("true")) {
      value = Json5Value{true};
    } else if (take_word("false")) {
      value = Json5Value{false};
    } else {
      ok = read_number(value);
    }
    value.range = {begin, at_, rules_.source};
    return ok;
  }

  bool check_depth(int depth) {
    if (depth <= rules_.max_depth) return true;
    return failed(at_, "at most " + std::to_string(rules_.max_depth) + " levels of nesting",
                  Errc::too_deep);
  }

  bool read_object(Json5Value& value, int depth) {
    if (!check_depth(depth)) return false;
    ++at_;
    Json5Value::Object members;
    std::set<std::string> keys;
    while (true) {
      if (!skip_blanks()) return false;
      if (take('}')) break;
      Json5Member member;
      const auto begin = at_;
      if (!read_key(member.key)) return false;
      member.key_range = {begin, at_, rules_.source};
      if (!skip_blanks()) return false;
      if (!take(':')) return expected("\":\" after the key");
      if (!skip_blanks() || !read_value(member.value, depth)) return false;
      if (keys.insert(member.key).second) {
        members.push_back(std::move(member));
      } else if (rules_.allow_duplicate_keys) {
        *std::find_if(members.begin(), members.end(), [&](const Json5Member& known) {
          return known.key == member.key;
        }) = std::move(member);
      } else {
        return failed(begin,
                      "the key \"" + json5_shown(member.key) + "\" is there twice: remove one",
                      Errc::duplicate_key);
      }
      if (!skip_blanks()) return false;
      if (take(',')) continue;
      if (take('}')) break;
      return expected("\",\" or \"}\" after a member");
    }
    value = Json5Value{std::move(members)};
    return true;
  }

  bool read_array(Json5Value& value, int depth) {
    if (!check_depth(depth)) return false;
    ++at_;
    Json5Value::Array elements;
    while (true) {
      if (!skip_blanks()) return false;
      if (take(']')) break;
      if (!read_value(elements.emplace_back(), depth) || !skip_blanks()) return false;
      if (take(',')) continue;
      if (take(']')) break;
      return expected("\",\" or \"]\" after an element");
    }
    value = Json5Value{std::move(elements)};
    return true;
  }

  bool read_key(std::string& key) {
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) return read_string(key);
    while (true) {
      auto c = peek();
      const auto begin = at_;
      if (c.point == '\\') {
        ++at_;
        if (!take('u'))
          return expected("\"u\": only \\u escapes may stand in a key without quotes");
        std::uint32_t unit = 0;
        if (!read_hex(4, unit)) return false;
        c = {unit, 6};
      } else {
        at_ += c.size;
      }
      const bool fits = c.size != 0 && (key.empty() ? json5_identifier_start(c.point)
                                                    : json5_identifier_part(c.point));
      if (fits) {
        json5_append(key, c.point);
        continue;
      }
      const bool escaped = c.size == 6;
      at_ = begin;
      if (key.empty()) return expected("a key (in quotes unless it is an identifier) or \"}\"");
      return !escaped || expected("an escape for a character that may stand in an identifier");
    }
  }

  /// Reads exactly `digits` hexadecimal digits.
  bool read_hex(int digits, std::uint32_t& value) {
    value = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = at_ < text_.size() ? json5_hex_value(text_[at_]) : -1;
      if (digit < 0) return expected("a hexadecimal digit");
      value = value * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return true;
  }

  bool read_string(std::string& text) {
    const char quote = text_[at_++];
    while (true) {
      const auto c = peek();
      if (c.size == 0) return expected("the closing quote of a string");
      if (c.point == '\n' || c.point == '\r')
        return expected("the closing quote (or a backslash) before the end of the line");
      at_ += c.size;
      if (c.point == static_cast<char32_t>(quote)) return true;
      if (c.point != '\\') {
        text.append(text_, at_ - c.size, c.size);
      } else if (!read_escape(text)) {
        return false;
      }
    }
  }

  bool read_escape(std::string& text) {
    const auto c = peek();
    if (c.size == 0) return expected("a character after the backslash");
    const auto next_is_digit = [&] {
      return at_ + 1 < text_.size() && text_[at_ + 1] >= '0' && text_[at_ + 1] <= '9';
    };
    if ((c.point >= '1' && c.point <= '9') || (c.point == '0' && next_is_digit()))
      return expected("no octal escape: write \\x and two hexadecimal digits");
    at_ += c.size;
    switch (c.point) {
      case 'b':
        text.push_back('\b');
        return true;
      case 'f':
        text.push_back('\f');
        return true;
      case 'n':
        text.push_back('\n');
        return true;
      case 'r':
        text.push_back('\r');
        return true;
      case 't':
        text.push_back('\t');
        return true;
      case 'v':
        text.push_back('\v');
        return true;
      case '0':
        text.push_back('\0');
        return true;
      case '\r':
        take('\n');
        return true;  // a continued line
      case '\n':
      case 0x2028:
      case 0x2029:
        return true;
      case 'u':
        return read_unicode_escape(text);
      case 'x': {
        std::uint32_t value = 0;
        if (!read_hex(2, value)) return false;
        json5_append(text, value);
        return true;
      }
      default:
        text.append(text_, at_ - c.size, c.size);
        return true;
    }
  }

  bool read_unicode_escape(std::string& text) {
    const auto begin = at_ - 2;
    std::uint32_t unit = 0;
    if (!read_hex(4, unit)) return false;
    if (unit >= 0xd800 && unit < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      std::uint32_t low = 0;
      if (!read_hex(4, low)) return false;
      if (low < 0xdc00 || low > 0xdfff)
        return failed(begin, "expected a pair of surrogates, not a lone one");
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else if (unit >= 0xd800 && unit <= 0xdfff) {
      return failed(begin, "expected a pair of surrogates, not a lone one");
    }
    json5_append(text, unit);
    return true;
  }

  bool read_number(Json5Value& value) {
    const bool negative = text_[at_] == '-';
    const bool is_signed = negative || text_[at_] == '+';
    if (is_signed) ++at_;
    double number = 0;
    if (take_word("Infinity")) {
      number = std::numeric_limits<double>::infinity();
    } else if (take_word("NaN")) {
      number = std::numeric_limits<double>::quiet_NaN();
    } else {
      const auto rest = text_.substr(at_);
      const bool hex = rest.starts_with("0x") || rest.starts_with("0X");
      const bool starts = hex || rest.starts_with('.') ||
                          (!rest.empty() && rest.front() >= '0' && rest.front() <= '9');
      if (!starts) return expected(is_signed ? "a number after the sign" : "a value");
      if (!(hex ? read_hexadecimal(number) : read_decimal(number))) return false;
      const auto next = peek();
      if (next.point == '\\' || (next.size != 0 && json5_identifier_part(next.point)))
        return expected("the end of the number");
    }
    value = Json5Value{negative ? -number : number};
    return true;
  }

  bool read_hexadecimal(double& number) {
    at_ += 2;
    const auto begin = at_;
    while (at_ < text_.size() && json5_hex_value(text_[at_]) >= 0) ++at_;
    if (at_ == begin) return expected("a hexadecimal digit");
    const auto [end, error] =
        std::from_chars(text_.data() + begin, text_.data() + at_, number, std::chars_format::hex);
    (void)end;
    if (error == std::errc::result_out_of_range) number = std::numeric_limits<double>::infinity();
    return true;
  }

  std::size_t skip_digits() noexcept {
    const auto begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - begin;
  }

  bool read_decimal(double& number) {
    const auto begin = at_;
    auto digits = skip_digits();
    if (digits > 1 && text_[begin] == '0') {
      at_ = begin;
      return expected("no leading zero: octal numbers are no JSON5");
    }
    if (take('.')) digits += skip_digits();
    if (digits == 0) return expected("a digit before or after the decimal point");
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (!take('+')) take('-');
      if (skip_digits() == 0) return expected("a digit in the exponent");
    }
    const auto literal = text_.substr(begin, at_ - begin);
    const auto [end, error] =
        std::from_chars(literal.data(), literal.data() + literal.size(), number);
    (void)end;
    if (error == std::errc::result_out_of_range)
      number = is_huge(literal) ? std::numeric_limits<double>::infinity() : 0.0;
    return true;
  }

  /// Whether a literal beyond the range of a double is too large (and not too small).
  static bool is_huge(std::string_view literal) noexcept {
    const auto mark = literal.find_first_of("eE");
    const auto mantissa = literal.substr(0, mark);
    const auto point = std::min(mantissa.find('.'), mantissa.size());
    const auto first = mantissa.find_first_not_of("0.");
    auto magnitude = static_cast<double>(point) - static_cast<double>(first);
    if (mark != std::string_view::npos) {
      auto exponent = literal.substr(mark + 1);
      const bool negative = exponent.front() == '-';
      if (negative || exponent.front() == '+') exponent.remove_prefix(1);
      double power = 0;
      for (const char digit : exponent) power = power * 10 + (digit - '0');
      magnitude += negative ? -power : power;
    }
    return magnitude > 0;
  }

  std::string_view text_;
  const Json5Rules& rules_;
  std::size_t at_ = 0;
  std::size_t failed_at_ = 0;
  std::string hint_;
  Errc code_ = Errc::malformed;
};

}  // namespace detail

CREDPOOL_INLINE std::string TextPosition::text() const {
  return std::to_string(line) + ":" + std::to_string(column);
}

CREDPOOL_INLINE TextPosition position_of(std::string_view text, std::size_t offset) noexcept {
  TextPosition position;
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    const bool continuation = (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
    const bool before_lf = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] == '\n' || (text[i] == '\r' && !before_lf)) {
      ++position.line;
      position.column = 1;
    } else if (!continuation) {
      ++position.column;
    }
  }
  return position;
}

CREDPOOL_INLINE Result<Json5Value> parse_json5(std::string_view text, Json5Rules rules) {
  return detail::Json5Reader{text, rules}.read();
}

CREDPOOL_INLINE bool is_json5_identifier(std::string_view text) noexcept {
  if (text.empty() || !is_valid_utf8(text)) return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = detail::json5_char_at(text, at);
    if (!(at == 0 ? detail::json5_identifier_start(c.point)
                  : detail::json5_identifier_part(c.point)))
      return false;
    at += c.size;
  }
  return true;
}

}  // namespace credpool::inline CREDPOOL_ABI
