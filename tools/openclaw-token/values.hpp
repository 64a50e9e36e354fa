#pragma once
// SPDX-License-Identifier: MIT

#include "arguments.hpp"
#include "session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace openclaw_token {

// What people give as options, read strictly: what is not understood is refused, never guessed.

/// Whether the e-mail address has a name, one "@" and a host with a dot.
bool is_email(std::string_view text) noexcept;
/// Why a text may not be a key's name; empty when it may: 1 to 100 letters, digits, "_" and "-".
std::string_view key_name_fault(std::string_view name) noexcept;

/// An amount of dollars as the JSON number that the server gets; none when the option was not
/// given. With `or_none` the word "none" is null.
/// @param least, most in whole dollars
credpool::Result<std::optional<Json>> amount_option(const Arguments& arguments,
                                                    std::string_view option, std::int64_t least,
                                                    std::int64_t most, bool or_none = false);
/// "daily", "weekly", "monthly", or null for "none".
credpool::Result<std::optional<Json>> period_option(const Arguments& arguments,
                                                    std::string_view option);
/// A whole number between two bounds, or the default.
credpool::Result<std::uint64_t> count_option(const Arguments& arguments, std::string_view option,
                                             std::uint64_t otherwise, std::uint64_t least,
                                             std::uint64_t most);
/// A date, which is its first moment in UTC, or a time: as ISO 8601 with milliseconds. It has to be
/// ahead.
credpool::Result<std::optional<Json>> expiry_option(const Arguments& arguments,
                                                    std::string_view option,
                                                    credpool::TimePoint now);

/// "$15.35"; the member may be missing or no number, which is "-".
std::string dollars(const Json& object, const char* member);
/// The member's text, its number, "Yes"/"No", or `otherwise` for null and what is missing.
std::string shown(const Json& object, const char* member, std::string_view otherwise = "-");

/// Whether the member is there and true.
bool is_true(const Json& object, const char* member);
/// The member's number; 0 when it is missing or none.
double number_of(const Json& object, const char* member);

}  // namespace openclaw_token
