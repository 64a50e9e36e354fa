// SPDX-License-Identifier: MIT
#include "renewal_text.hpp"

#include <algorithm>

namespace credpool_cli {

namespace {

/// Ends our line in the crontab, so that it is found again.
constexpr std::string_view cron_mark = "# credpool renew";

}  // namespace

std::string systemd_unit(const std::vector<std::string>& command,
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
      "Description=credpool: keeps the logins of AI coding CLIs fresh\n"
      "Documentation=man:credpool(1)\n"
      "\n"
      "[Service]\n"
      "ExecStart=" +
      start +
      "\n"
      "ExecReload=/bin/kill -HUP $MAINPID\n"
      "Restart=on-failure\n"
      "RestartSec=30\n"
      "# An exchange that has begun lives on in a process of its own: it must not be killed.\n"
      "KillMode=process\n"
      "NoNewPrivileges=yes\n"
      "UMask=0077\n";
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
