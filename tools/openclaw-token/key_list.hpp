#pragma once
// SPDX-License-Identifier: MIT

#include "api.hpp"
#include "arguments.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace openclaw_token {

/// A part of a list.
struct KeyPage {
  std::vector<Json> items;
  std::size_t total = 0;  ///< of all
};

/// Keys from `offset` on, newest first, `limit` at most: no more is fetched than that.
credpool::Result<KeyPage> some_keys(Api& api, bool with_revoked, std::size_t offset,
                                    std::size_t limit);

/// All of the account's keys, page by page.
credpool::Result<std::vector<Json>> all_keys(Api& api, bool with_revoked);

using KeyFilter = std::function<bool(const Json&)>;
/// Reads "active", "disabled" or "usage>=10".
/// @return none when there is no such expression
credpool::Result<KeyFilter> key_filter(const std::string& expression);

/// Sorts by "name", "usage" or "created_at"; with a "-" before it the other way round.
credpool::Result<void> sort_keys(std::vector<Json>& keys, const std::string& field);

}  // namespace openclaw_token
