// SPDX-License-Identifier: MIT
#include "terminal_interaction.hpp"

#include "presentation.hpp"
#include "prompt.hpp"

#include <credpool/core/clock.hpp>

#include <qrcodegen.hpp>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace credpool_cli {

namespace {

constexpr std::array giving_up{SIGINT, SIGTERM};
volatile std::sig_atomic_t gave_up = 0;

void note_giving_up(int) {
  gave_up = 1;
}

bool shows_utf8(const credpool::Environment& environment) {
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const auto locale = environment.variable(name))
      return locale->find("UTF-8") != std::string::npos ||
             locale->find("utf8") != std::string::npos;
  return false;
}

/// What a browser needs to find its display, and nothing that may be a key.
std::vector<std::string> desktop_variables(const credpool::Environment& environment) {
  constexpr std::array names{"HOME",
                             "PATH",
                             "USER",
                             "LOGNAME",
                             "LANG",
                             "DISPLAY",
                             "XAUTHORITY",
                             "BROWSER",
                             "WAYLAND_DISPLAY",
                             "TMPDIR",
                             "TERM",
                             "DBUS_SESSION_BUS_ADDRESS",
                             "SHELL",
                             "WSL_DISTRO_NAME",
                             "DESKTOP_SESSION"};
  std::vector<std::string> kept;
  for (const auto& [name, value] : environment.variables())
    if (name.starts_with("XDG_") || name.starts_with("LC_") ||
        std::find(names.begin(), names.end(), name) != names.end())
      kept.push_back(name + "=" + value);
  return kept;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts the opener and leaves it alone: it may be the browser itself. Not in our process group,
/// so that Ctrl-C here does not end it there.
bool open_page(const std::filesystem::path& opener, const std::string& url,
               const credpool::Environment& environment) {
  if (!url.starts_with("https://") && !url.starts_with("http://") && !url.starts_with("file:///"))
    return false;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_RDWR, 0);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> arguments{opener.filename().string(), url};
  auto variables = desktop_variables(environment);
  pid_t child = 0;
  const bool started =
      ::posix_spawn(&child, opener.c_str(), &files, &attributes, pointers_to(arguments).data(),
                    pointers_to(variables).data()) == 0;
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (started) std::thread{[child] { ::waitpid(child, nullptr, 0); }}.detach();
  return started;
}

}  // namespace

std::optional<std::filesystem::path> browser_opener(const credpool::Environment& environment) {
  for (const auto* name : {"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"})
    if (environment.variable(name)) return std::nullopt;
#if defined(__APPLE__)
  return environment.find_program("open");
#else
  if (!environment.variable("DISPLAY") && !environment.variable("WAYLAND_DISPLAY"))
    return std::nullopt;
  return environment.find_program("xdg-open");
#endif
}

bool open_in_browser(const std::string& url, const credpool::Environment& environment) {
  const auto opener = browser_opener(environment);
  return opener && open_page(*opener, url, environment);
}

std::string qr_code(std::string_view text, const Terminal& terminal,
                    const credpool::Environment& environment) {
  constexpr int margin = 2;
  constexpr std::size_t longest = 300;  // more is too dense to be read from a screen
  if (!terminal.is_terminal || text.size() > longest || !shows_utf8(environment)) return {};
  const auto code =
      qrcodegen::QrCode::encodeText(std::string{text}.c_str(), qrcodegen::QrCode::Ecc::LOW);
  const int size = code.getSize();
  if (size + 2 * margin > terminal.columns) return {};

  const bool colour = terminal.colour;
  const auto light = [&](int x, int y) { return !code.getModule(x, y); };
  std::string drawn;
  for (int y = -margin; y < size + margin; y += 2) {
    // Black on white whatever the theme is; where colours may not be used, the light modules are
    // drawn and the dark ones left as the (dark) background.
    if (colour) drawn += "\x1b[38;5;231;48;5;16m";
    for (int x = -margin; x < size + margin; ++x) {
      const bool upper = light(x, y);
      const bool lower = light(x, y + 1) && y + 1 < size + margin;
      drawn += upper ? (lower ? "\xe2\x96\x88" : "\xe2\x96\x80") : (lower ? "\xe2\x96\x84" : " ");
    }
    drawn += colour ? "\x1b[0m\n" : "\n";
  }
  return drawn;
}

std::string shown_task(const credpool::BrowserTask& task, credpool::TimePoint now,
                       const Terminal& terminal, const credpool::Environment& environment) {
  const bool device = !task.user_code.empty();
  std::string text = device ? "\nOpen this page in a browser on any device:\n\n    "
                            : "\nOpen this page in a browser on this machine:\n\n    ";
  const auto url = harmless(task.url);
  text += styled(terminal, Style::bold, url) + "\n\n";
  if (!device) return text;
  text += "and confirm this code there:\n\n    " +
          styled(terminal, Style::bold, harmless(task.user_code)) + "\n\n";
  if (const auto code = qr_code(url, terminal, environment); !code.empty()) text += code + "\n";
  return text + "The code ends " + relative_time(task.expires_at, now) + ".\n";
}

TerminalInteraction::TerminalInteraction(const credpool::Environment& environment,
                                         const Terminal& error_terminal, bool may_open_browser)
    : environment_{environment},
      terminal_{error_terminal},
      opener_{may_open_browser ? browser_opener(environment) : std::nullopt} {
  gave_up = 0;
  struct sigaction action {};
  action.sa_handler = note_giving_up;
  for (std::size_t i = 0; i < giving_up.size(); ++i)
    ::sigaction(giving_up[i], &action, &previous_[i]);
}

TerminalInteraction::~TerminalInteraction() {
  for (std::size_t i = 0; i < giving_up.size(); ++i)
    ::sigaction(giving_up[i], &previous_[i], nullptr);
}

void TerminalInteraction::show(const credpool::BrowserTask& task) {
  const auto text = shown_task(task, credpool::SystemClock{}.now(), terminal_, environment_);
  std::fputs(text.c_str(), stderr);
  if (opener_ && open_page(*opener_, task.url, environment_)) progress("It opens in the browser.");
}

void TerminalInteraction::progress(std::string_view text) {
  const auto line = wrapped(terminal_, harmless(text), 0) + "\n";
  std::fputs(line.c_str(), stderr);
}

credpool::Result<credpool::Secret> TerminalInteraction::ask_secret(std::string_view question) {
  return ask_hidden(question);
}

bool TerminalInteraction::cancelled() const {
  return gave_up != 0;
}

void TerminalInteraction::wait(credpool::Duration time) {
  constexpr credpool::Duration slice{100};
  for (; time.count() > 0 && !cancelled(); time -= slice)
    std::this_thread::sleep_for(std::min(time, slice));
}

}  // namespace credpool_cli
