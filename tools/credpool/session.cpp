// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <cstdio>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// The process's environment; options count more than the variables they stand for.
cp::Environment world(const GlobalOptions& options, cp::Environment environment) {
  if (!options.config.empty())
    environment = environment.with_variable("CREDPOOL_CONFIG", options.config);
  if (!options.state_directory.empty())
    environment = environment.with_variable("CREDPOOL_STATE_DIRECTORY", options.state_directory);
  if (!options.store.empty())
    environment = environment.with_variable("CREDPOOL_STORE", options.store);
  return environment;
}

}  // namespace

Session::Session(GlobalOptions options)
    : Session{std::move(options), cp::Environment::of_process()} {}

Session::Session(GlobalOptions options, cp::Environment environment)
    : options_{std::move(options)},
      environment_{world(options_, std::move(environment))},
      out_{Terminal::of(stdout, options_.no_colour || options_.json)},
      err_{Terminal::of(stderr, options_.no_colour)} {}

Session Session::quiet() const {
  auto copy = *this;
  copy.out_.is_terminal = copy.err_.is_terminal = false;
  return copy;
}

void Session::print(const std::string& text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Session::print_json(const Json& document) const {
  print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Session::note(const std::string& text) const {
  if (!options_.json) std::fprintf(stderr, "%s\n", text.c_str());
}

void Session::warn(const std::string& text) const {
  std::fprintf(stderr, "%s %s\n", styled(err_, Style::warning, "warning:").c_str(), text.c_str());
}

int Session::fail(const cp::Error& error) const {
  const auto message = harmless(error.message());
  if (options_.json) {
    print_json(Json{{"error",
                     {{"code", cp::to_string(error.errc())},
                      {"message", message},
                      {"hint", harmless(error.hint)},
                      {"retryAt", time_json(error.retry_at)}}}});
  } else {
    std::fprintf(stderr, "%s %s\n", styled(err_, Style::bad, "error:").c_str(),
                 with_short_home(message, environment_).c_str());
  }
  return cp::exit_code(error);
}

}  // namespace credpool_cli
