#pragma once
// SPDX-License-Identifier: MIT

// Which texts our own files keep. Internal.

#include <credpool/core/encoding.hpp>

#include <algorithm>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Text that can be shown to a person and kept in a file.
inline bool is_record_text(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && is_valid_utf8(text) &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
