#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/exchange.hpp>

#include <credpool/impl/refresh/exchange_flight.hpp>
#include <credpool/impl/refresh/exchange_spend.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(ExchangeOutcome outcome) noexcept {
  switch (outcome) {
    case ExchangeOutcome::still_fresh:
      return "still_fresh";
    case ExchangeOutcome::adopted:
      return "adopted";
    case ExchangeOutcome::exchanged:
      return "exchanged";
    case ExchangeOutcome::recovered:
      return "recovered";
    case ExchangeOutcome::kept:
      return "kept";
  }
  return "";
}

CREDPOOL_INLINE Result<ExchangeReport> exchange(LoginStore& store, const TokenEndpoint& endpoint,
                                                const ExchangeRequest& request,
                                                const ExchangeWorld& world) {
  detail::ExchangeRun run{store, endpoint, request, world};
  auto first = run.look_first();
  if (!first) return fail(std::move(first).error());
  if (*first) return std::move(**first);

  auto& flights = detail::ExchangeFlights::of_process();
  const auto file = store.file().string();
  const auto busy = [&] {
    return run.not_now(
        fail(Errc::busy, "refreshing a login", file, "another thread is at it: try again").error);
  };
  // Real time, whatever the world's clock says: other threads are waited for.
  const std::chrono::steady_clock::time_point deadline{SystemClock{}.steady() + request.patience};
  const bool mandatory = run.need() == detail::ExchangeNeed::mandatory;
  for (;;) {
    const auto [flight, ours] = flights.board(file, mandatory);
    if (ours) {
      // Whoever waits must be told, also when memory runs out here.
      std::optional<Result<ExchangeReport>> result;
      try {
        result = run.under_locks();
      } catch (...) {
        flights.land(file, fail(Errc::io, "refreshing a login", file));
        throw;
      }
      flights.land(file, *result);
      return std::move(*result);
    }
    if (!mandatory) return busy();
    std::unique_lock lock{flight->mutex};
    const auto landed = [&there = *flight] { return there.result.has_value(); };
    if (!flight->landed.wait_until(lock, deadline, landed)) return busy();
    // One who needed it less may have given up early: what it kept is not what is wanted here.
    if (!*flight->result || run.content_with(**flight->result, flight->mandatory))
      return *flight->result;
  }
}

CREDPOOL_INLINE Result<std::string> exchange_family(const LoginStore& store) {
  const auto state = detail::load_family_state(detail::ExchangeFiles::beside(store.file()).state);
  if (!state) return fail(state.error());
  const auto login = store.read();
  if (!login) return fail(login.error());
  return detail::family_of(store, login->tokens, *state);
}

CREDPOOL_INLINE Result<ExchangeTrace> exchange_trace(const LoginStore& store) {
  const auto files = detail::ExchangeFiles::beside(store.file());
  const auto journal = detail::load_journal(files.journal);
  if (!journal) return fail(journal.error());
  const auto state = detail::load_family_state(files.state);
  if (!state) return fail(state.error());
  ExchangeTrace trace;
  trace.journal = journal->state != detail::JournalState::none;
  trace.not_before = state->not_before;
  trace.failures = state->failures;
  const auto login = store.read();
  if (!login) return fail(login.error());
  const auto hash = detail::hash_of(login->tokens.refresh_token);
  trace.outcome_unknown =
      journal->state == detail::JournalState::sent && journal->header.token == hash;
  trace.dead = state->is_dead(hash);
  return trace;
}

CREDPOOL_INLINE Result<std::vector<StrandedExchange>> stranded_exchanges(
    const std::filesystem::path& directory) {
  std::vector<StrandedExchange> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry{directory, failed}, end; !failed && entry != end;
       entry.increment(failed)) {
    const auto& path = entry->path();
    const auto target = detail::exchange_target_of(path.filename().string());
    if (!target) continue;
    struct stat facts {};
    const auto file = directory / target->file;
    if (::lstat(file.c_str(), &facts) == 0 || errno != ENOENT) continue;
    const auto record = detail::load_journal(path);
    if (record && (record->state == detail::JournalState::none ||
                   record->state == detail::JournalState::torn))
      continue;  // nothing was sent
    found.push_back({file, path, target->parked,
                     record ? Result<bool>{record->state == detail::JournalState::got}
                            : Result<bool>{fail(record.error())}});
  }
  if (failed && failed != std::errc::no_such_file_or_directory)
    return detail::own_file_failure(failed.value(), "looking for cut off exchanges", directory);
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.left < b.left; });
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
