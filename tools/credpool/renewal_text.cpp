// SPDX-License-Identifier: MIT
#include "renewal_text.hpp"

#include <algorithm>

namespace credpool_cli {

namespace {

/// Ends our line in the crontab, so that it is found again.
constexpr std::string_view cron_mark = "# credpool renew";

}  // namespace

const UnitText renewal_unit{"credpool: keeps the logins of AI coding CLIs fresh",
                            "Restart=on-failure\n"
                            "RestartSec=30\n"};
// What can be taken from a service without the rights to set up namespaces. It starts the CLIs, so
// the home directory stays writable and code may be made at run time (they are of JavaScript).
const UnitText server_unit{"credpool: lends the logins of AI coding CLIs",
                           "Type=notify\n"
                           "Restart=on-failure\n"
                           "RestartSec=5\n"
                           "TimeoutStopSec=90\n"
                           "LockPersonality=yes\n"
                           "RestrictRealtime=yes\n"
                           "RestrictSUIDSGID=yes\n"
                           "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n"
                           "SystemCallArchitectures=native\n"};

std::string systemd_unit(const UnitText& about, const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& variables) {
  // Quoting as systemd.syntax(7) has it; % begins a specifier, $ a variable.
  const auto quoted = [](std::string_view word) {
    std::string text = "\"";
    for (const char c : word) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
      if (c == '%' || c == '$') text += c;
    }
    return text + '"';
  };
  std::string start;
  for (const auto& word : command) start += (start.empty() ? "" : " ") + quoted(word);
  std::string unit =
      "[Unit]\n"
      "Description=" +
      std::string{about.description} +
      "\n"
      "Documentation=man:credpool(1)\n"
      "\n"
      "[Service]\n"
      "ExecStart=" +
      start +
      "\n"
      "ExecReload=/bin/kill -HUP $MAINPID\n"
      "# An exchange that has begun lives on in a process of its own: it must not be killed.\n"
      "KillMode=process\n"
      "NoNewPrivileges=yes\n"
      "UMask=0077\n" +
      std::string{about.service};
  for (const auto& [name, value] : variables) {
    // Environment= knows no $, so only % is doubled there.
    std::string text = "\"";
    for (const char c : name + '=' + value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
      if (c == '%') text += c;
    }
    unit += "Environment=" + text + "\"\n";
  }
  return unit + "\n[Install]\nWantedBy=default.target\n";
}

std::string with_cron_line(std::string_view table, const std::vector<std::string>& command,
                           const std::map<std::string, std::string>& variables) {
  // The line goes to sh; and to cron a % is the end of the command.
  const auto quoted = [](std::string_view word) {
    std::string text = "'";
    for (const char c : word) {
      if (c == '\'') {
        text += "'\\''";
        continue;
      }
      if (c == '%') text += '\\';
      text += c;
    }
    return text + '\'';
  };
  std::string line = "*/5 * * * *";
  for (const auto& [name, value] : variables) line += ' ' + name + '=' + quoted(value);
  for (const auto& word : command) line += ' ' + quoted(word);
  auto text = without_cron_line(table);
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text + line + ' ' + std::string{cron_mark} + '\n';
}

std::string without_cron_line(std::string_view table) {
  std::string kept;
  while (!table.empty()) {
    const auto end = std::min(table.find('\n'), table.size() - 1);
    const auto line = table.substr(0, end + 1);
    auto bare = line;
    while (bare.ends_with('\n') || bare.ends_with(' ')) bare.remove_suffix(1);
    if (!bare.ends_with(cron_mark)) kept += line;
    table.remove_prefix(end + 1);
  }
  return kept;
}

}  // namespace credpool_cli
