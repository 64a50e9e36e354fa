#pragma once
// SPDX-License-Identifier: MIT

#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

#include <termios.h>

namespace credpool_cli {

/// What a person pressed.
enum class Key { other, quit, up, down, sort, pause, clear, yes };

/// A terminal as one picture that is drawn anew: the other screen, no cursor, keys as they are
/// pressed. It is as it was before when this goes, when a signal ends or stops the program, too.
/// One object at a time.
class FullScreen {
 public:
  struct Size {
    std::size_t columns = 80;
    std::size_t rows = 24;
  };

  /// Whether standard input and output are a terminal that can do it.
  static bool possible();

  FullScreen();
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  Size size() const;

  /// Draws over what is there; what has not changed does not flicker.
  void draw(const std::vector<std::string>& lines);

  /// Waits for keys, a new size or wake(), so many milliseconds at most.
  std::vector<Key> keys(int patience);

  /// Ends the wait; may be called by any thread.
  void wake() noexcept;

  /// The signal that asks the program to end; 0: none did.
  int ended_by() const noexcept;

 private:
  void enter();
  void leave();
  void stop_and_come_back();

  termios before_{};
  std::array<int, 2> bell_{-1, -1};
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
  std::array<struct sigaction, signals.size()> previous_{};
};

}  // namespace credpool_cli
