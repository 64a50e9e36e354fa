#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/history/chain.hpp>
#include <credpool/history/concept.hpp>

#include <filesystem>

namespace credpool::inline CREDPOOL_ABI {

/// The history as a JSON document: version 1 of the format of OpenClaw's token discovery.
///
/// Every write takes the lock beside the document (`<path>.lock`, never removed), reads the
/// document again, appends the changes to `<path>.chain.jsonl` and replaces the document in one
/// step, so that processes never lose each other's entries and a crash leaves the old or the new
/// document. All files are 0600. Members and entries that we do not know are kept. A document that
/// cannot be parsed is moved to `<path>.corrupt-<time>` before a new one is begun, and the caller
/// is told.
///
/// An entry belongs to one credential id. An entry without one (an older tool's, or written by
/// hand) is taken over by the credential with its token hash, else by the one with its CLI and
/// profile.
///
/// @thread_safety safe
class HistoryDocument {
 public:
  /// "lastScanAt" may be as much too early: a scan that changes no entry is worth a write so often
  /// only, since it would cost two syncs of the disk for every look.
  static constexpr std::chrono::hours last_scan_exact_to{1};

  HistoryDocument(std::filesystem::path path, Environment environment);

  /// The document at its place: cli-token-history.json in OpenClaw's directory when that exists,
  /// else history.json in `$XDG_STATE_HOME/credpool`.
  /// @errors configuration when there is no home directory
  static Result<HistoryDocument> at_default_place(const Environment& environment);

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path chain_path() const;
  const Environment& environment() const noexcept { return environment_; }

  /// Notes a scan: new credentials get an entry, known ones are brought up to date. A verdict
  /// (revoked, invalid after failures) stays until the token changes; "disabled" always stays. When
  /// no entry changed, nothing is written unless "lastScanAt" is an hour old.
  Result<HistoryChange> record_discovered(std::span<const Credential> found, TimePoint now);

  /// Counts uses; a use that went well ends a run of failures.
  /// @errors not_found when no entry has that hash or id (nothing is written then)
  Result<HistoryChange> record_used(std::span<const HistoryUse> uses, TimePoint now);
  Result<HistoryChange> record_used(std::string_view credential, TimePoint now);

  /// Counts a failure. The third in a row makes an active entry invalid; Reason::rejected makes it
  /// revoked at once.
  /// @errors not_found as above
  Result<HistoryChange> record_failure(std::string_view credential, Reason reason, TimePoint now);

  /// The entries, those used or found last first when there is a limit. Elements that are no entry
  /// are passed over. No document means no entries.
  /// @errors malformed, too_large, and those of read_file
  Result<std::vector<HistoryEntry>> entries(const HistoryFilter& filter = {}) const;

  /// Removes every entry; the chain begins anew with a record that names the old one's end.
  Result<HistoryChange> clear(TimePoint now);

  /// Removes the entries whose status is "revoked".
  Result<HistoryChange> prune_revoked(TimePoint now);

  /// Checks the chain and the document against it.
  /// @errors those of entries()
  Result<HistoryVerdict> verify() const;

 private:
  std::filesystem::path path_;
  Environment environment_;
};
static_assert(HistoryStore<HistoryDocument>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/history/document.ipp>
#endif
