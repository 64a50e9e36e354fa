// SPDX-License-Identifier: MIT
#include "spinner.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace credpool_cli {

Spinner::Spinner(const Terminal& error_terminal, std::string text)
    : enabled_{error_terminal.is_terminal && error_terminal.columns >= 20}, text_{std::move(text)} {
  if (enabled_) thread_ = std::thread{[this] { run(); }};
}

Spinner::~Spinner() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock{mutex_};
    done_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Spinner::text(std::string text) {
  const std::lock_guard lock{mutex_};
  text_ = std::move(text);
}

void Spinner::run() {
  using namespace std::chrono_literals;
  static constexpr std::array frames{'|', '/', '-', '\\'};
  std::unique_lock lock{mutex_};
  if (wake_.wait_for(lock, 500ms, [this] { return done_; })) return;
  for (std::size_t frame = 0;; ++frame) {
    std::fprintf(stderr, "\r\x1b[2K%c %s", frames[frame % frames.size()], text_.c_str());
    std::fflush(stderr);
    if (wake_.wait_for(lock, 100ms, [this] { return done_; })) break;
  }
  std::fputs("\r\x1b[2K", stderr);
  std::fflush(stderr);
}

}  // namespace credpool_cli
