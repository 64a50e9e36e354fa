#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/core/result.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

/// Whether a word cannot stand in a unit or a crontab.
bool has_control(std::string_view text);

/// What a service of this user needs of our variables: it is started without them. An address with
/// a password in it is left out, with a warning.
std::map<std::string, std::string> carried_variables(const Session& session);

/// What a program printed, if it ended well.
/// @errors not_found when it is not on PATH, or said no (exit code 1) and printed nothing
credpool::Result<std::string> run_program(const Session& session, std::string_view name,
                                          std::vector<std::string> arguments,
                                          const std::optional<std::string>& input = {});

/// Whether systemd runs services for this user.
bool has_user_systemd(const Session& session);

/// Where the unit of a service of this user stands.
credpool::Result<std::filesystem::path> unit_file(const Session& session, std::string_view name);

/// This program, as it will be found after a reboot.
credpool::Result<std::filesystem::path> own_path();

/// Writes a unit, and starts its service now and at each login.
credpool::Result<void> install_user_service(const Session& session,
                                            const std::filesystem::path& unit,
                                            const std::string& text);
/// Takes that back.
credpool::Result<void> remove_user_service(const Session& session,
                                           const std::filesystem::path& unit);

}  // namespace credpool_cli
