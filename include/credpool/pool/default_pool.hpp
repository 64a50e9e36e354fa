#pragma once
// SPDX-License-Identifier: MIT
// The one list of all models: a new source or policy is added here and in the umbrella header.

#include <credpool/pool/pool.hpp>
#include <credpool/rotation/fill_first.hpp>
#include <credpool/rotation/health_based.hpp>
#include <credpool/rotation/latency.hpp>
#include <credpool/rotation/least_used.hpp>
#include <credpool/rotation/one_of.hpp>
#include <credpool/rotation/p2c.hpp>
#include <credpool/rotation/pinned.hpp>
#include <credpool/rotation/priority.hpp>
#include <credpool/rotation/quota_aware.hpp>
#include <credpool/rotation/round_robin.hpp>
#include <credpool/rotation/weighted.hpp>
#include <credpool/source/aider.hpp>
#include <credpool/source/amp.hpp>
#include <credpool/source/antigravity.hpp>
#include <credpool/source/claude_cli.hpp>
#include <credpool/source/codex_cli.hpp>
#include <credpool/source/copilot_cli.hpp>
#include <credpool/source/copilot_editors.hpp>
#include <credpool/source/cursor_cli.hpp>
#include <credpool/source/dotenv.hpp>
#include <credpool/source/droid.hpp>
#include <credpool/source/env_keys.hpp>
#include <credpool/source/gcloud_adc.hpp>
#include <credpool/source/gemini_cli.hpp>
#include <credpool/source/gh_cli.hpp>
#include <credpool/source/grok.hpp>
#include <credpool/source/iflow.hpp>
#include <credpool/source/kimi_cli.hpp>
#include <credpool/source/kimi_code.hpp>
#include <credpool/source/opencode.hpp>
#include <credpool/source/qwen_cli.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// Every source there is, and more of the caller's own. The CLIs' own stores come before the copies
/// that others make of their logins.
template <class... More>
using AllSourcesAnd =
    Sources<KimiCli, KimiCode, CodexCli, QwenCli, GeminiCli, ClaudeCli, Antigravity, CopilotCli,
            CopilotEditors, GhCli, CursorCli, Amp, Grok, Droid, Iflow, GcloudAdc, Opencode, More...,
            EnvKeys, Aider, DotenvKeys>;
using AllSources = AllSourcesAnd<>;

/// All sources, with sources that have to be made first.
template <class... More> AllSourcesAnd<More...> all_sources_and(More... more) {
  return AllSourcesAnd<More...>{
      KimiCli{},     KimiCode{},   CodexCli{},       QwenCli{},   GeminiCli{}, ClaudeCli{},
      Antigravity{}, CopilotCli{}, CopilotEditors{}, GhCli{},     CursorCli{}, Amp{},
      Grok{},        Droid{},      Iflow{},          GcloudAdc{}, Opencode{},  std::move(more)...,
      EnvKeys{},     Aider{},      DotenvKeys{}};
}

/// Every rotation policy there is, chosen by the name that stands in `rotationStrategy`.
using AnyRotation = OneOf<RoundRobin, LeastUsed, Priority, HealthBased, Weighted, FillFirst,
                          PowerOfTwoChoices, Latency, QuotaAware, Pinned>;

/// A pool with everything in it, for front ends. The store is the caller's choice, and so is how
/// logins are refreshed: every method needs something that the library does not choose by itself
/// (a transport, a helper program, leave to start a CLI). `FirstOf<>` never refreshes; a front end
/// gives e.g. `FirstOf<OAuthRefresh<HelperProcess>, CliCommand>`.
template <PoolStateStore Store = MemoryState, Clock ClockType = SystemClock,
          SourceList List = AllSources, RefreshMethod Refresh = FirstOf<>>
using DefaultPoolWith = Pool<List, AnyRotation, Refresh, Store, ClockType>;
using DefaultPool = DefaultPoolWith<>;

#if defined(CREDPOOL_COMPILED)
extern template class Pool<AllSources, AnyRotation, FirstOf<>, MemoryState, SystemClock>;
#endif

}  // namespace credpool::inline CREDPOOL_ABI
