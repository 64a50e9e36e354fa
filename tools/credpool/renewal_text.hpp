#pragma once
// SPDX-License-Identifier: MIT

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

/// What a systemd user service says beside its command.
struct UnitText {
  std::string_view description;
  std::string_view service;  ///< further lines of [Service], each with its line end
};

/// The service that keeps logins fresh.
extern const UnitText renewal_unit;
/// The server.
extern const UnitText server_unit;

/// The text of a systemd user service that runs that command with those variables.
std::string systemd_unit(const UnitText& about, const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& variables);

/// A crontab with our line in it, once; every other line stays as it is.
std::string with_cron_line(std::string_view table, const std::vector<std::string>& command,
                           const std::map<std::string, std::string>& variables);
/// A crontab without our line.
std::string without_cron_line(std::string_view table);

}  // namespace credpool_cli
