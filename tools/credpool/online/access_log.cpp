// SPDX-License-Identifier: MIT
#include "access_log.hpp"

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

void write_all(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads any more
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

AccessLog::AccessLog(AccessLogForm form) : form_{form} {
  if (is_on()) thread_ = std::thread{[this] { run(); }};
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void AccessLog::write(const cp::AccessRecord& record) {
  if (!is_on()) return;
  const auto line =
      form_ == AccessLogForm::json ? cp::access_json_line(record) : cp::access_text_line(record);
  constexpr std::size_t most = 4 << 20;
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    if (waiting_.size() + line.size() > most) {
      ++dropped_;
      return;
    }
    first = waiting_.empty();
    waiting_ += line;
  }
  if (first) work_.notify_one();
}

void AccessLog::run() {
  std::unique_lock lock{mutex_};
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto text = std::exchange(waiting_, {});
    const auto dropped = std::exchange(dropped_, 0);
    lock.unlock();
    write_all(text);
    if (dropped > 0)
      write_all(form_ == AccessLogForm::json
                    ? "{\"droppedLines\":" + std::to_string(dropped) + "}\n"
                    : std::to_string(dropped) + " lines were dropped\n");
    lock.lock();
  }
}

}  // namespace credpool_cli
