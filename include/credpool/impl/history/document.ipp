#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/history/document.hpp>

#include <credpool/core/file.hpp>
#include <credpool/core/file_lock.hpp>
#include <credpool/core/openclaw_directory.hpp>
#include <credpool/impl/history/entry_edit.hpp>
#include <credpool/impl/history/history_chain.hpp>
#include <credpool/impl/history/history_text.hpp>

#include <array>
#include <cstdio>
#include <set>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// Takes the turn of writing the document at that path.
inline Result<FileLock> lock_history(const std::filesystem::path& document) {
  auto path = document;
  path += ".lock";
  return FileLock::take(path, std::chrono::seconds{10},
                        "waiting for the turn to write the history");
}

inline constexpr FileRules history_chain_rules{256 * 1024 * 1024, false, true};

/// The document at that path; an empty one when there is none.
inline Result<HistoryText> load_history(const std::filesystem::path& path,
                                        const Environment& environment) {
  const auto file = read_file(path, environment, history_file_rules);
  if (!file) {
    if (file.error().errc() == Errc::not_found) return HistoryText{};
    return fail(file.error());
  }
  auto history = parse_history(file->bytes.reveal());
  if (history) return history;
  auto error = std::move(history).error();
  error.place = path.string() + " (" + error.place + ")";
  return fail(std::move(error));
}

inline Result<std::string> load_history_chain(const std::filesystem::path& path,
                                              const Environment& environment) {
  const auto file = read_file(path, environment, history_chain_rules);
  if (file) return std::string{file->bytes.reveal()};
  if (file.error().errc() == Errc::not_found) return std::string{};
  return fail(file.error());
}

/// One locked read-change-write of the document and its chain.
class HistoryUpdate {
 public:
  HistoryUpdate(const std::filesystem::path& path, const std::filesystem::path& chain_path,
                const Environment& environment, TimePoint now)
      : path_{path}, chain_path_{chain_path}, environment_{environment}, now_{now} {}

  /// Takes the lock and reads; after it, `history` may be changed.
  Result<void> begin() {
    if (path_.has_parent_path()) {
      if (auto made = make_private_directory(path_.parent_path()); !made) return made;
    }
    auto lock = lock_history(path_);
    if (!lock) return fail(std::move(lock).error());
    lock_ = *std::move(lock);
    remove_leftovers();

    auto loaded = load_history(path_, environment_);
    if (!loaded && is_unreadable(loaded.error())) {
      if (auto moved = set_aside(); !moved) return moved;
      loaded = HistoryText{};
    }
    if (!loaded) return fail(std::move(loaded).error());
    history = *std::move(loaded);
    const auto version = history_count(history.root, "version");
    if (version > 1)
      return fail(Errc::unsupported, "writing the history", path_.string(),
                  "it was written by a newer version: update credpool");
    dirty_ = version != 1;  // a new document, or one to be completed
    history.root["version"] = 1;

    auto end = find_history_chain_end(chain_path_);
    if (!end) return fail(std::move(end).error());
    end_ = *std::move(end);
    const bool in_step = history.records == end_.sequence &&
                         (end_.sequence == 0 ? history.entries.empty() : history.head == end_.hash);
    return in_step ? Result<void>{} : reconcile();
  }

