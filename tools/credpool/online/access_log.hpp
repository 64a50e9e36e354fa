#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/access_record.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace credpool_cli {

enum class AccessLogForm { off, text, json };

/// Writes a line for each request to standard output, from a thread of its own: a reader that is
/// slow or stopped holds up nobody. What it does not take is dropped and counted.
class AccessLog {
 public:
  explicit AccessLog(AccessLogForm form);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  /// Writes what is left.
  ~AccessLog();

  bool is_on() const noexcept { return form_ != AccessLogForm::off; }
  void write(const credpool::AccessRecord& record);

 private:
  void run();

  AccessLogForm form_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::string waiting_;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace credpool_cli
