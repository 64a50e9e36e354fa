#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

#include <string>
#include <system_error>
#include <type_traits>

namespace openclaw_token {

/// Why a command failed, where this program says it in its own words: an Error of this kind has the
/// whole sentence in `doing`, and the server's code ("KEY_NOT_FOUND") in `place`.
enum class Fault {
  mistake = 1,     ///< what was asked for is not possible as it was asked for
  not_logged_in,   ///< there is no management key
  refused,         ///< the server answered with an error; http_status says which
  unreachable,     ///< no answer, and the request was not acted upon
  lost,            ///< no answer, and nobody knows whether the request was acted upon
  not_understood,  ///< an answer that is none of this interface
};

const std::error_category& fault_category() noexcept;
std::error_code make_error_code(Fault fault) noexcept;

/// Makes the failing half of any Result.
/// @param hint what to do next; may be empty
credpool::Unexpected fault(Fault fault, std::string sentence, std::string hint = {});
/// The same for what the person asked for.
credpool::Unexpected mistake(std::string sentence, std::string hint = {});

/// What a person reads: our own sentence, or the library's line.
std::string sentence_of(const credpool::Error& error);
/// What to do next where that is a line of its own; empty: nothing, or it is in the sentence.
std::string hint_of(const credpool::Error& error);

}  // namespace openclaw_token

template <> struct std::is_error_code_enum<openclaw_token::Fault> : std::true_type {};
