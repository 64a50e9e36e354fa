// SPDX-License-Identifier: MIT
#include "full_screen.hpp"

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace credpool_cli {

namespace {

volatile std::sig_atomic_t end_signal = 0;
volatile std::sig_atomic_t stop_signal = 0;
volatile std::sig_atomic_t bell_end = -1;

void note_signal(int signal) {
  const int kept = errno;
  if (signal == SIGTSTP)
    stop_signal = 1;
  else if (signal != SIGWINCH)
    end_signal = signal;
  // A poll() that begins only now must hear of it, too.
  const char byte = 0;
  [[maybe_unused]] const auto written = bell_end >= 0 ? ::write(bell_end, &byte, 1) : 0;
  errno = kept;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

Key key_of(std::string_view& bytes) {
  const auto starts = [&](std::string_view sequence) {
    if (!bytes.starts_with(sequence)) return false;
    bytes.remove_prefix(sequence.size());
    return true;
  };
  if (starts("\x1b[A") || starts("\x1bOA")) return Key::up;
  if (starts("\x1b[B") || starts("\x1bOB")) return Key::down;
  if (bytes.starts_with("\x1b[") || bytes.starts_with("\x1bO")) {
    // Another key's sequence, up to its letter: none of it is a key of ours.
    bytes.remove_prefix(2);
    while (!bytes.empty() && (bytes.front() < '@' || bytes.front() > '~')) bytes.remove_prefix(1);
    if (!bytes.empty()) bytes.remove_prefix(1);
    return Key::other;
  }
  const char c = bytes.front();
  bytes.remove_prefix(1);
  switch (c) {
    case 'q':
    case 'Q':
      return Key::quit;
    case 'k':
      return Key::up;
    case 'j':
      return Key::down;
    case 's':
      return Key::sort;
    case 'p':
      return Key::pause;
    case 'c':
      return Key::clear;
    case 'y':
    case 'Y':
      return Key::yes;
    default:
      return Key::other;
  }
}

}  // namespace

bool FullScreen::possible() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 && term != nullptr &&
         *term != '\0' && std::string_view{term} != "dumb";
}

FullScreen::FullScreen() {
  end_signal = 0;
  stop_signal = 0;
  if (::pipe2(bell_.data(), O_CLOEXEC | O_NONBLOCK) == 0) bell_end = bell_[1];
  ::tcgetattr(STDIN_FILENO, &before_);
  struct sigaction action {};
  action.sa_handler = note_signal;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &previous_[i]);
  enter();
}

FullScreen::~FullScreen() {
  leave();
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &previous_[i], nullptr);
  bell_end = -1;
  for (const int end : bell_)
    if (end >= 0) ::close(end);
}

void FullScreen::enter() {
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  write_all("\x1b[?1049h\x1b[?25l\x1b[H\x1b[J");
}

void FullScreen::leave() {
  write_all("\x1b[?25h\x1b[?1049l");
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

/// Ctrl-Z: the shell gets its terminal as it was, and we come back to a screen of ours.
void FullScreen::stop_and_come_back() {
  stop_signal = 0;
  leave();
  ::raise(SIGSTOP);
  enter();
}

FullScreen::Size FullScreen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

void FullScreen::draw(const std::vector<std::string>& lines) {
  // In one write, from the upper left corner; what a line does not cover any more is wiped after
  // it. Terminals that know the two marks show it all at once.
  std::string picture = "\x1b[?2026h\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i)
    picture += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
  write_all(picture + "\x1b[J\x1b[?2026l");
}

std::vector<Key> FullScreen::keys(int patience) {
  std::array<pollfd, 2> wanted{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{bell_[0], POLLIN, 0}};
  if (end_signal == 0 && stop_signal == 0) ::poll(wanted.data(), wanted.size(), patience);
  std::array<char, 256> bytes{};
  while (::read(bell_[0], bytes.data(), bytes.size()) > 0) {
  }
  if (stop_signal != 0) stop_and_come_back();
  const auto got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  // A terminal that is gone ends it as its hang-up would.
  if (got == 0 && (wanted[0].revents & (POLLHUP | POLLERR)) != 0) end_signal = SIGHUP;
  std::vector<Key> keys;
  std::string_view rest{bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  while (!rest.empty()) keys.push_back(key_of(rest));
  return keys;
}

void FullScreen::wake() noexcept {
  const char byte = 0;
  [[maybe_unused]] const auto written = ::write(bell_[1], &byte, 1);
}

int FullScreen::ended_by() const noexcept {
  return end_signal;
}

}  // namespace credpool_cli