  /// Changes one entry by `change(edit)` and notes the step when it is different afterwards.
  template <class F> void change(std::size_t index, const char* what, F&& change) {
    auto& entry = history.entries[index];
    HistoryEntryEdit edit{entry};
    change(edit);
    if (!edit.before() || *edit.before() == entry) return;
    steps_.push_back({what, std::string{text_or_empty(entry, "profileId")},
                      history_digest(*edit.before()), history_digest(entry)});
    ++result.changed;
  }
  void add(const char* what, Json entry) {
    steps_.push_back(
        {what, std::string{text_or_empty(entry, "profileId")}, {}, history_digest(entry)});
    history.entries.push_back(std::move(entry));
    ++result.changed;
  }
  /// Notes the time of a scan.
  void scanned() {
    constexpr auto exact_to = HistoryDocument::last_scan_exact_to;
    const auto last = history_time(history.root, "lastScanAt");
    if (last && *last <= now_ && now_ - *last < exact_to && steps_.empty() && !dirty_) return;
    history.root["lastScanAt"] = format_iso8601(now_);
    dirty_ = true;
  }
  template <class Unwanted> void remove_if(const char* what, Unwanted&& unwanted) {
    std::erase_if(history.entries, [&](const Json& entry) {
      if (!unwanted(entry)) return false;
      steps_.push_back(
          {what, std::string{text_or_empty(entry, "profileId")}, history_digest(entry), {}});
      ++result.changed;
      return true;
    });
  }

  /// Writes chain and document. The chain comes first: a crash in between leaves it ahead, which
  /// the next update mends; the other way round the change would have no record.
  Result<HistoryChange> commit() {
    if (!dirty_ && steps_.empty()) return result;
    const auto chain_end = end_.size;
    const auto lines = write_history_records(steps_, now_, end_);
    if (!lines.empty()) {
      if (auto done = append_history_chain(chain_path_, chain_end, lines); !done)
        return fail(done.error());
    }
    auto text = stamped();
    constexpr std::uint64_t enough = 16 * 1024 * 1024;
    if (end_.size > std::max<std::uint64_t>(enough, 4 * text.size())) {
      std::vector<HistoryStep> kept{{"compacted", {}, {}, {}}};
      for (const auto& entry : history.entries)
        kept.push_back(
            {"kept", std::string{text_or_empty(entry, "profileId")}, {}, history_digest(entry)});
      if (auto done = restart(kept); !done) return fail(done.error());
      text = stamped();
    }
    if (auto done = replace_file(path_, text); !done) return fail(done.error());
    return result;
  }

  /// Empties the document and begins the chain anew.
  Result<HistoryChange> clear() {
    result.changed = history.entries.size();
    history.entries.clear();
    if (auto done = restart({{"cleared", {}, {}, {}}}); !done) return fail(done.error());
    if (auto done = replace_file(path_, stamped()); !done) return fail(done.error());
    return result;
  }

  HistoryText history;
  HistoryChange result;

 private:
  static bool is_unreadable(const Error& error) noexcept {
    return error.errc() == Errc::malformed || error.errc() == Errc::duplicate_key ||
           error.errc() == Errc::too_deep;
  }

  std::string stamped() {
    history.root["chain"] = {{"records", end_.sequence}, {"head", end_.hash}};
    return write_history(history);
  }

  Result<void> restart(const std::vector<HistoryStep>& steps) {
    end_.size = 0;
    return replace_file(chain_path_, write_history_records(steps, now_, end_));
  }

  /// Document and chain do not end at the same record: an update was interrupted, another tool
  /// wrote the document, or a file was tampered with. The difference is put on record.
  Result<void> reconcile() {
    const auto text = load_history_chain(chain_path_, environment_);
    if (!text) return fail(text.error());
    HistoryReplay replay{*text};
    replay.play(0);
    if (history.records > end_.sequence ||
        (history.records == end_.sequence && history.records != 0))
      steps_.push_back({"gap", {}, {}, {}});
    for (const auto& entry : history.entries) {
      auto digest = history_digest(entry);
      const auto known = replay.live.find(digest);
      if (known != replay.live.end()) {
        replay.live.erase(known);
      } else {
        steps_.push_back(
            {"reconciled", std::string{text_or_empty(entry, "profileId")}, {}, std::move(digest)});
      }
    }
    for (const auto& [digest, profile] : replay.live)
      steps_.push_back({"reconciled", profile, digest, {}});
    return {};
  }

