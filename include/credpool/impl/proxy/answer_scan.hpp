#pragma once
// SPDX-License-Identifier: MIT

// Finds the few values that count in an answer's JSON, in pieces of any size and with bounded
// memory. Internal: included by .ipp files only.

#include <credpool/impl/core/byte_scan.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A quote, a brace or a bracket: the latter differ in one bit.
struct ScanBracket {
  static bool byte(char c) noexcept { return c == '"' || (c | 0x20) == '{' || (c | 0x20) == '}'; }
#if defined(__SSE2__)
  static __m128i block(__m128i bytes) noexcept {
    const auto folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                        _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')),
                                     _mm_cmpeq_epi8(folded, _mm_set1_epi8('}'))));
  }
#endif
};

/// Where in up to 64 bytes something stands that means something: a bit for each byte.
struct AnswerMarks {
  std::uint64_t in_string = 0;  ///< quotes and backslashes
  std::uint64_t outside = 0;    ///< quotes, brackets and commas

  static constexpr std::size_t most = 64;

  AnswerMarks(const char* from, std::size_t size) noexcept {
#if defined(__SSE2__)
    std::array<char, most> padded;
    if (size < most) {
      padded.fill(' ');
      std::memcpy(padded.data(), from, size);
      from = padded.data();
    }
    for (std::size_t at = 0; at < most; at += 16) {
      const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
      const auto bits = [at](__m128i found) {
        return std::uint64_t{static_cast<unsigned>(_mm_movemask_epi8(found))} << at;
      };
      in_string |= bits(ScanEither<'"', '\\'>::block(bytes));
      outside |=
          bits(_mm_or_si128(ScanBracket::block(bytes), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(','))));
    }
#else
    for (std::size_t at = 0; at < size; ++at) {
      const char c = from[at];
      const auto bit = std::uint64_t{1} << at;
      if (ScanEither<'"', '\\'>::byte(c)) in_string |= bit;
      if (ScanBracket::byte(c) || c == ',') outside |= bit;
    }
#endif
  }
};

/// Watches one JSON value. It trusts its brackets: it observes what others have to judge.
class AnswerScan {
 public:
  static constexpr std::size_t max_kept = 8 << 10;

  /// A value that was looked for, and where it may stand.
  enum class Wanted { none, usage, error, type, id };

  /// @param with_id whether id() is asked for
  explicit AnswerScan(bool with_id = true) noexcept : with_id_{with_id} {}

  /// @return how many bytes were read: fewer than all of them when the value is complete
  std::size_t feed(std::string_view piece) {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    from_ = at;
    while (at != end && !complete_) {
      if (std::exchange(escaped_, false)) {
        ++at;
        continue;
      }
      // Long texts, and long lists of numbers, which lie deeper than anything that is looked for.
      if (in_string_)
        at = scan_for<ScanEither<'"', '\\'>>(at, end);
      else if (depth_ > levels && capture_ == Wanted::none)
        at = scan_for<ScanBracket>(at, end);
      at = read_some(at, std::min(AnswerMarks::most, static_cast<std::size_t>(end - at)));
    }
    keep_until(at);
    return static_cast<std::size_t>(at - piece.data());
  }

  /// Whether the outermost value has been closed.
  bool complete() const noexcept { return complete_; }
  /// The last usage object that was found since the last call, as it stands; empty: none.
  std::string take_usage() noexcept { return std::exchange(usage_, {}); }
  /// The error (an object or a text), as it stands; empty: none, or null.
  const std::string& error() const noexcept { return error_; }
  /// Whether the error is being read.
  bool in_error() const noexcept { return capture_ == Wanted::error; }
  /// The outermost object's `type`, with its quotes; empty: none.
  const std::string& type() const noexcept { return type_; }
  /// The answer's `id`, with its quotes; empty: none.
  const std::string& id() const noexcept { return id_; }

 private:
  static constexpr std::size_t levels = 3;  // deep enough for choices[0].usage

  /// A member's name; other while a name may come.
  enum class Key { other, usage, error, type, id, response, message, choices };

  struct Level {
    bool object = false;
    bool key_next = false;
    Key key = Key::other;      // of the member that is being read
    std::size_t elements = 0;  // commas that were seen
  };

  static Key key_of(std::string_view name) noexcept {
    switch (name.size()) {
      case 2:
        return name == "id" ? Key::id : Key::other;
      case 4:
        return name == "type" ? Key::type : Key::other;
      case 5:
        return name == "usage" ? Key::usage : name == "error" ? Key::error : Key::other;
      case 7:
        return name == "choices" ? Key::choices : name == "message" ? Key::message : Key::other;
      case 8:
        return name == "response" ? Key::response : Key::other;
      default:
        return Key::other;
    }
  }

  bool key_comes() const noexcept {
    return depth_ > 0 && depth_ <= levels && levels_[depth_ - 1].object &&
           levels_[depth_ - 1].key_next;
  }

