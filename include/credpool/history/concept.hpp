#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/history/entry.hpp>

#include <concepts>
#include <span>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Remembers which credentials were found and how they fared, by hash only.
///
/// Every call is complete when it returns: what was recorded survives a crash, and nothing that
/// another process recorded is lost. `credential` names an entry by token hash ("sha256:...") or by
/// credential id (64 hexadecimal digits).
template <class H>
concept HistoryStore = requires(H& history, std::span<const Credential> found,
                                std::span<const HistoryUse> uses, std::string_view credential,
                                Reason reason, TimePoint now, const HistoryFilter& filter) {
  { history.record_discovered(found, now) } -> std::same_as<Result<HistoryChange>>;
  { history.record_used(uses, now) } -> std::same_as<Result<HistoryChange>>;
  { history.record_failure(credential, reason, now) } -> std::same_as<Result<HistoryChange>>;
  { history.entries(filter) } -> std::same_as<Result<std::vector<HistoryEntry>>>;
  { history.clear(now) } -> std::same_as<Result<HistoryChange>>;
};

}  // namespace credpool::inline CREDPOOL_ABI
