#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/json5_value.hpp>
#include <credpool/core/result.hpp>

#include <span>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Sets one member of a JSON5 text and leaves every other byte as it is, comments included.
///
/// What is written follows the neighbours: indentation, line ends, quotes, trailing comma, the
/// blank after the colon. A text that is plain JSON stays plain JSON (unless the value is NaN or
/// infinite). Missing objects on the way are created.
///
/// @param path keys from the top, at least one; every existing step must be an object
/// @param value its ranges are not looked at
/// @return the new text, which was read again and says what it should
/// @errors those of parse_json5 for the text; invalid_argument for an empty path, when a step is no
///         object, or when the value is nested too deep
Result<std::string> edit_json5(std::string_view text, std::span<const std::string> path,
                               const Json5Value& value);

/// Removes one member of a JSON5 text with its comma, and its line when it stood alone there; every
/// other byte stays, comments included.
///
/// @errors those of parse_json5 for the text; not_found when there is no such member
Result<std::string> remove_json5(std::string_view text, std::span<const std::string> path);

/// Writes a value as one line of JSON5 that is also JSON (unless a number is NaN or infinite).
std::string write_json5(const Json5Value& value);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/json5_edit.ipp>
#endif
