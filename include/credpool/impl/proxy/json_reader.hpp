#pragma once
// SPDX-License-Identifier: MIT

// A strict JSON reader that builds nothing: it walks over values and tells where they stand.
// Internal: included by .ipp files only.

#include <credpool/core/error.hpp>
#include <credpool/impl/core/byte_scan.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Walks over a text. Every function that reads returns false when the text is refused; code(),
/// problem() and offset() then say why.
class JsonReader {
 public:
  static constexpr int max_depth = 64;

  explicit JsonReader(std::string_view text) noexcept
      : begin_{text.data()}, at_{text.data()}, end_{text.data() + text.size()} {}

  Errc code() const noexcept { return code_; }
  const char* problem() const noexcept { return problem_; }
  std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  /// What has been read since `from`.
  std::string_view since(std::size_t from) const noexcept {
    return {begin_ + from, offset() - from};
  }
  bool at_end() const noexcept { return at_ == end_; }
  /// The byte to be read next; NUL at the end.
  char front() const noexcept { return at_ == end_ ? '\0' : *at_; }

  bool refuse(const char* problem, Errc code = Errc::malformed) noexcept {
    problem_ = problem;
    code_ = code;
    return false;
  }

  void skip_blanks() noexcept {
    // Compact JSON has none.
    if (at_ != end_ && *at_ > ' ') return;
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  /// Reads an object, whose "{" comes next.
  /// @param depth     of the object, 1 for the outermost
  /// @param on_member bool(std::string_view key): called with the key between its quotes, as it
  ///                  stands, when the value comes next; it must read the value
  template <class OnMember> bool object(int depth, OnMember&& on_member) {
    if (depth > max_depth) return refuse("nested too deep", Errc::too_deep);
    ++at_;
    skip_blanks();
    if (front() == '}') return ++at_, true;
    return members(std::forward<OnMember>(on_member));
  }

  /// Reads the rest of an object, of which a member comes next, and its end.
  /// @param on_member as object() has it
  template <class OnMember> bool members(OnMember&& on_member) {
    for (;;) {
      std::string_view key;
      if (!this->key(key) || !on_member(key)) return false;
      skip_blanks();
      if (front() == '}') return ++at_, true;
      if (!take(',', "a comma or a closing brace is missing")) return false;
      skip_blanks();
    }
  }

  /// Reads an array, whose "[" comes next.
  /// @param on_element bool(): must read the element, which comes next
  template <class OnElement> bool array(int depth, OnElement&& on_element) {
    if (depth > max_depth) return refuse("nested too deep", Errc::too_deep);
    ++at_;
    skip_blanks();
    if (front() == ']') return ++at_, true;
    for (;;) {
      if (!on_element()) return false;
      skip_blanks();
      if (front() == ']') return ++at_, true;
      if (!take(',', "a comma or a closing bracket is missing")) return false;
      skip_blanks();
    }
  }

  /// Reads any value.
  /// @param depth of what holds it
  bool value(int depth) noexcept {
    std::uint64_t objects = 0;  // one bit for each open bracket: 1 for a brace, the last one lowest
    int open = 0;
    for (;;) {
      switch (front()) {
        case '{':
        case '[': {
          if (depth + ++open > max_depth) return refuse("nested too deep", Errc::too_deep);
          const bool object = *at_++ == '{';
          objects = (objects << 1) | (object ? 1U : 0U);
          skip_blanks();
          if (front() == (object ? '}' : ']')) break;
          std::string_view key;
          if (object && !this->key(key)) return false;
          continue;
        }
        case '"': {
          std::string_view text;
          if (!string(text)) return false;
          break;
        }
        default:
          if (!scalar()) return false;
      }
      // A value has ended, or an empty container is about to.
      for (;;) {
        if (open == 0) return true;
        skip_blanks();
        const bool object = (objects & 1U) != 0;
        if (front() == (object ? '}' : ']')) {
          ++at_;
          --open;
          objects >>= 1;
          continue;
        }
        if (!take(',', "a comma or a closing bracket is missing")) return false;
        skip_blanks();
        std::string_view key;
        if (object && !this->key(key)) return false;
        break;
      }
    }
  }

 private:
  bool take(char wanted, const char* problem) noexcept {
    if (front() != wanted || at_ == end_) return refuse(problem);
    ++at_;
    return true;
  }

  /// A key, the colon and the blanks after it.
  bool key(std::string_view& text) noexcept {
    if (front() != '"') return refuse("a key is missing");
    if (!string(text)) return false;
    skip_blanks();
    if (!take(':', "a colon is missing")) return false;
    skip_blanks();
    return true;
  }

  bool string(std::string_view& text) noexcept {
    const char* const from = ++at_;
    for (;;) {
      at_ = scan_for<ScanJsonString>(at_, end_);
      if (at_ == end_) return refuse("a string is not closed");
      if (*at_ == '"') {
        text = {from, static_cast<std::size_t>(at_ - from)};
        ++at_;
        return true;
      }
      if (*at_ == '\\') {
        if (!escape()) return refuse("an escape in a string is not valid");
      } else if (static_cast<unsigned char>(*at_) < 0x20) {
        return refuse("a control character stands in a string");
      } else if (!characters()) {
        return refuse("a string is not valid UTF-8");
      }
    }
  }

  /// Four hexadecimal digits; -1 when they are not there.
  int hex4() noexcept {
    if (end_ - at_ < 4) return -1;
    unsigned unit = 0;
    const auto [last, error] = std::from_chars(at_, at_ + 4, unit, 16);
    if (error != std::errc{} || last != at_ + 4) return -1;
    at_ += 4;
    return static_cast<int>(unit);
  }

  bool escape() noexcept {
    if (end_ - at_ < 2) return false;
    switch (at_[1]) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't':
        at_ += 2;
        return true;
      case 'u':
        break;
      default:
        return false;
    }
    at_ += 2;
    const int unit = hex4();
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return false;
    if (unit < 0xd800 || unit > 0xdbff) return true;
    if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
    at_ += 2;
    const int low = hex4();
    return low >= 0xdc00 && low <= 0xdfff;
  }

