#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/process.hpp>

#include <credpool/impl/core/sigpipe.hpp>
#include <credpool/impl/core/time_left.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline Unexpected process_failure(int number, const std::string& doing, const std::string& place) {
  const std::error_code failed{number, std::generic_category()};
  auto code = Errc::io;
  if (failed == std::errc::no_such_file_or_directory) code = Errc::not_found;
  if (failed == std::errc::permission_denied || failed == std::errc::operation_not_permitted)
    code = Errc::permission_denied;
  return fail(code, doing, place, failed.message());
}

struct ProcessPipe {
  Descriptor read, write;
};

/// Neither end is one of 0, 1 and 2, which the child's own would be put over.
inline Result<ProcessPipe> process_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return process_failure(errno, "making a pipe", {});
  ProcessPipe made{Descriptor{ends[0]}, Descriptor{ends[1]}};
  for (auto* end : {&made.read, &made.write}) {
    if (end->get() > 2) continue;
    Descriptor higher{::fcntl(end->get(), F_DUPFD_CLOEXEC, 3)};
    if (!higher) return process_failure(errno, "making a pipe", {});
    *end = std::move(higher);
  }
  return made;
}

struct ProcessTerminal {
  Descriptor ours, theirs;
  std::string name;
};

/// A terminal that repeats nothing of what we write to it, and breaks no line.
inline Result<ProcessTerminal> process_terminal() {
  const auto failed = [] { return process_failure(errno, "making a terminal", {}); };
  ProcessTerminal made;
  made.ours = Descriptor{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
  std::array<char, 128> name{};
  if (!made.ours || ::grantpt(made.ours.get()) != 0 || ::unlockpt(made.ours.get()) != 0 ||
      ::ptsname_r(made.ours.get(), name.data(), name.size()) != 0)
    return failed();
  made.name = name.data();
  made.theirs = Descriptor{::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  termios modes{};
  if (!made.theirs || ::tcgetattr(made.theirs.get(), &modes) != 0) return failed();
  modes.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  const winsize wide{50, 1000, 0, 0};
  if (::tcsetattr(made.theirs.get(), TCSANOW, &modes) != 0 ||
      ::ioctl(made.theirs.get(), TIOCSWINSZ, &wide) != 0)
    return failed();
  return made;
}

/// The settings of posix_spawn(3), given back at the end.
class ProcessSettings {
 public:
  ProcessSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~ProcessSettings() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ProcessSettings(const ProcessSettings&) = delete;
  ProcessSettings& operator=(const ProcessSettings&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

/// @param terminal the name of one that takes the place of the two; empty: none
/// @return 0 or an errno
inline int set_up_process(ProcessSettings& settings, const ProcessPlan& plan, int input, int output,
                          const std::string& terminal) {
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  // Where we ignore SIGPIPE it does so too: a reader that is gone must not kill it mid-way.
  ::sigdelset(&all, SIGPIPE);
  auto* const actions = &settings.actions;
  int failed = ::posix_spawnattr_setsigmask(&settings.attributes, &none);
  const auto then = [&failed](int result) {
    if (failed == 0) failed = result;
  };
  then(::posix_spawnattr_setsigdefault(&settings.attributes, &all));
  then(::posix_spawnattr_setflags(
      &settings.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  if (!terminal.empty()) {
    // Opened by the leader of a new session it becomes that session's own.
    then(::posix_spawn_file_actions_addopen(actions, 0, terminal.c_str(), O_RDWR, 0));
    then(::posix_spawn_file_actions_adddup2(actions, 0, 1));
    then(::posix_spawn_file_actions_adddup2(actions, 0, 2));
  } else {
    then(::posix_spawn_file_actions_adddup2(actions, input, 0));
    if (output >= 0) {
      then(::posix_spawn_file_actions_adddup2(actions, output, 1));
    } else {
      then(::posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0));
    }
    then(::posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0));
  }
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
  // Ours are all close-on-exec; those of the program that we are part of may not be.
  then(::posix_spawn_file_actions_addclosefrom_np(actions, 3));
#endif
#endif
  then(::posix_spawn_file_actions_addchdir_np(actions, plan.directory.c_str()));
  return failed;
}

/// Reads what there is. @return whether more may come
inline bool read_process_output(const Descriptor& from, std::string& text, std::size_t most) {
  std::array<char, 8192> chunk{};
  const auto got = ::read(from.get(), chunk.data(), chunk.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  text.append(chunk.data(), std::min(static_cast<std::size_t>(got), most - text.size()));
  return got > 0;
}

/// What is left to do for a program that was let go: draining, and seeing its end.
inline void see_process_off(pid_t child, const Descriptor& output) {
  std::string dropped;
  if (output) {
    ::fcntl(output.get(), F_SETFL, 0);
    while (read_process_output(output, dropped, 0)) {
    }
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace detail

CREDPOOL_INLINE Result<Process> Process::start(const ProcessPlan& plan) {
  const auto doing = "starting " + plan.program.filename().string();
  if (!plan.program.is_absolute() || !plan.directory.is_absolute())
    return fail(Errc::invalid_argument, doing, plan.program.string(), "give an absolute path");
  using MaybePipe = Result<detail::ProcessPipe>;
  auto terminal = plan.on_terminal ? detail::process_terminal()
                                   : Result<detail::ProcessTerminal>{detail::ProcessTerminal{}};
  if (!terminal) return fail(terminal.error());
  auto input = plan.on_terminal ? MaybePipe{detail::ProcessPipe{}} : detail::process_pipe();
  if (!input) return fail(input.error());
  auto output = plan.read_output && !plan.on_terminal ? detail::process_pipe()
                                                      : MaybePipe{detail::ProcessPipe{}};
  if (!output) return fail(output.error());

  const auto name = plan.program.string();
  std::vector<std::string> variables;
  for (const auto& [key, value] : plan.variables) variables.emplace_back(key).append("=" + value);
  std::vector<char*> argv{const_cast<char*>(name.c_str())}, envp;
  for (const auto& argument : plan.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const auto& variable : variables) envp.push_back(const_cast<char*>(variable.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);

  detail::ProcessSettings settings;
  int failed = detail::set_up_process(settings, plan, input->read.get(), output->write.get(),
                                      terminal->name);
  Process process;
  if (failed == 0)
    failed = ::posix_spawn(&process.child_, name.c_str(), &settings.actions, &settings.attributes,
                           argv.data(), envp.data());
  if (failed != 0) {
    process.child_ = -1;
    return detail::process_failure(failed, doing, name);
  }
  if (plan.on_terminal) {
    process.input_ = Descriptor{::fcntl(terminal->ours.get(), F_DUPFD_CLOEXEC, 3)};
    process.output_ = std::move(terminal->ours);
  } else {
    process.input_ = std::move(input->write);
    process.output_ = std::move(output->read);
  }
  process.max_output_ = plan.max_output;
  ::fcntl(process.input_.get(), F_SETFL, O_NONBLOCK);
  if (process.output_) ::fcntl(process.output_.get(), F_SETFL, O_NONBLOCK);
  return process;
}

CREDPOOL_INLINE Process::Process(Process&& other) noexcept
    : child_{std::exchange(other.child_, -1)},
      end_{other.end_},
      input_{std::move(other.input_)},
      output_{std::move(other.output_)},
      max_output_{other.max_output_},
      text_{std::move(other.text_)},
      held_{std::move(other.held_)} {}

CREDPOOL_INLINE Process::~Process() {
  input_.reset();
  if (child_ < 0 || wait(Duration{0})) return;
  // Its output stays open at our end for as long as it runs: a write to a closed pipe could end it
  // between the server's answer and its own store.
  struct LetGo {
    pid_t child;
    Descriptor output;
    std::shared_ptr<const void> held;
  };
  std::unique_ptr<LetGo> left;
  try {
    left = std::make_unique<LetGo>(LetGo{child_, std::move(output_), std::move(held_)});
    std::thread{[left = left.get()] {
      const std::unique_ptr<LetGo> owned{left};
      detail::see_process_off(owned->child, owned->output);
    }}.detach();
  } catch (const std::exception&) {
    // No thread is to be had: what it needs stays open until this process ends.
  }
  (void)left.release();
}

CREDPOOL_INLINE Result<void> Process::write(std::string_view text, Duration patience) {
  const std::string doing = "writing to a program that was started";
  const detail::SigpipeHeldBack held_back;
  const auto deadline = SystemClock{}.steady() + patience;
  while (!text.empty()) {
    const auto put = ::write(input_.get(), text.data(), text.size());
    if (put > 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno != EAGAIN) return detail::process_failure(errno, doing, {});
    const auto left = detail::time_left(deadline);
    if (left == Duration{0}) return fail(Errc::timeout, doing, {}, "it does not read");
    drain(std::min(left, Duration{10}));
  }
  return {};
}

CREDPOOL_INLINE void Process::drain(Duration patience) {
  if (!output_) {
    std::this_thread::sleep_for(patience);
    return;
  }
  pollfd wanted{output_.get(), POLLIN, 0};
  if (::poll(&wanted, 1, static_cast<int>(patience.count())) > 0 &&
      !detail::read_process_output(output_, text_, max_output_))
    output_.reset();
}

CREDPOOL_INLINE bool Process::read_until(const std::function<bool(std::string_view)>& enough,
                                         Duration patience) {
  const auto deadline = SystemClock{}.steady() + patience;
  while (true) {
    if (enough(text_)) return true;
    const auto left = detail::time_left(deadline);
    if (!output_ || left == Duration{0}) return false;
    drain(left);
  }
}

CREDPOOL_INLINE void Process::stop(Duration patience) {
  // It leads a session and a group of its own, and its number is not given away until it was seen
  // to end.
  if (child_ < 0 || wait(Duration{0})) return;
  ::kill(-child_, SIGTERM);
  const auto has_ended = [this] {  // without taking its number back
    siginfo_t ended{};
    return ::waitid(P_PID, static_cast<id_t>(child_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           ended.si_pid != 0;
  };
  const auto deadline = SystemClock{}.steady() + patience;
  while (!has_ended()) {
    const auto left = detail::time_left(deadline);
    if (left == Duration{0}) break;
    drain(std::min(left, Duration{5}));
  }
  // What it started goes with it, also when that has not ended by itself.
  ::kill(-child_, SIGKILL);
  (void)wait(std::chrono::seconds{5});
}

CREDPOOL_INLINE std::optional<ProcessEnd> Process::wait(Duration patience) {
  const auto deadline = SystemClock{}.steady() + patience;
  while (!end_) {
    int status = 0;
    const auto ended = ::waitpid(child_, &status, WNOHANG);
    // Where somebody else collects our children its status is gone, and it has ended.
    if (ended == child_ || (ended < 0 && errno == ECHILD)) {
      end_ = ProcessEnd{};
      if (WIFEXITED(status)) end_->exit_code = WEXITSTATUS(status);
      if (WIFSIGNALED(status)) end_->signal = WTERMSIG(status);
      held_.reset();
      while (output_) {
        const auto before = text_.size();
        drain(Duration{0});
        if (text_.size() == before) break;
      }
      break;
    }
    const auto left = detail::time_left(deadline);
    if (left == Duration{0}) break;
    drain(std::min(left, Duration{5}));
  }
  return end_;
}

}  // namespace credpool::inline CREDPOOL_ABI
