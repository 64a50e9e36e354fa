// SPDX-License-Identifier: MIT
// rpc: calls a method of the running server, or serves the methods on standard input and output.
#include "activity_methods.hpp"
#include "flow_methods.hpp"
#include "gateway.hpp"
#include "rpc_client.hpp"
#include "rpc_methods.hpp"
#include "serving_pool.hpp"

#include "../credpool/commands.hpp"

#include <credpool/core/file.hpp>

#include <cstdio>
#include <iostream>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t most_input_bytes = 1024 * 1024;

/// The parameters: JSON itself, "@FILE", or "-" for standard input.
cp::Result<Json> parameters(const Session& session, const std::string& given) {
  std::string text = given;
  if (given == "-") {
    text.clear();
    char buffer[4096];
    while (const auto got = std::fread(buffer, 1, sizeof buffer, stdin)) {
      text.append(buffer, got);
      if (text.size() > most_input_bytes)
        return cp::fail(cp::Errc::too_large, "reading the parameters", "standard input");
    }
  } else if (given.starts_with('@')) {
    const auto file = cp::read_file(session.environment().expand(given.substr(1)),
                                    session.environment(), {.max_bytes = most_input_bytes});
    if (!file) return cp::fail(file.error());
    text = file->bytes.reveal();
  }
  auto params = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  if (!params.is_object())
    return cp::fail(cp::Errc::invalid_argument, "reading the parameters", "--params",
                    R"(they are a JSON object, as {"cli": "kimi-cli"}; @FILE or - read one)");
  return params;
}

int refuse(const Session& session, const RpcRefusal& refusal) {
  if (session.options().json) {
    session.print_json(
        Json{{"error",
              {{"code", cp::to_string(refusal.errc)},
               {"message", harmless(refusal.message)},
               {"hint", harmless(refusal.hint)},
               {"retryAt", refusal.retry_at.empty() ? Json(nullptr) : Json(refusal.retry_at)}}}});
  } else {
    auto text = refusal.message;
    if (!refusal.hint.empty() && text.find(refusal.hint) == std::string::npos)
      text += " (" + refusal.hint + ")";
    std::fprintf(stderr, "%s %s\n", styled(session.err(), Style::bad, "error:").c_str(),
                 harmless(text).c_str());
  }
  return cp::exit_code(cp::Error{refusal.errc, {}, {}, {}});
}

/// One line; what is over the bound is read and dropped.
/// @return false at the end
bool read_line(std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  for (int c = std::getc(stdin); c != EOF; c = std::getc(stdin)) {
    if (c == '\n') return true;
    if (line.size() < most_input_bytes)
      line.push_back(static_cast<char>(c));
    else
      too_long = true;
  }
  return !line.empty();
}

int serve_lines(const Session& session) {
  auto pool = ServingPool::open(session, {}, false);
  if (!pool) return session.fail(pool.error());
  cp::EventHub events;
  Activity activity{activity_options(session, **pool, events)};
  FlowBook flows{flow_events(events)};
  GatewayContext context{session, **pool, nullptr, events, activity, flows, [] {}};
  cp::RpcDispatcher dispatcher;
  dispatcher.on_fault([&](std::string_view method, std::string_view what) {
    session.warn("fault in " + std::string{method} + ": " + harmless(what));
  });
  add_methods(dispatcher, context);

  const cp::RpcCaller caller{cp::Scopes::all(), "stdio", true};
  std::string line;
  bool too_long = false;
  while (read_line(line, too_long)) {
    if (!too_long && line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (too_long) line.push_back('x');  // one more than the dispatcher takes: it says so
    (*pool)->look(false);
    const auto answer = dispatcher.handle(line, caller);
    cp::wipe(line.data(), line.size());
    if (answer.empty()) continue;
    session.print(answer + "\n");
    if (std::fflush(stdout) != 0) break;  // nobody reads on
  }
  return 0;
}

}  // namespace

int run_rpc(Session& session, const RpcOptions& options) {
  if (options.stdio) return serve_lines(session);
  if (options.method.empty())
    return session.fail({cp::Errc::invalid_argument, "calling a method", "METHOD",
                         "name one; `credpool rpc rpc.discover` lists them"});
  const auto params = parameters(session, options.params);
  if (!params) return session.fail(params.error());
  const auto place = find_server(session, {options.url, options.token_file});
  if (!place) return session.fail(place.error());
  const auto outcome = call_method(session, *place, options.method, *params);
  if (!outcome) return session.fail(outcome.error());
  if (outcome->refusal) return refuse(session, *outcome->refusal);
  session.print_json(outcome->result);
  return 0;
}

}  // namespace credpool_cli
