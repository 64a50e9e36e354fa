#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>
#include <string>

namespace credpool_cli {

/// Makes a home with a login of every supported CLI in every state, all values made up.
///
/// @param home         an empty or missing directory
/// @param environment  whose host and user the encrypted stores are made for
/// @param now          expiry times are chosen around it
/// @param provider_url base address of the local provider; written into the home's configuration so
///                     that validation asks it and nobody else; empty: nobody is asked
/// @errors conflict when the directory is not empty; io, permission_denied
credpool::Result<void> make_demo_home(const std::filesystem::path& home,
                                      const credpool::Environment& environment,
                                      credpool::TimePoint now, const std::string& provider_url);

/// The environment of a process whose home this is: of the real one only PATH, host and user show.
credpool::Environment demo_environment(const std::filesystem::path& home,
                                       const credpool::Environment& real);

}  // namespace credpool_cli