  Result<void> set_aside() {
    auto stamp = format_iso8601(now_).substr(0, 19);
    std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
    auto base = path_;
    base += ".corrupt-" + stamp + "Z";
    auto target = base;
    for (int copy = 2; std::filesystem::exists(target); ++copy) {
      target = base;
      target += "-" + std::to_string(copy);
    }
    if (::rename(path_.c_str(), target.c_str()) != 0)
      return history_io_error("setting an unreadable history aside", path_);
    result.set_aside = target;
    return {};
  }

  /// Temporary files of writers that were killed: only the holder of the lock makes them.
  void remove_leftovers() const {
    const auto prefixes = std::array<std::string, 2>{path_.filename().string() + ".tmp-",
                                                     chain_path_.filename().string() + ".tmp-"};
    std::error_code failed;
    const auto directory =
        path_.has_parent_path() ? path_.parent_path() : std::filesystem::path{"."};
    std::vector<std::filesystem::path> leftovers;
    for (std::filesystem::directory_iterator file{directory, failed}, end; !failed && file != end;
         file.increment(failed)) {
      const auto name = file->path().filename().string();
      for (const auto& prefix : prefixes)
        if (name.starts_with(prefix) && name.size() == prefix.size() + 16)
          leftovers.push_back(file->path());
    }
    for (const auto& path : leftovers) std::filesystem::remove(path, failed);
  }

  const std::filesystem::path& path_;
  const std::filesystem::path chain_path_;
  const Environment& environment_;
  TimePoint now_;
  FileLock lock_;
  HistoryChainEnd end_;
  std::vector<HistoryStep> steps_;
  bool dirty_ = false;  ///< there is something to write besides the steps
};

/// Finds entries by what they are called.
class HistoryIndex {
 public:
  explicit HistoryIndex(const std::vector<Json>& entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) note(entries[i], i);
  }

  void note(const Json& entry, std::size_t index) {
    const auto id = text_or_empty(entry, "credentialId");
    const auto hash = text_or_empty(entry, "tokenHash");
    if (!id.empty()) by_name_.emplace(id, index);
    if (!hash.empty()) by_name_.emplace(hash, index);
    if (!id.empty() || !entry.is_object()) return;
    if (!hash.empty())
      unowned_.emplace(std::string{text_or_empty(entry, "provider")} + '\n' + std::string{hash},
                       index);
    unowned_.emplace(profile_key(text_or_empty(entry, "cli"), text_or_empty(entry, "profileId")),
                     index);
  }

  /// By token hash or credential id.
  std::optional<std::size_t> named(std::string_view name) const {
    return found(by_name_, std::string{name});
  }
  /// The entry of a credential: by id, else one without an id that fits, by hash before profile.
  std::optional<std::size_t> entry_of(const Credential& credential) const {
    if (const auto known = named(credential.id.hex())) return known;
    if (const auto hash = credential.token_hash(); !hash.empty())
      if (const auto known = unowned(credential.provider + '\n' + hash)) return known;
    return unowned(profile_key(credential.cli, credential.profile_id));
  }
  /// The entry belongs to a credential now.
  void take(std::size_t index) { taken_.insert(index); }

 private:
  using Names = std::unordered_map<std::string, std::size_t>;

  static std::string profile_key(std::string_view cli, std::string_view profile) {
    return std::string{cli} + ' ' + std::string{profile};
  }
  static std::optional<std::size_t> found(const Names& names, const std::string& name) {
    const auto entry = names.find(name);
    if (entry == names.end()) return std::nullopt;
    return entry->second;
  }

  std::optional<std::size_t> unowned(const std::string& name) const {
    const auto entry = found(unowned_, name);
    return entry && !taken_.contains(*entry) ? entry : std::nullopt;
  }

  Names by_name_;
  Names unowned_;
  std::set<std::size_t> taken_;  ///< no longer unowned
};

inline Unexpected no_such_history_entry() {
  return fail(Errc::not_found, "finding an entry of the history", {},
              "scan first: the history knows credentials once they were discovered");
}

}  // namespace detail

