#pragma once
// SPDX-License-Identifier: MIT

#include <chrono>

namespace credpool_cli {

/// Gives the system back what a process that waits does not need: code and constants that were
/// mapped to start it, or to do work that has passed, and what is free of its heap. Code is read
/// from its files' pages again when it is wanted, a few microseconds for each 64 KiB.
/// @thread_safety safe
void give_back_idle_memory() noexcept;

/// When a process has come to rest.
class IdleWatch {
 public:
  /// To be called about once a second.
  /// @return once for each rest: it has used half a hundredth of a processor at most for half a
  ///         minute, and more before that
  bool comes_to_rest();

 private:
  static constexpr int seconds = 30;
  static constexpr std::chrono::milliseconds little{150};  ///< of processor time in that

  std::chrono::nanoseconds used_{};  ///< when the half minute began
  int second_ = 0;
  bool rests_ = true;  ///< as it begins: starting is known to its caller
};

}  // namespace credpool_cli
