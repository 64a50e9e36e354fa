#pragma once
// SPDX-License-Identifier: MIT

#include "presentation.hpp"
#include "terminal.hpp"

#include <credpool/core/clock.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <string>

namespace credpool_cli {

/// What stands before the command.
struct GlobalOptions {
  bool json = false;
  bool no_colour = false;
  std::string config;
  std::string state_directory;
  std::string store;
  char** arguments = nullptr;  ///< what this process was started with; not owned
};

/// One run of the command line: the world it runs in and where it prints to.
class Session {
 public:
  explicit Session(GlobalOptions options);
  /// The same in another world: the demo.
  Session(GlobalOptions options, credpool::Environment environment);

  /// The same session for work that nobody watches: it shows no progress.
  Session quiet() const;

  const GlobalOptions& options() const noexcept { return options_; }
  const credpool::Environment& environment() const noexcept { return environment_; }
  const Terminal& out() const noexcept { return out_; }
  const Terminal& err() const noexcept { return err_; }
  credpool::TimePoint now() const noexcept { return clock_.now(); }

  /// Prints text on standard output.
  void print(const std::string& text) const;
  /// Prints a JSON document on standard output.
  void print_json(const Json& document) const;
  /// Prints a line for a person on standard error; nothing with --json.
  void note(const std::string& text) const;
  void warn(const std::string& text) const;
  /// Prints an error (text on standard error, or JSON on standard output) and returns its exit
  /// code.
  int fail(const credpool::Error& error) const;

 private:
  GlobalOptions options_;
  credpool::Environment environment_;
  credpool::SystemClock clock_;
  Terminal out_;
  Terminal err_;
};

}  // namespace credpool_cli