CREDPOOL_INLINE HistoryDocument::HistoryDocument(std::filesystem::path path,
                                                 Environment environment)
    : path_{std::move(path)}, environment_{std::move(environment)} {}

CREDPOOL_INLINE Result<HistoryDocument> HistoryDocument::at_default_place(
    const Environment& environment) {
  const auto openclaw = openclaw_directory(environment);
  std::error_code ignored;
  if (openclaw && std::filesystem::is_directory(*openclaw, ignored))
    return HistoryDocument{*openclaw / "cli-token-history.json", environment};
  const auto state = environment.state_home();
  if (!state) return fail(state.error());
  return HistoryDocument{*state / "credpool/history.json", environment};
}

CREDPOOL_INLINE std::filesystem::path HistoryDocument::chain_path() const {
  auto path = path_;
  return path += ".chain.jsonl";
}

CREDPOOL_INLINE Result<HistoryChange> HistoryDocument::record_discovered(
    std::span<const Credential> found, TimePoint now) {
  detail::HistoryUpdate update{path_, chain_path(), environment_, now};
  if (auto begun = update.begin(); !begun) return fail(begun.error());
  detail::HistoryIndex index{update.history.entries};
  for (const auto& credential : found) {
    if (const auto known = index.entry_of(credential)) {
      update.change(*known, "discovered", [&](detail::HistoryEntryEdit& edit) {
        detail::note_discovery(edit, credential, now);
      });
      index.take(*known);
      index.note(update.history.entries[*known], *known);
    } else if (!credential.token_hash().empty()) {
      auto entry = detail::Json::object();
      detail::HistoryEntryEdit edit{entry};
      detail::note_discovery(edit, credential, now);
      update.add("discovered", std::move(entry));
      index.note(update.history.entries.back(), update.history.entries.size() - 1);
    }
  }
  update.scanned();
  auto change = update.commit();
  if (change) change->last_scan = detail::history_time(update.history.root, "lastScanAt");
  return change;
}

CREDPOOL_INLINE Result<HistoryChange> HistoryDocument::record_used(std::span<const HistoryUse> uses,
                                                                   TimePoint now) {
  detail::HistoryUpdate update{path_, chain_path(), environment_, now};
  if (auto begun = update.begin(); !begun) return fail(begun.error());
  const detail::HistoryIndex index{update.history.entries};
  for (const auto& use : uses) {
    const auto known = index.named(use.credential);
    if (!known) return detail::no_such_history_entry();
    update.change(*known, "used",
                  [&](detail::HistoryEntryEdit& edit) { detail::note_use(edit, use, now); });
  }
  return update.commit();
}

CREDPOOL_INLINE Result<HistoryChange> HistoryDocument::record_used(std::string_view credential,
                                                                   TimePoint now) {
  const HistoryUse use{std::string{credential}, 1, now};
  return record_used(std::span{&use, 1}, now);
}

CREDPOOL_INLINE Result<HistoryChange> HistoryDocument::record_failure(std::string_view credential,
                                                                      Reason reason,
                                                                      TimePoint now) {
  detail::HistoryUpdate update{path_, chain_path(), environment_, now};
  if (auto begun = update.begin(); !begun) return fail(begun.error());
  const auto known = detail::HistoryIndex{update.history.entries}.named(credential);
  if (!known) return detail::no_such_history_entry();
  update.change(*known, "failed",
                [&](detail::HistoryEntryEdit& edit) { detail::note_failure(edit, reason); });
  return update.commit();
}

