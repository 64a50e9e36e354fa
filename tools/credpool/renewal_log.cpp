// SPDX-License-Identifier: MIT
#include "renewal_log.hpp"

#include "terminal.hpp"

#include <credpool/core/file.hpp>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr off_t longest_log = 1 << 20;

cp::Result<cp::Descriptor> open_log(const std::filesystem::path& file) {
  cp::Descriptor opened{
      ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (opened) return opened;
  const int number = errno;
  return cp::fail(number == ELOOP ? cp::Errc::unsafe_file : cp::Errc::permission_denied,
                  "opening the log of renewals", file.string(),
                  number == ELOOP ? "it is a link: remove it, or name another file with --log"
                                  : std::generic_category().message(number));
}

std::string local_time(cp::TimePoint when) {
  const auto seconds = static_cast<std::time_t>(when.time_since_epoch() / std::chrono::seconds{1});
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return {text, size};
}

}  // namespace

cp::Result<RenewalLog> RenewalLog::open(const std::filesystem::path& file) {
  if (file.empty()) return RenewalLog{{}, cp::Descriptor{::fcntl(1, F_DUPFD_CLOEXEC, 3)}};
  if (auto made = cp::make_private_directory(file.parent_path()); !made)
    return cp::fail(made.error());
  auto opened = open_log(file);
  if (!opened) return cp::fail(opened.error());
  return RenewalLog{file, std::move(*opened)};
}

RenewalLog::RenewalLog(RenewalLog&& other) noexcept
    : file_{std::move(other.file_)}, descriptor_{std::move(other.descriptor_)} {}

void RenewalLog::say(cp::TimePoint now, std::string_view text) {
  const auto line = "[" + local_time(now) + "] " + harmless(text) + "\n";
  const std::lock_guard lock{mutex_};
  if (!file_.empty()) move_on();
  // One write, so that the lines of two processes do not mix. A full disk must not stop renewals.
  [[maybe_unused]] const auto written = ::write(descriptor_.get(), line.data(), line.size());
}

/// Starts a new file where this one is full, and follows where another process did.
void RenewalLog::move_on() {
  struct stat ours {};
  struct stat there {};
  if (::fstat(descriptor_.get(), &ours) != 0) return;
  const auto is_ours = [&] {
    return ::lstat(file_.c_str(), &there) == 0 && there.st_ino == ours.st_ino &&
           there.st_dev == ours.st_dev;
  };
  if (is_ours() && ours.st_size < longest_log) return;
  // Of several that find it full one moves it; the others see the new one.
  ::flock(descriptor_.get(), LOCK_EX);
  std::error_code failed;
  if (is_ours()) {
    auto old = file_;
    old += ".1";
    std::filesystem::rename(file_, old, failed);
  }
  ::flock(descriptor_.get(), LOCK_UN);
  if (failed) return;
  if (auto reopened = open_log(file_)) descriptor_ = std::move(*reopened);
}

std::string spoken_duration(cp::Duration duration) {
  using namespace std::chrono;
  const auto say = [](auto count, const char* unit) {
    return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
  };
  const auto seconds_left = duration_cast<seconds>(duration).count();
  if (seconds_left < 60) return say(seconds_left < 0 ? 0 : seconds_left, "second");
  if (seconds_left < 3600) return say(seconds_left / 60, "minute");
  if (seconds_left < 48 * 3600) return say(seconds_left / 3600, "hour");
  return say(seconds_left / 86400, "day");
}

}  // namespace credpool_cli
