#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace credpool::inline CREDPOOL_ABI {

/// Which program is started, and how. Nothing is taken over from this process besides its user.
struct ProcessPlan {
  std::filesystem::path program;                              ///< absolute; no shell is involved
  std::vector<std::string> arguments;                         ///< without the program's own name
  std::map<std::string, std::string, std::less<>> variables;  ///< its whole environment
  std::filesystem::path directory = "/";                      ///< where it runs; absolute
  /// Its standard output is read by us; otherwise it goes nowhere, as standard error always does.
  bool read_output = false;
  /// All three of its streams are a terminal of its own, without echo and very wide, whose other
  /// end is ours: for programs that say less to a pipe. What it writes is read by us.
  bool on_terminal = false;
  std::size_t max_output = 256 * 1024;  ///< what comes after that is read and dropped
};

/// How a process ended.
struct ProcessEnd {
  int exit_code = 0;  ///< with `signal` 0
  int signal = 0;     ///< what killed it; 0: it ended by itself
};

/// A program that runs for us, in a session of its own: our terminal's Ctrl-C does not reach it.
///
/// It is never sent a signal unless stop() is called. When the object goes while the program still
/// runs, the program is let go: its output is still drained, by a thread, so that it may finish
/// what it is about.
///
/// @thread_safety one object: caller serialises
class Process {
 public:
  /// Starts the program with descriptors 0, 1 and 2 and no others.
  /// @errors invalid_argument for a path that is not absolute; not_found, permission_denied, io
  /// @effects a child process
  static Result<Process> start(const ProcessPlan& plan);

  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  pid_t id() const noexcept { return child_; }

  /// Writes to its standard input.
  /// @errors timeout when it does not read; io when it reads no more
  Result<void> write(std::string_view text, Duration patience);

  /// Ends its standard input.
  void close_input() noexcept { input_.reset(); }

  /// Reads its output until `enough` likes all that came so far, it has ended, or the time is over.
  /// @return what `enough` said last; false when the output is not read
  bool read_until(const std::function<bool(std::string_view output)>& enough, Duration patience);

  /// What was read so far. Bytes of a foreign program: not for a terminal.
  const std::string& output() const noexcept { return text_; }

  /// The same, and it is forgotten: for who reads it as it comes.
  std::string take_output() { return std::exchange(text_, {}); }

  /// Ends the program and what it started, for one that may be ended at any time: SIGTERM, and
  /// SIGKILL when that is not enough, and for what is left when it has ended. Nothing happens when
  /// it had ended before.
  void stop(Duration patience);

  /// Waits for its end, and reads its output meanwhile.
  /// @return none when it still runs
  std::optional<ProcessEnd> wait(Duration patience);

  /// Holds something until the program was seen to end, also after it was let go.
  void hold(std::shared_ptr<const void> held) { held_ = std::move(held); }

 private:
  Process() = default;
  void drain(Duration patience);

  pid_t child_ = -1;  ///< -1: moved away
  std::optional<ProcessEnd> end_;
  Descriptor input_;
  Descriptor output_;
  std::size_t max_output_ = 0;
  std::string text_;
  std::shared_ptr<const void> held_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/process.ipp>
#endif
