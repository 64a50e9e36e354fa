// SPDX-License-Identifier: MIT
#include "../../../tools/credpool/terminal_interaction.hpp"

#include "throwaway_home.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <vector>

#include <qrcodegen.hpp>

namespace cp = credpool;
using namespace credpool_cli;
using namespace std::chrono_literals;

namespace {

constexpr auto page = "https://kimi.test/device?code=ABCD-1234";
constexpr Terminal plain_terminal{true, false, 100};

/// The modules that a drawing without colour shows: true is dark.
std::vector<std::vector<bool>> modules_of(const std::string& drawn) {
  std::vector<std::vector<bool>> rows;
  std::istringstream lines{drawn};
  for (std::string line; std::getline(lines, line);) {
    std::vector<bool> upper, lower;
    for (std::size_t i = 0; i < line.size();) {
      const auto half = line[i] == ' ' ? std::string{" "} : line.substr(i, 3);
      i += half.size();
      upper.push_back(half == " " || half == "\xe2\x96\x84");
      lower.push_back(half == " " || half == "\xe2\x96\x80");
    }
    rows.push_back(std::move(upper));
    rows.push_back(std::move(lower));
  }
  return rows;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("tools/terminal_interaction: the QR code shows every module, and a margin") {
  const ThrowawayHome home;
  const auto drawn = qr_code(page, plain_terminal, home.environment({{"LANG", "en_US.UTF-8"}}));
  const auto code = qrcodegen::QrCode::encodeText(page, qrcodegen::QrCode::Ecc::LOW);
  const auto rows = modules_of(drawn);
  REQUIRE(rows.size() >= static_cast<std::size_t>(code.getSize() + 4));
  for (int y = -2; y < code.getSize() + 2; ++y) {
    const auto& row = rows[static_cast<std::size_t>(y + 2)];
    REQUIRE(row.size() == static_cast<std::size_t>(code.getSize() + 4));
    for (int x = -2; x < code.getSize() + 2; ++x)
      REQUIRE(row[static_cast<std::size_t>(x + 2)] == code.getModule(x, y));
  }
}

TEST_CASE("tools/terminal_interaction: no QR code where it could not be read") {
  const ThrowawayHome home;
  const auto utf8 = home.environment({{"LANG", "C.UTF-8"}});
  CHECK_FALSE(qr_code(page, plain_terminal, utf8).empty());
  CHECK(qr_code(page, {true, false, 20}, utf8).empty());
  CHECK(qr_code(page, {false, false, 0}, utf8).empty());
  CHECK(qr_code(page, plain_terminal, home.environment({{"LANG", "C"}})).empty());
  CHECK(qr_code(page, plain_terminal, home.environment({{"LC_ALL", "C"}, {"LANG", "C.UTF-8"}}))
            .empty());
  CHECK(qr_code(std::string(301, 'x'), plain_terminal, utf8).empty());
}

TEST_CASE("tools/terminal_interaction: colour only where it is wanted") {
  const ThrowawayHome home;
  const auto utf8 = home.environment({{"LANG", "C.UTF-8"}});
  const cp::BrowserTask task{page, "ABCD-1234", cp::TimePoint{600s}};
  CHECK(shown_task(task, cp::TimePoint{}, plain_terminal, utf8).find('\x1b') == std::string::npos);
  CHECK(shown_task(task, cp::TimePoint{}, {true, true, 100}, utf8).find('\x1b') !=
        std::string::npos);
}

TEST_CASE("tools/terminal_interaction: the page, the code and the time are shown, harmless") {
  const ThrowawayHome home;
  const cp::BrowserTask task{page, "AB\x1b[2J", cp::TimePoint{600s}};
  const auto text = shown_task(task, cp::TimePoint{}, plain_terminal, home.environment());
  CHECK(text.find(page) != std::string::npos);
  CHECK(text.find("AB?[2J") != std::string::npos);
  CHECK(text.find("in 10 min") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  const auto key_page = shown_task({page, {}, {}}, {}, plain_terminal, home.environment());
  CHECK(key_page.find("code there") == std::string::npos);
}

#if !defined(__APPLE__)
TEST_CASE("tools/terminal_interaction: a browser is opened only on the desktop in front of us") {
  const ThrowawayHome home;
  const auto opener = home.write("bin/xdg-open", "#!/bin/sh\n", 0755);
  const auto found = [&](std::map<std::string, std::string, std::less<>> variables) {
    variables.emplace("PATH", opener.parent_path().string());
    return browser_opener(home.environment(std::move(variables)));
  };
  CHECK(found({{"DISPLAY", ":0"}}) == opener);
  CHECK(found({{"WAYLAND_DISPLAY", "wayland-0"}}) == opener);
  CHECK_FALSE(found({}));
  for (const auto* name : {"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"})
    CHECK_FALSE(found({{"DISPLAY", ":0"}, {name, "1"}}));
  CHECK_FALSE(browser_opener(home.environment({{"DISPLAY", ":0"}, {"PATH", "/nowhere"}})));
}

TEST_CASE("tools/terminal_interaction: the opener gets the page, and none of our keys") {
  const ThrowawayHome home;
  home.write(
      "bin/xdg-open",
      "#!/bin/sh\n{ echo \"$@\"; env; } > \"$HOME/part\"\nmv \"$HOME/part\" \"$HOME/done\"\n",
      0755);
  const auto environment =
      home.environment({{"PATH", (home.path() / "bin").string() + ":/usr/bin:/bin"},
                        {"HOME", home.path().string()},
                        {"DISPLAY", ":0"},
                        {"XDG_RUNTIME_DIR", "/run/x"},
                        {"OPENAI_API_KEY", "canary"}});
  const auto done = home.path() / "done";
  {
    TerminalInteraction without{environment, plain_terminal, false};
    without.show({page, {}, {}});
    TerminalInteraction odd{environment, plain_terminal, true};
    odd.show({"--help", {}, {}});
  }
  TerminalInteraction person{environment, plain_terminal, true};
  person.show({"https://kimi.test/a;touch $HOME/evil", {}, {}});
  for (int i = 0; i < 500 && !std::filesystem::exists(done); ++i) std::this_thread::sleep_for(10ms);
  const auto told = text_of(done);
  CHECK(told.starts_with("https://kimi.test/a;touch $HOME/evil\n"));
  CHECK(told.find("DISPLAY=:0") != std::string::npos);
  CHECK(told.find("XDG_RUNTIME_DIR=/run/x") != std::string::npos);
  CHECK(told.find("canary") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(home.path() / "evil"));
}
#endif

TEST_CASE("tools/terminal_interaction: Ctrl-C gives up, and ends the waiting") {
  const ThrowawayHome home;
  TerminalInteraction person{home.environment(), plain_terminal, false};
  person.wait(0ms);
  CHECK_FALSE(person.cancelled());
  std::raise(SIGINT);
  CHECK(person.cancelled());
  person.wait(std::chrono::hours{24});  // does not wait
}
