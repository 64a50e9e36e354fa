#pragma once
// SPDX-License-Identifier: MIT

#include <string>
#include <string_view>

namespace openclaw_token {

/// The text with everything that looks like a key ("sk-..." and GitHub's tokens) cut to its kind:
/// "sk-mgmt-****". For texts of servers and people that go to a log or a screen.
std::string without_keys(std::string_view text);

}  // namespace openclaw_token
