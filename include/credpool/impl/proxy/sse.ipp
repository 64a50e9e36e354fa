#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/sse.hpp>

#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/core/byte_scan.hpp>

#include <algorithm>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE bool SseReader::next(std::string_view& piece, SseLongData* long_data) {
  if (told_) forget_event();
  long_data_ = long_data;
  if (bom_ >= 0) skip_byte_order_mark(piece);
  while (!piece.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (piece.front() == '\n') {
        piece.remove_prefix(1);
        continue;
      }
    }
    const char* const last = piece.data() + piece.size();
    const char* const end = detail::scan_for<detail::ScanEither<'\n', '\r'>>(piece.data(), last);
    const auto text = piece.substr(0, static_cast<std::size_t>(end - piece.data()));
    if (end == last) {
      keep_line(text);
      piece = {};
      break;
    }
    after_cr_ = *end == '\r';
    piece.remove_prefix(text.size() + 1);
    if (in_line_) {
      keep_line(text);
      in_line_ = false;
      if (!comment_ && !too_long_ && std::exchange(line_in_parts_, Line::begun) == Line::begun)
        read_line(line_);
      own_data();  // it may stand in line_
      line_.clear();
    } else if (read_line(text)) {
      return true;
    }
  }
  own_data();  // it may stand in the piece
  return false;
}

/// Keeps a copy of the data instead of a view.
CREDPOOL_INLINE void SseReader::own_data() {
  if (!has_data_ || copied_ || in_parts_) return;
  if (long_data_ && data_.size() > max_) return begin_parts();
  data_kept_ = data_;
  data_ = data_kept_;
  copied_ = true;
}

CREDPOOL_INLINE void SseReader::skip_byte_order_mark(std::string_view& piece) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  while (!piece.empty()) {
    const auto read = static_cast<std::size_t>(bom_);
    if (piece.front() != mark[read]) {
      bom_ = -1;
      if (read > 0) keep_line(mark.substr(0, read));
      return;
    }
    piece.remove_prefix(1);
    if (++bom_ == 3) {
      bom_ = -1;
      return;
    }
  }
}

/// Adds to the line whose end has not come yet.
CREDPOOL_INLINE void SseReader::keep_line(std::string_view text) {
  if (text.empty()) return;
  if (!in_line_) comment_ = text.front() == ':';
  in_line_ = true;
  if (comment_) return;
  in_event_ = true;
  const auto kept = long_data_ ? data_kept_.size() : event_bytes_;
  const bool fits = kept + line_.size() + text.size() <= max_;
  if (!fits && !long_data_) too_long_ = true;
  if (too_long_) return line_.clear();
  if (!fits && !in_parts_) begin_parts();
  if (!in_parts_) {
    line_ += text;
  } else if (line_in_parts_ == Line::data) {
    give_value(text);
  } else if (line_in_parts_ == Line::begun) {
    // What a line is shows in its first bytes; an event's name is short.
    constexpr std::size_t enough = 64;
    const auto more = std::min(text.size(), enough - std::min(line_.size(), enough));
    line_ += text.substr(0, more);
    if (line_.size() < enough) return;
    give_line();
    if (line_in_parts_ == Line::data) give_value(text.substr(more));
  }
}

/// From here on nothing of this event is kept: what was kept of it is given away.
CREDPOOL_INLINE void SseReader::begin_parts() {
  in_parts_ = true;
  if (has_data_) give_value(data_);
  detail::give_back(data_kept_);
  data_ = {};
  copied_ = false;
}

/// Of a line that is too long: its beginning, or nothing if it is not data.
CREDPOOL_INLINE void SseReader::give_line() {
  constexpr std::string_view name = "data:";
  line_in_parts_ = Line::other;
  if (const std::string_view line{line_}; line.starts_with(name)) {
    line_in_parts_ = Line::data;
    if (has_data_) give_value("\n");
    has_data_ = true;
    give_value(
        line.substr(line.substr(name.size()).starts_with(' ') ? name.size() + 1 : name.size()));
  }
  detail::give_back(line_);
}

CREDPOOL_INLINE void SseReader::give_value(std::string_view value) {
  if (!value.empty()) long_data_->add(event_, value);
}

/// @return whether an event has ended with it
CREDPOOL_INLINE bool SseReader::read_line(std::string_view line) {
  if (line.empty()) {
    if (too_long_) ++passed_over_;
    told_ = has_data_ && !too_long_;
    if (told_ && in_parts_) data_ = {};
    if (!told_) forget_event();
    return told_;
  }
  if (line.front() == ':') return false;
  in_event_ = true;
  event_bytes_ += line.size();
  if (event_bytes_ > max_ && !long_data_) too_long_ = true;
  if (too_long_) return false;
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data")
    add_data(value);
  else if (name == "event")
    event_ = value;
  return false;
}

CREDPOOL_INLINE void SseReader::add_data(std::string_view line) {
  if (in_parts_) {
    if (has_data_) give_value("\n");
    has_data_ = true;
    return give_value(line);
  }
  if (!has_data_) {
    has_data_ = true;
    data_ = line;
    return;
  }
  own_data();
  if (!in_parts_ && long_data_ && data_kept_.size() + line.size() >= max_) begin_parts();
  if (in_parts_) return add_data(line);
  data_kept_ += '\n';
  data_kept_ += line;
  data_ = data_kept_;
}

CREDPOOL_INLINE void SseReader::forget_event() {
  constexpr std::size_t kept_capacity = 16 << 10;
  if (data_kept_.capacity() > kept_capacity) detail::give_back(data_kept_);
  if (line_.capacity() > kept_capacity) detail::give_back(line_);
  data_kept_.clear();
  event_.clear();
  data_ = {};
  event_bytes_ = 0;
  in_event_ = has_data_ = copied_ = too_long_ = in_parts_ = told_ = false;
}

}  // namespace credpool::inline CREDPOOL_ABI
