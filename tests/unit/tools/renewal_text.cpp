// SPDX-License-Identifier: MIT
#include "../../../tools/credpool/renewal_text.hpp"

#include <doctest/doctest.h>

using namespace credpool_cli;

namespace {

constexpr auto other_lines =
    "MAILTO=ada\n# m h  dom mon dow   command\n0 5 * * 1 tar -zcf /b.tgz /home/ %d\n\t\n";

/// What cron hands to sh: everything after the fifth blank, \% as %, up to a % of its own.
std::string command_of(const std::string& line) {
  std::size_t at = 0;
  for (int field = 0; field < 5; ++field) at = line.find(' ', at) + 1;
  std::string command;
  for (; at < line.size() && line[at] != '\n'; ++at) {
    if (line[at] == '\\' && at + 1 < line.size() && line[at + 1] == '%') continue;
    if (line[at] == '%' && line[at - 1] != '\\') break;
    command += line[at];
  }
  return command;
}

}  // namespace

TEST_CASE("tools/renewal_text: our line is added to a crontab once, and taken out again") {
  const auto once = with_cron_line(other_lines, {"/usr/bin/credpool", "renew", "--once"}, {});
  CHECK(once == std::string{other_lines} +
                    "*/5 * * * * '/usr/bin/credpool' 'renew' '--once' # credpool renew\n");
  CHECK(with_cron_line(once, {"/usr/bin/credpool", "renew", "--once"}, {}) == once);
  const auto moved = with_cron_line(once, {"/opt/credpool", "renew"}, {{"CODEX_HOME", "/data"}});
  CHECK(moved == std::string{other_lines} +
                     "*/5 * * * * CODEX_HOME='/data' '/opt/credpool' 'renew' # credpool renew\n");
  CHECK(without_cron_line(moved) == other_lines);
  CHECK(without_cron_line(other_lines) == other_lines);
  CHECK(without_cron_line("").empty());
}

TEST_CASE("tools/renewal_text: a crontab without a last line end keeps its last line") {
  CHECK(without_cron_line("0 5 * * * true") == "0 5 * * * true");
  CHECK(with_cron_line("0 5 * * * true", {"x"}, {}) ==
        "0 5 * * * true\n*/5 * * * * 'x' # credpool renew\n");
}

TEST_CASE("tools/renewal_text: a line that only speaks of us is not ours") {
  const std::string table = "0 1 * * * echo '# credpool renew' >>/tmp/x\n# credpool renewal\n";
  CHECK(without_cron_line(table) == table);
}

TEST_CASE("tools/renewal_text: cron and sh get every word as it is") {
  const auto line =
      with_cron_line("", {"/home/a da/100%/it's", "--log", "a\\b \"c\" $HOME `x`"}, {{"P", "50%"}});
  CHECK(command_of(line) ==
        "P='50%' '/home/a da/100%/it'\\''s' '--log' 'a\\b \"c\" $HOME `x`' # credpool renew");
}

TEST_CASE("tools/renewal_text: a unit quotes as systemd reads it") {
  const auto unit = systemd_unit(renewal_unit, {"/home/a da/100%/cred\"pool", "--log", "a\\b$HOME"},
                                 {{"CODEX_HOME", "/da ta/5%$x\"\\"}});
  CHECK(unit.find("ExecStart=\"/home/a da/100%%/cred\\\"pool\" \"--log\" \"a\\\\b$$HOME\"\n") !=
        std::string::npos);
  CHECK(unit.find("Environment=\"CODEX_HOME=/da ta/5%%$x\\\"\\\\\"\n") != std::string::npos);
}

TEST_CASE("tools/renewal_text: stopping the service leaves an exchange that has begun alone") {
  const auto unit = systemd_unit(renewal_unit, {"/usr/bin/credpool"}, {});
  CHECK(unit.find("\nKillMode=process\n") != std::string::npos);
  CHECK(unit.find("\nUMask=0077\n") != std::string::npos);
  CHECK(unit.find("Environment=") == std::string::npos);
  CHECK(unit.find("\n[Install]\nWantedBy=default.target\n") != std::string::npos);
}
