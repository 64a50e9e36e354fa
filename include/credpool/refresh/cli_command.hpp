#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/credential/login_store.hpp>
#include <credpool/refresh/concept.hpp>
#include <credpool/refresh/exchange.hpp>
#include <credpool/refresh/exchanger.hpp>

#include <functional>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// How long what takes. The defaults are what the CLIs were seen to need, and some more.
struct CliCommandLimits {
  Duration hold_input{2'500};  ///< claude: how long its standard input stays open
  Duration change{60'000};     ///< for the CLI to have changed its store, from its start
  Duration end{5'000};         ///< for it to end after that
  Duration look{50};           ///< between two looks at the store
};

/// Whether refresh_by_cli() knows how to make that CLI refresh its login.
bool cli_can_refresh(std::string_view cli) noexcept;

/// Lets a login's own CLI refresh it: by a command that asks no model and no person.
///
/// codex `app-server`, claude `mcp serve`, qwen `--acp`, gemini `--list-sessions`: nothing else is
/// ever run. The program is looked up on the path of `environment` (absolute entries only) and runs
/// without a shell, in a session of its own, with a few variables and no key. It is never sent a
/// signal: one that was killed in the middle of its request has lost its login. It is judged by
/// what its store holds afterwards, not by its exit status. Our lock of that login is held until
/// the program has ended, also when we stopped waiting for it, while this process lives.
///
/// Only codex can be made to refresh a token that its CLI takes for fresh.
///
/// @return still_fresh; adopted when the store had another token than the refused one already;
///         exchanged; kept, with `retry_at`, when the CLI itself would not refresh it yet
/// @errors unsupported for another CLI, or for a token that this CLI would not refresh yet but must
///         be; not_found when the program is not on the path; unsafe_file when others could change
///         it; busy when our lock was not to be had; conflict when a cut-off exchange of ours has
///         to be finished first; login_needed when the CLI signed itself out; account_changed;
///         network when it ended and its store is as it was; outcome_unknown when we stopped
///         waiting; those of the store
/// @effects a child process, which uses the network and writes its store
/// @source runs of codex 0.169.0, claude-code 2.1.329, qwen-code 0.24.4 and gemini-cli 0.61.0
Result<ExchangeReport> refresh_by_cli(const LoginStore& store, const ExchangeRequest& request,
                                      const Environment& environment, TimePoint now,
                                      const CliCommandLimits& limits = {});

/// The refresh method "cli-command": see refresh_by_cli(). Also an Exchanger.
///
/// @thread_safety safe when the functions are
class CliCommand {
 public:
  static constexpr std::string_view name = "cli-command";
  static constexpr bool interactive = false;

  CliCommand(LoginStoreOf login_store, Environment environment, std::function<TimePoint()> now,
             CliCommandLimits limits = {})
      : login_store_{std::move(login_store)},
        environment_{std::move(environment)},
        now_{std::move(now)},
        limits_{limits} {}

  /// Whether it is the login of a CLI that can do it, in that CLI's own store.
  bool can_refresh(const Credential& credential) const noexcept;

  /// Refreshes it when it is due, or when its status says that its token is no longer accepted.
  Result<Credential> refresh(const Credential& credential, const RefreshContext& context);

  Result<ExchangeReport> run(const Credential& credential, const ExchangeRequest& request);

 private:
  LoginStoreOf login_store_;
  Environment environment_;
  std::function<TimePoint()> now_;
  CliCommandLimits limits_;
};
static_assert(RefreshMethod<CliCommand> && Exchanger<CliCommand>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/cli_command.ipp>
#endif
