#pragma once
// SPDX-License-Identifier: MIT

#include "terminal.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace credpool_cli {

/// Shows on a terminal's stderr that something goes on, once it takes longer than half a second.
/// Shows nothing where stderr is no terminal. Cleans up after itself.
class Spinner {
 public:
  Spinner(const Terminal& error_terminal, std::string text);
  ~Spinner();
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  /// Changes the text, for example to count what is done.
  void text(std::string text);

 private:
  void run();

  const bool enabled_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string text_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace credpool_cli