CREDPOOL_INLINE Result<std::vector<HistoryEntry>> HistoryDocument::entries(
    const HistoryFilter& filter) const {
  const auto history = detail::load_history(path_, environment_);
  if (!history) return fail(history.error());
  std::vector<HistoryEntry> found;
  for (const auto& element : history->entries) {
    if (!element.is_object()) continue;
    auto entry = detail::history_entry(element);
    const auto fits = [](const std::string& wanted, const std::string& has) {
      return wanted.empty() || wanted == has;
    };
    if (fits(filter.cli, entry.cli) && fits(filter.provider, entry.provider) &&
        fits(filter.status, entry.status))
      found.push_back(std::move(entry));
  }
  if (filter.limit == 0) return found;
  const auto last_seen = [](const HistoryEntry& entry) {
    return std::max(entry.last_used_at.value_or(TimePoint{}),
                    entry.detected_at.value_or(TimePoint{}));
  };
  std::stable_sort(found.begin(), found.end(), [&](const HistoryEntry& a, const HistoryEntry& b) {
    return last_seen(a) > last_seen(b);
  });
  if (found.size() > filter.limit) found.resize(filter.limit);
  return found;
}

CREDPOOL_INLINE Result<HistoryChange> HistoryDocument::clear(TimePoint now) {
  detail::HistoryUpdate update{path_, chain_path(), environment_, now};
  if (auto begun = update.begin(); !begun) return fail(begun.error());
  return update.clear();
}

CREDPOOL_INLINE Result<HistoryChange> HistoryDocument::prune_revoked(TimePoint now) {
  detail::HistoryUpdate update{path_, chain_path(), environment_, now};
  if (auto begun = update.begin(); !begun) return fail(begun.error());
  update.remove_if("pruned", [](const detail::Json& entry) {
    return detail::text_or_empty(entry, "status") == "revoked";
  });
  return update.commit();
}

CREDPOOL_INLINE Result<HistoryVerdict> HistoryDocument::verify() const {
  using Fault = HistoryVerdict::Fault;
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored) && !std::filesystem::exists(chain_path(), ignored))
    return HistoryVerdict{};
  // Under the lock, so that no writer stands between chain and document. Where nothing can be
  // written, nobody writes.
  const auto lock = detail::lock_history(path_);
  if (!lock && lock.error().errc() != Errc::permission_denied) return fail(lock.error());

  const auto history = detail::load_history(path_, environment_);
  if (!history) return fail(history.error());
  const auto chain = detail::load_history_chain(chain_path(), environment_);
  if (!chain) return fail(chain.error());

  detail::HistoryReplay replay{*chain};
  auto& verdict = replay.verdict;
  replay.check();
  const auto& records = replay.records;
  const auto last = records.empty() ? 0 : records.back().sequence;
  if (history->records == 0) {
    if (records.empty()) {
      verdict.notes.emplace_back("there is no chain yet: the next write begins one");
      return verdict;
    }
    verdict.notes.emplace_back("another tool has written the document since the last record");
  } else if (history->records > last) {
    replay.blame(Fault::truncated, last + 1, 0, "is missing, and all after it");
  } else if (history->records < last) {
    verdict.notes.emplace_back("an interrupted write left the chain ahead of the document");
    // The chain was begun anew and the document is of before: there is nothing to compare.
    if (history->records < records.front().sequence) return verdict;
  }
  for (const auto& record : records)
    if (record.sequence == history->records && record.hash != history->head)
      replay.blame(Fault::replaced, record.sequence, record.line,
                   "is not the one that the document names");
  replay.play(history->records);
  for (const auto& entry : history->entries) {
    const auto known = replay.live.find(detail::history_digest(entry));
    if (known != replay.live.end()) {
      replay.live.erase(known);
    } else {
      replay.blame(Fault::entry_changed, 0, 0,
                   "the entry of \"" + std::string{detail::text_or_empty(entry, "profileId")} +
                       "\" is not what the chain says");
    }
  }
  if (!replay.live.empty())
    replay.blame(Fault::entry_changed, 0, 0,
                 "the entry of \"" + replay.live.begin()->second + "\" was removed");
  return verdict;
}

}  // namespace credpool::inline CREDPOOL_ABI
