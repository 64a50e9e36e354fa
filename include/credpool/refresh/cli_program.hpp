#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// A CLI's program that we may start: nobody but its user and root can change what is run.
///
/// @param doing for the error: "letting codex refresh its login"
/// @errors not_found when it is on no absolute entry of the path; unsafe_file when others can write
///         to it or to a directory it lies in
/// @effects looks at files
Result<std::filesystem::path> find_cli_program(std::string_view program, std::string_view doing,
                                               const Environment& environment);

/// What a CLI that we start may know of our environment: where files lie, how the network is
/// reached, which servers are asked. No variable that holds a key or a token, and of the path only
/// the absolute entries.
std::map<std::string, std::string, std::less<>> cli_variables(const Environment& environment);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/cli_program.ipp>
#endif