  /// Characters that are not ASCII, as many as there are (RFC 3629, section 4).
  bool characters() noexcept {
    const auto byte = [this](int i) { return static_cast<unsigned char>(at_[i]); };
    const auto follows = [&](int i) { return (byte(i) & 0xc0) == 0x80; };
    while (at_ != end_ && byte(0) >= 0x80) {
      const auto left = end_ - at_;
      const auto lead = byte(0);
      if (lead >= 0xe0 && lead <= 0xef) {
        if (left < 3 || !follows(1) || !follows(2) || (lead == 0xe0 && byte(1) < 0xa0) ||
            (lead == 0xed && byte(1) > 0x9f))
          return false;
        at_ += 3;
      } else if (lead >= 0xc2 && lead <= 0xdf) {
        if (left < 2 || !follows(1)) return false;
        at_ += 2;
      } else if (lead >= 0xf0 && lead <= 0xf4) {
        if (left < 4 || !follows(1) || !follows(2) || !follows(3) ||
            (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f))
          return false;
        at_ += 4;
      } else {
        return false;
      }
    }
    return true;
  }

  bool digits() noexcept {
    const char* const from = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != from;
  }

  /// A number or a literal.
  bool scalar() noexcept {
    if (front() >= 'f') {  // the first letters of all three
      const std::string_view left{at_, static_cast<std::size_t>(end_ - at_)};
      for (const std::string_view literal : {"true", "false", "null"})
        if (left.starts_with(literal)) return at_ += literal.size(), true;
    }
    const char* const from = at_;
    if (front() == '-') ++at_;
    if (front() == '0') {
      ++at_;
    } else if (!digits()) {
      return refuse(at_ == end_ ? "it ends too early" : "what stands here is no value");
    }
    if (front() == '.' && (++at_, !digits())) return refuse("a number has no digits after its dot");
    const bool exponent = front() == 'e' || front() == 'E';
    if (exponent) {
      ++at_;
      if (front() == '+' || front() == '-') ++at_;
      if (!digits()) return refuse("a number has no digits in its exponent");
    }
    // Parsers differ in what they make of a number that no double holds.
    constexpr std::ptrdiff_t always_fits = 300;
    double number = 0;
    if ((exponent || at_ - from > always_fits) &&
        std::from_chars(from, at_, number).ec != std::errc{})
      return refuse("a number is out of range", Errc::invalid_argument);
    return true;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* problem_ = "";
  Errc code_ = Errc::malformed;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
