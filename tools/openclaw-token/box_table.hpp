#pragma once
// SPDX-License-Identifier: MIT

#include "terminal.hpp"

#include <string>
#include <vector>

namespace openclaw_token {

/// A table in a box, with a rule between all rows. Nothing in it is ever cut: it may hold a key
/// that is shown once.
///
/// @param rows as many cells each as there are headings; control characters are made harmless
std::string box_table(const credpool_cli::Terminal& terminal,
                      const std::vector<std::string>& headings,
                      const std::vector<std::vector<std::string>>& rows);

}  // namespace openclaw_token