  /// What a value is that begins here.
  Wanted wanted() const noexcept {
    const auto key = [this](std::size_t level) { return levels_[level].key; };
    if (depth_ == 0 || depth_ > levels || !levels_[0].object) return Wanted::none;
    const bool may_be_usage = key(depth_ - 1) == Key::usage;
    if (depth_ == 1) {
      if (may_be_usage) return Wanted::usage;
      if (key(0) == Key::error) return Wanted::error;
      if (key(0) == Key::type) return Wanted::type;
      if (key(0) == Key::id && with_id_) return Wanted::id;
    } else if (depth_ == 2 && levels_[1].object) {
      const bool in_response = key(0) == Key::response;
      if (may_be_usage && (in_response || key(0) == Key::message)) return Wanted::usage;
      if (key(1) == Key::error && in_response) return Wanted::error;
      if (key(1) == Key::id && in_response && with_id_) return Wanted::id;
    } else if (depth_ == 3 && may_be_usage && !levels_[1].object && levels_[2].object &&
               key(0) == Key::choices && levels_[1].elements == 0) {
      return Wanted::usage;  // choices[0].usage
    }
    return Wanted::none;
  }

  /// Reads up to AnswerMarks::most bytes.
  /// @return behind what was read: less when the value is complete
  const char* read_some(const char* at, std::size_t size) {
    const AnswerMarks marks{at, size};
    auto left = ~std::uint64_t{0};
    for (;;) {
      const auto found = (in_string_ ? marks.in_string : marks.outside) & left;
      if (found == 0) return at + size;
      const auto where = static_cast<std::size_t>(std::countr_zero(found));
      left = ~std::uint64_t{1} << where;
      const char* const mark = at + where;
      if (!in_string_) {
        structure(mark);
        if (complete_) return mark + 1;
      } else if (*mark == '"') {
        string_ended(mark + 1);
      } else if (where + 1 < size) {
        left <<= 1;  // what is escaped means nothing
      } else {
        escaped_ = true;
        return at + size;
      }
    }
  }

  /// Keeps what has been read since the last time, if it is wanted.
  void keep_until(const char* at) {
    const std::string_view text{from_, static_cast<std::size_t>(at - from_)};
    from_ = at;
    if (capture_ != Wanted::none) {
      if (kept_.size() + text.size() > max_kept)
        overflow_ = true;
      else
        kept_ += text;
    } else if (in_key_ && kept_.size() < max_key + 2) {
      kept_ += text.substr(0, max_key + 2 - kept_.size());
    }
  }

  /// @param behind its quote
  void string_ended(const char* behind) {
    in_string_ = false;
    if (in_key_) {
      std::string_view name{from_, static_cast<std::size_t>(behind - from_)};
      if (!kept_.empty()) {  // it came in several pieces
        keep_until(behind);
        name = kept_;
      }
      in_key_ = false;
      name.remove_suffix(1);  // the quote
      levels_[depth_ - 1].key = key_of(name);
      levels_[depth_ - 1].key_next = false;
      kept_.clear();
    } else if (capture_ != Wanted::none && depth_ == capture_depth_) {
      value_ended(behind);
    }
  }

  void begin_capture(const char* at) {
    if (capture_ != Wanted::none) return;
    capture_ = wanted();
    capture_depth_ = depth_;
    overflow_ = false;
    kept_.clear();
    from_ = at;
  }

  void value_ended(const char* behind) {
    const std::string_view text{from_, static_cast<std::size_t>(behind - from_)};
    if (kept_.empty() && text.size() <= max_kept && !overflow_) {  // it came in one piece
      place_of(capture_) = text;
      from_ = behind;
    } else {
      keep_until(behind);
      if (!overflow_) place_of(capture_) = kept_;
      kept_.clear();
    }
    capture_ = Wanted::none;
  }

  std::string& place_of(Wanted what) noexcept {
    switch (what) {
      case Wanted::usage:
        return usage_;
      case Wanted::error:
        return error_;
      case Wanted::type:
        return type_;
      default:
        return id_;
    }
  }

  void structure(const char* at) {
    const char c = *at;
    switch (c) {
      case '"':
        in_string_ = true;
        if (key_comes() && capture_ == Wanted::none) {
          in_key_ = true;
          kept_.clear();
          from_ = at + 1;
          return;
        }
        return begin_capture(at);
      case '{':
      case '[':
        begin_capture(at);
        if (depth_ < levels) {
          auto& level = levels_[depth_];
          level.object = level.key_next = c == '{';
          level.elements = 0;
          level.key = Key::other;
        }
        ++depth_;
        return;
      case '}':
      case ']':
        if (depth_ == 0) return;
        --depth_;
        if (depth_ == 0) complete_ = true;
        if (capture_ != Wanted::none && depth_ == capture_depth_) value_ended(at + 1);
        return;
      case ',':
        if (depth_ > 0 && depth_ <= levels) {
          auto& level = levels_[depth_ - 1];
          ++level.elements;
          level.key_next = level.object;
          level.key = Key::other;
        }
        return;
      default:
        return;
    }
  }

  static constexpr std::size_t max_key = 16;

  std::array<Level, levels> levels_;
  std::size_t depth_ = 0;
  bool with_id_;
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_key_ = false;
  bool complete_ = false;
  bool overflow_ = false;
  Wanted capture_ = Wanted::none;
  std::size_t capture_depth_ = 0;
  const char* from_ = nullptr;  ///< what has not been kept yet begins here, in feed()
  std::string kept_;
  std::string usage_;
  std::string error_;
  std::string type_;
  std::string id_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
