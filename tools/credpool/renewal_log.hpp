#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

namespace credpool_cli {

/// The log of renewals, for people: "[2026-11-21 05:35:00] text", in local time, never a secret.
///
/// It goes to standard output, or to a file (0600) that several processes append to and that is
/// moved to "<file>.1" when it passes 1 MiB.
/// @thread_safety safe
class RenewalLog {
 public:
  /// @param file empty: standard output
  /// @errors those of making its directory and of opening it; unsafe_file for a link
  static credpool::Result<RenewalLog> open(const std::filesystem::path& file);

  RenewalLog(RenewalLog&&) noexcept;

  void say(credpool::TimePoint now, std::string_view text);

 private:
  RenewalLog(std::filesystem::path file, credpool::Descriptor descriptor) noexcept
      : file_{std::move(file)}, descriptor_{std::move(descriptor)} {}

  void move_on();

  std::mutex mutex_;
  std::filesystem::path file_;
  credpool::Descriptor descriptor_;
};

/// "15 minutes", "2 hours", "40 seconds": whole units, rounded down.
std::string spoken_duration(credpool::Duration duration);

}  // namespace credpool_cli
