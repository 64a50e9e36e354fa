#pragma once
// SPDX-License-Identifier: MIT

#include "terminal.hpp"

#include <credpool/core/clock.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace openclaw_token {

using Json = nlohmann::ordered_json;

/// What counts for every command.
struct GlobalOptions {
  bool json = false;
  bool mock = false;
  bool verbose = false;
  bool no_colour = false;
  bool insecure_http = false;
  std::optional<std::string> profile;  ///< --profile
  char** arguments = nullptr;          ///< what this process was started with; not owned
};

/// One run: the world it runs in and what it prints.
///
/// Standard output carries the result and nothing else; warnings, questions, progress and errors
/// for people go to standard error. With --json an error is a JSON document on standard output.
class Session {
 public:
  Session(GlobalOptions options, credpool::Environment environment);

  const GlobalOptions& options() const noexcept { return options_; }
  bool json() const noexcept { return options_.json; }
  const credpool::Environment& environment() const noexcept { return environment_; }
  const credpool_cli::Terminal& out() const noexcept { return out_; }
  const credpool_cli::Terminal& err() const noexcept { return err_; }
  credpool::TimePoint now() const noexcept { return clock_.now(); }
  /// "2026-11-21T12:00:00.000Z", as the server writes dates.
  std::string timestamp() const;

  void print(std::string_view text) const;
  void print_json(const Json& document) const;
  /// The JSON on one line.
  void print_json_line(const Json& document) const;
  /// A line with a check mark on standard output; nothing with --json.
  void success(const std::string& text) const;
  void warn(const std::string& text) const;
  void info(const std::string& text) const;
  /// A line that only --verbose shows. Its text must not hold a secret.
  void trace(const std::string& text) const;

  /// Prints the error and keeps it for the audit log. @return the exit code, 1
  int fail(const credpool::Error& error);
  /// The same where JSON is printed line by line.
  int fail_line(const credpool::Error& error);
  /// The last error that was printed.
  const std::optional<std::string>& failure() const noexcept { return failure_; }

 private:
  int fail_as(const credpool::Error& error, void (Session::*print)(const Json&) const);
  void note(credpool_cli::Style style, std::string_view mark, const std::string& text) const;

  GlobalOptions options_;
  credpool::Environment environment_;
  credpool::SystemClock clock_;
  credpool_cli::Terminal out_;
  credpool_cli::Terminal err_;
  std::optional<std::string> failure_;
};

/// "2026-11-21T12:00:00.000Z"
std::string timestamp_of(credpool::TimePoint when);

}  // namespace openclaw_token
