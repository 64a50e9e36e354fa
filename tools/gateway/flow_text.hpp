#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/secret.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

/// Makes lines of what a program writes, piece by piece. A carriage return ends a line, too: what
/// is drawn over is a line of its own. A line that is too long goes on in the next one.
class LineSplitter {
 public:
  std::vector<std::string> feed(std::string_view bytes);
  /// What stands after the last line's end: a prompt, or the half of a line.
  const std::string& rest() const noexcept { return rest_; }
  /// The same, and it is forgotten.
  std::string take_rest();

 private:
  std::string rest_;
};

/// A line of a foreign program as a remote person may see it: no escape sequences or control
/// characters, and "***" in place of what may be a token: known prefixes, long
/// words of letters and digits, values of telling parameters of an address, and `typed`.
/// @param typed what the person gave that program last
/// @param max_bytes the result is cut to this length
std::string shown_output(std::string_view line, const credpool::Secret& typed,
                         std::size_t max_bytes = 400);

/// The first address (http, https) in such a line; empty when there is none.
std::string_view address_in(std::string_view line) noexcept;

/// A code to be compared or typed in a browser ("ABCD-EFGH") in such a line; empty: none.
std::string_view user_code_in(std::string_view line) noexcept;

/// Whether a program that writes no more waits for an answer to this.
bool looks_like_question(std::string_view rest) noexcept;

}  // namespace credpool_cli
