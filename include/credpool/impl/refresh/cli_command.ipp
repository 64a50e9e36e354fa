#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/cli_command.hpp>

#include <credpool/core/file_lock.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/core/time_left.hpp>
#include <credpool/impl/refresh/own_file.hpp>
#include <credpool/refresh/cli_program.hpp>
#include <credpool/refresh/refreshed.hpp>
#include <credpool/refresh/process.hpp>

#include <algorithm>
#include <array>
#include <chrono>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// What the program needs to hear to refresh its login.
enum class CliTalk {
  codex,       ///< its app-server protocol
  hold_input,  ///< nothing, but its input stays open for a while
  acp,         ///< one initialize; it refreshes in the background
  silent,      ///< nothing
};

/// The whole choice of what may be run.
struct CliRefresh {
  std::string_view cli;
  std::string_view program;
  std::array<std::string_view, 2> arguments;  ///< empty ones are not passed
  CliTalk talk;
  Duration threshold;  ///< it refreshes a token that lives no longer than that
};

inline constexpr std::array<CliRefresh, 4> cli_refreshes{{
    {"codex-cli", "codex", {"app-server", ""}, CliTalk::codex, Duration{300'000}},
    {"claude-cli", "claude", {"mcp", "serve"}, CliTalk::hold_input, Duration{300'000}},
    {"qwen-cli", "qwen", {"--acp", ""}, CliTalk::acp, Duration{30'000}},
    {"gemini-cli", "gemini", {"--list-sessions", ""}, CliTalk::silent, Duration{300'000}},
}};

inline const CliRefresh* find_cli_refresh(std::string_view cli) noexcept {
  const auto found = std::find_if(cli_refreshes.begin(), cli_refreshes.end(),
                                  [&](const CliRefresh& each) { return each.cli == cli; });
  return found == cli_refreshes.end() ? nullptr : &*found;
}

inline ProcessPlan cli_plan(const CliRefresh& how, std::filesystem::path program,
                            const Environment& environment) {
  ProcessPlan plan;
  plan.program = std::move(program);
  for (const auto argument : how.arguments)
    if (!argument.empty()) plan.arguments.emplace_back(argument);
  plan.variables = cli_variables(environment);
  plan.variables["TERM"] = "dumb";
  plan.variables["NO_COLOR"] = "1";
  plan.variables["NO_BROWSER"] = "1";
  plan.variables["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1";
  plan.variables["DISABLE_AUTOUPDATER"] = "1";
  // Not the directory that we were started in: its project files may tell the CLI what to run.
  if (const auto home = environment.home()) plan.directory = *home;
  // Only codex answers what we ask. The others' output goes nowhere: when this process dies, no
  // write to a pipe without a reader can end them.
  plan.read_output = how.talk == CliTalk::codex;
  return plan;
}

/// Whether a line of the output answers the request of that number.
inline bool cli_answered(std::string_view output, int id) {
  while (!output.empty()) {
    const auto end = output.find('\n');
    if (end == std::string_view::npos) return false;
    const auto line = parse_json(output.substr(0, end));
    const auto* number = line ? member(*line, "id") : nullptr;
    if (number != nullptr && *number == id) return true;
    output.remove_prefix(end + 1);
  }
  return false;
}

/// Looks at a login's store until it holds other tokens than before.
class CliStoreWatch {
 public:
  CliStoreWatch(const LoginStore& store, const StoredTokens& before)
      : store_{&store},
        access_{token_hash(before.access_token.reveal())},
        refresh_{token_hash(before.refresh_token.reveal())} {}

  /// Looks once. What cannot be read may be a write that is under way.
  bool changed() {
    last_ = store_->read();
    return *last_ && !(*last_)->tokens.access_token.empty() &&
           (token_hash((*last_)->tokens.access_token.reveal()) != access_ ||
            token_hash((*last_)->tokens.refresh_token.reveal()) != refresh_);
  }

  /// Until it changed, the program ended or the time is over.
  bool changes(Process& program, std::chrono::nanoseconds deadline, Duration look) {
    while (!changed()) {
      const auto left = time_left(deadline);
      if (left == Duration{0}) return false;
      if (program.wait(std::min(left, look))) return changed();
    }
    return true;
  }

  /// The last look; at least one was taken.
  const Result<StoredLogin>& last() const { return *last_; }

 private:
  const LoginStore* store_;
  std::string access_;
  std::string refresh_;
  std::optional<Result<StoredLogin>> last_;
};

/// Says what the program needs to hear. A program that does not listen shows by its end, or by the
/// store that stays as it was.
inline void talk_to_cli(const CliRefresh& how, Process& program, CliStoreWatch& watch,
                        bool must_force, const CliCommandLimits& limits,
                        std::chrono::nanoseconds deadline) {
  constexpr std::chrono::seconds to_write{5};
  const auto say = [&](const Json& message) {
    return program.write(dump_json(message) + '\n', to_write).has_value();
  };
  const Json client{
      {"name", "credpool"}, {"title", "credpool"}, {"version", CREDPOOL_VERSION_STRING}};
  switch (how.talk) {
    case CliTalk::codex:
      if (say({{"id", 1}, {"method", "initialize"}, {"params", {{"clientInfo", client}}}}) &&
          program.read_until([](auto text) { return cli_answered(text, 1); },
                             time_left(deadline)) &&
          say({{"method", "initialized"}}) &&
          // An expired token is refreshed at the start already: forcing it would spend two.
          say({{"id", 4},
               {"method", "getAuthStatus"},
               {"params", {{"includeToken", false}, {"refreshToken", must_force}}}}))
        program.read_until([](auto text) { return cli_answered(text, 4); }, time_left(deadline));
      break;
    case CliTalk::hold_input:
      watch.changes(program, std::min(deadline, SystemClock{}.steady() + limits.hold_input),
                    limits.look);
      break;
    case CliTalk::acp:
      if (say({{"jsonrpc", "2.0"},
               {"id", 1},
               {"method", "initialize"},
               {"params", {{"protocolVersion", 1}, {"clientCapabilities", Json::object()}}}}))
        watch.changes(program, deadline, limits.look);
      break;
    case CliTalk::silent:
      break;
  }
  program.close_input();
}

/// What became of a login whose CLI has not changed its tokens.
inline Unexpected cli_changed_nothing(const CliRefresh& how, const std::optional<ProcessEnd>& end,
                                      const Result<StoredLogin>& store,
                                      const std::filesystem::path& file) {
  const std::string program{how.program};
  const auto doing = "letting " + program + " refresh its login";
  if (!end)
    return fail(Errc::outcome_unknown, doing, file.string(),
                "unconfirmed: " + program + " is still at it and was left alone; look again later");
  if ((store && store->signed_out()) || (!store && store.error().errc() == Errc::not_found))
    return fail(Errc::login_needed, doing, file.string(),
                program + " signed itself out: log in again with " + program);
  if (!store) return fail(store.error());
  return fail(Errc::network, doing, file.string(),
              program + " ended with " +
                  (end->signal != 0 ? "signal " + std::to_string(end->signal)
                                    : "status " + std::to_string(end->exit_code)) +
                  " and left its store as it was; run it once to see what it says");
}

/// @return what there is to say without running anything; none when the CLI is to be run
inline std::optional<Result<ExchangeReport>> cli_before(const CliRefresh& how,
                                                        const LoginStore& store,
                                                        const StoredLogin& before,
                                                        const ExchangeRequest& request,
                                                        TimePoint now) {
  const auto& tokens = before.tokens;
  ExchangeReport report;
  report.tokens = tokens;
  if (before.signed_out())
    return fail(Errc::login_needed, "refreshing a login", store.file().string(),
                "log in again with " + std::string{how.program});
  if (!request.refused_token.empty() &&
      token_hash(tokens.access_token.reveal()) != request.refused_token) {
    report.outcome = ExchangeOutcome::adopted;
    return report;
  }
  if (!tokens.expires_at) return std::nullopt;
  const bool must = request.force || !request.refused_token.empty();
  const auto left = *tokens.expires_at - now;
  if (!must && left > store.advisory_window(tokens.lifetime.value_or(Duration{0}))) return report;
  if (left <= how.threshold || how.talk == CliTalk::codex) return std::nullopt;
  const auto refreshes = std::string{how.program} + " refreshes it by itself no earlier than " +
                         std::to_string(how.threshold.count() / 1000) + " s before its end";
  if (must)
    return fail(Errc::unsupported, "letting " + std::string{how.program} + " refresh its login",
                store.file().string(), refreshes);
  report.outcome = ExchangeOutcome::kept;
  report.retry_at = *tokens.expires_at - how.threshold;
  report.note = refreshes;
  return report;
}

}  // namespace detail

CREDPOOL_INLINE bool cli_can_refresh(std::string_view cli) noexcept {
  return detail::find_cli_refresh(cli) != nullptr;
}

CREDPOOL_INLINE Result<ExchangeReport> refresh_by_cli(const LoginStore& store,
                                                      const ExchangeRequest& request,
                                                      const Environment& environment, TimePoint now,
                                                      const CliCommandLimits& limits) {
  const auto* how = detail::find_cli_refresh(store.cli());
  if (how == nullptr)
    return fail(Errc::unsupported, "refreshing a login by its CLI", std::string{store.cli()},
                "no command of it refreshes without asking a model");
  // The lock of our own exchange: the two exclude each other.
  const auto files = detail::ExchangeFiles::beside(store.file());
  const auto& file = files.target;
  auto taken =
      FileLock::take(files.lock, request.patience, "waiting for another refresh of this login");
  if (!taken) return fail(taken.error());
  const auto lock = std::make_shared<const FileLock>(std::move(*taken));
  std::error_code unreachable;  // what cannot be looked at cannot be read either
  if (std::filesystem::exists(files.journal, unreachable))
    return fail(Errc::conflict, "refreshing a login by its CLI", file.string(),
                "an exchange of ours was cut off and may hold the newer tokens: let "
                "oauth-refresh finish it first");
  const auto before = store.read();
  if (!before) return fail(before.error());
  if (auto told = detail::cli_before(*how, store, *before, request, now)) return std::move(*told);

  const auto path = find_cli_program(
      how->program, "letting " + std::string{how->program} + " refresh its login", environment);
  if (!path) return fail(path.error());
  auto program = Process::start(detail::cli_plan(*how, *path, environment));
  if (!program) return fail(program.error());
  program->hold(lock);
  const auto& tokens = before->tokens;
  const bool fresh = !tokens.expires_at || *tokens.expires_at - now > how->threshold;
  detail::CliStoreWatch watch{store, tokens};
  const auto deadline = SystemClock{}.steady() + limits.change;
  detail::talk_to_cli(*how, *program, watch, fresh, limits, deadline);
  const bool changed = watch.changes(*program, deadline, limits.look);
  const auto end = program->wait(changed ? limits.end : Duration{0});
  if (!changed) return detail::cli_changed_nothing(*how, end, watch.last(), file);

  // Once more: it may have written again before its end.
  const auto after = store.read();
  if (!after) return fail(after.error());
  if (!tokens.account_id.empty() && !after->tokens.account_id.empty() &&
      tokens.account_id != after->tokens.account_id)
    return fail(Errc::account_changed, "refreshing a login", file.string(),
                "somebody logged in with another account meanwhile");
  ExchangeReport report;
  report.outcome = ExchangeOutcome::exchanged;
  report.tokens = after->tokens;
  return report;
}

CREDPOOL_INLINE bool CliCommand::can_refresh(const Credential& credential) const noexcept {
  return credential.kind == Kind::oauth && credential.ownership != Ownership::adopt &&
         !credential.refresh_token.empty() && cli_can_refresh(credential.cli);
}

CREDPOOL_INLINE Result<ExchangeReport> CliCommand::run(const Credential& credential,
                                                       const ExchangeRequest& request) {
  const auto store = login_store_(credential);
  if (!store) return fail(store.error());
  return refresh_by_cli(**store, request, environment_, now_(), limits_);
}

CREDPOOL_INLINE Result<Credential> CliCommand::refresh(const Credential& credential,
                                                       const RefreshContext&) {
  const auto report = run(credential, refresh_request_of(credential));
  if (!report) return fail(report.error());
  auto fresh = refreshed(credential, *report);
  if (const auto* how = detail::find_cli_refresh(credential.cli); how && fresh.expires_at)
    fresh.refresh_at = *fresh.expires_at - how->threshold;
  return fresh;
}

}  // namespace credpool::inline CREDPOOL_ABI
