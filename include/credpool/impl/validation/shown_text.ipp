#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/shown_text.hpp>

#include <credpool/core/encoding.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Removes a terminal escape sequence from the front of `text`, which starts with ESC.
inline void shown_skip_escape(std::string_view& text) {
  text.remove_prefix(1);
  if (text.empty()) return;
  const char kind = text.front();
  text.remove_prefix(1);
  if (kind == '[') {  // CSI: up to a letter or one of @[\]^_`{|}~
    while (!text.empty() && (text.front() < '@' || text.front() > '~')) text.remove_prefix(1);
    if (!text.empty()) text.remove_prefix(1);
  } else if (kind == ']') {  // OSC: up to BEL or ESC
    while (!text.empty() && text.front() != '\a' && text.front() != '\x1b') text.remove_prefix(1);
    if (!text.empty() && text.front() == '\a') text.remove_prefix(1);
  }
}

/// The length of the UTF-8 character at the front; 0 when it is not valid.
inline std::size_t shown_character(std::string_view text) {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size)
    if (is_valid_utf8(text.substr(0, size))) return size;
  return 0;
}

/// C1 controls, marks and overrides of direction, and the byte order mark.
inline bool shown_is_invisible(std::string_view character) {
  if (character.size() == 2)
    return character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
  if (character.size() != 3) return false;
  if (character == "\xef\xbb\xbf") return true;
  if (character.substr(0, 2) == "\xe2\x80") {
    const auto last = static_cast<unsigned char>(character[2]);
    return last >= 0x8b && last <= 0xae && !(last >= 0x90 && last <= 0xa7);
  }
  return character.substr(0, 2) == "\xe2\x81" && static_cast<unsigned char>(character[2]) >= 0xa0 &&
         static_cast<unsigned char>(character[2]) <= 0xaf;
}

inline std::string shown_plain(std::string_view text) {
  std::string plain;
  const auto blank = [&] {
    if (!plain.empty() && plain.back() != ' ') plain += ' ';
  };
  while (!text.empty()) {
    const char c = text.front();
    if (c == '\x1b') {
      shown_skip_escape(text);
      continue;
    }
    const auto size =
        static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? 0 : shown_character(text);
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      blank();
      text.remove_prefix(1);
    } else if (size == 0) {
      text.remove_prefix(1);
    } else {
      if (!shown_is_invisible(text.substr(0, size))) plain += text.substr(0, size);
      text.remove_prefix(size);
    }
  }
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

/// Replaces every run that also stands in `secret`; a secret shorter than a run is replaced whole.
inline std::string shown_masked(std::string_view text, std::string_view secret) {
  if (secret.empty()) return std::string{text};
  const std::size_t run = std::min<std::size_t>(8, secret.size());
  std::string masked;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    if (at + run <= text.size() && secret.find(text.substr(at, run)) != std::string_view::npos) {
      size = run;
      while (at + size < text.size() &&
             secret.find(text.substr(at, size + 1)) != std::string_view::npos)
        ++size;
    }
    if (size == 0) {
      masked += text[at++];
    } else {
      if (!masked.ends_with("***")) masked += "***";
      at += size;
    }
  }
  return masked;
}

}  // namespace detail

CREDPOOL_INLINE std::string shown_text(std::string_view text, const Credential& credential,
                                       std::size_t max_bytes) {
  constexpr std::size_t most_read = 8192;
  auto shown = detail::shown_plain(text.substr(0, most_read));
  shown = detail::shown_masked(shown, credential.secret.reveal());
  shown = detail::shown_masked(shown, credential.refresh_token.reveal());
  if (shown.size() <= max_bytes) return shown;
  auto end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80) --end;
  shown.resize(end);
  return shown;
}

}  // namespace credpool::inline CREDPOOL_ABI
