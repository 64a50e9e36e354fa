#pragma once
// SPDX-License-Identifier: MIT

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace openclaw_token {

/// One line of RFC 4180, cells quoted where they must be; it ends with LF, as text files here do.
std::string csv_line(const std::vector<std::string>& cells);

/// Reads RFC 4180 text with LF or CR LF; empty lines are passed over.
/// @return none when a quote is out of place or never closed
std::optional<std::vector<std::vector<std::string>>> read_csv(std::string_view text);

}  // namespace openclaw_token
