// SPDX-License-Identifier: MIT
#include "prompt.hpp"

#include <credpool/core/platform.hpp>

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace credpool_cli {

namespace {

/// Switches the echo off and back on, also when a signal ends the program in between.
class HiddenInput {
 public:
  explicit HiddenInput(int terminal) : terminal_{terminal} {
    if (::tcgetattr(terminal_, &before_) != 0) return;
    active_terminal_ = terminal_;
    active_before_ = before_;
    struct sigaction action {};
    action.sa_handler = restore_and_die;
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &action, &previous_[i]);
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden_ = ::tcsetattr(terminal_, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenInput() {
    if (active_terminal_ < 0) return;
    ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &previous_[i], nullptr);
    active_terminal_ = -1;
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

  bool hidden() const noexcept { return hidden_; }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

  static void restore_and_die(int signal) {
    if (active_terminal_ >= 0) ::tcsetattr(active_terminal_, TCSANOW, &active_before_);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }

  static inline int active_terminal_ = -1;
  static inline termios active_before_{};

  int terminal_;
  termios before_{};
  std::array<struct sigaction, signals.size()> previous_{};
  bool hidden_ = false;
};

enum class Until { line_end, end_of_file };

credpool::Result<std::string> read_text(int descriptor, Until until, std::string_view doing) {
  constexpr std::size_t limit = 64 * 1024;
  std::string line;
  while (true) {
    char c = 0;
    const auto got = ::read(descriptor, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return credpool::fail(credpool::Errc::io, std::string{doing});
    if (got == 0 && line.empty())
      return credpool::fail(credpool::Errc::cancelled, std::string{doing}, {}, "no input");
    if (got == 0 || (c == '\n' && until == Until::line_end)) break;
    line.push_back(c);
    if (line.size() > limit) {
      credpool::wipe(line.data(), line.size());
      return credpool::fail(credpool::Errc::too_large, std::string{doing});
    }
  }
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line;
}

credpool::Result<credpool::Secret> to_secret(credpool::Result<std::string> line,
                                             std::string_view doing) {
  if (!line) return credpool::fail(line.error());
  const credpool::Secret secret{*line};
  credpool::wipe(line->data(), line->size());
  if (secret.empty())
    return credpool::fail(credpool::Errc::malformed, std::string{doing}, {}, "it is empty");
  return secret;
}

void say(int descriptor, std::string_view text) {
  // A terminal that cannot be written to will fail the read that follows.
  [[maybe_unused]] const auto written = ::write(descriptor, text.data(), text.size());
}

}  // namespace

credpool::Result<credpool::Secret> ask_hidden(std::string_view question) {
  constexpr std::string_view doing = "asking for a secret";
  const credpool::Descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
  if (!terminal)
    return credpool::fail(
        credpool::Errc::configuration, std::string{doing}, "/dev/tty",
        "there is no terminal: pipe the secret in with --stdin or name a file with --file");
  const HiddenInput input{terminal.get()};
  if (!input.hidden())
    return credpool::fail(credpool::Errc::configuration, std::string{doing}, "/dev/tty",
                          "the terminal cannot hide its input: use --stdin or --file");
  say(terminal.get(), std::string{question});
  auto secret = to_secret(read_text(terminal.get(), Until::line_end, doing), doing);
  say(terminal.get(), "\n");
  return secret;
}

credpool::Result<std::string> ask_line(std::string_view question) {
  constexpr std::string_view doing = "asking a question";
  const credpool::Descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
  if (!terminal || ::isatty(STDIN_FILENO) == 0)
    return credpool::fail(credpool::Errc::configuration, std::string{doing}, {},
                          "there is no terminal");
  say(terminal.get(), question);
  return read_text(terminal.get(), Until::line_end, doing);
}

credpool::Result<credpool::Secret> read_secret_from_stdin() {
  constexpr std::string_view doing = "reading a secret from standard input";
  return to_secret(read_text(STDIN_FILENO, Until::end_of_file, doing), doing);
}

credpool::Result<bool> confirm(std::string_view question) {
  constexpr std::string_view doing = "asking for confirmation";
  const credpool::Descriptor terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
  if (!terminal || ::isatty(STDIN_FILENO) == 0)
    return credpool::fail(credpool::Errc::invalid_argument, std::string{doing}, {},
                          "there is no terminal: confirm with --yes");
  say(terminal.get(), std::string{question} + " (y/N) ");
  auto line = read_text(terminal.get(), Until::line_end, doing);
  if (!line) return credpool::fail(line.error());
  return *line == "y" || *line == "Y" || *line == "yes";
}

}  // namespace credpool_cli
