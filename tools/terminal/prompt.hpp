#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>

#include <string>
#include <string_view>

namespace credpool_cli {

/// Asks on the controlling terminal without showing what is typed.
/// @errors configuration when there is no terminal; cancelled on Ctrl-C or end of input
credpool::Result<credpool::Secret> ask_hidden(std::string_view question);

/// Asks on the controlling terminal for a line that is shown while it is typed.
/// @errors configuration when there is no terminal to ask on; cancelled at end of input
credpool::Result<std::string> ask_line(std::string_view question);

/// Reads one secret from standard input: all of it, without the line end.
/// @errors malformed when it is empty; too_large over 64 KiB
credpool::Result<credpool::Secret> read_secret_from_stdin();

/// Asks a yes/no question on the terminal; the default is no.
/// @errors configuration when there is no terminal to ask on (use --yes)
credpool::Result<bool> confirm(std::string_view question);

}  // namespace credpool_cli
