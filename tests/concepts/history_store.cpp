// SPDX-License-Identifier: MIT
// The smallest history, and what is none. docs/concepts/HistoryStore.md shows it.
#include <credpool/history/concept.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace cp = credpool;

namespace {

// [example]
/// Remembers until the program ends.
class InMemory {
 public:
  cp::Result<cp::HistoryChange> record_discovered(std::span<const cp::Credential> found,
                                                  cp::TimePoint now) {
    cp::HistoryChange change;
    for (const auto& credential : found) {
      if (credential.token_hash().empty() || find(credential.id.hex())) continue;
      cp::HistoryEntry entry;
      entry.cli = credential.cli;
      entry.provider = credential.provider;
      entry.profile_id = credential.profile_id;
      entry.credential_id = credential.id.hex();
      entry.token_hash = credential.token_hash();  // never the token
      entry.status = "active";
      entry.detected_at = now;
      entries_.push_back(std::move(entry));
      ++change.changed;
    }
    return change;
  }
  cp::Result<cp::HistoryChange> record_used(std::span<const cp::HistoryUse> uses,
                                            cp::TimePoint now) {
    for (const auto& use : uses)
      if (!find(use.credential)) return unknown();  // and nothing is counted
    for (const auto& use : uses) {
      auto& entry = *find(use.credential);
      entry.usage_count += use.count;
      entry.last_used_at = use.last_used_at.value_or(now);
      entry.consecutive_failures = 0;
      entry.last_error.clear();
    }
    return cp::HistoryChange{uses.size(), {}};
  }
  cp::Result<cp::HistoryChange> record_failure(std::string_view credential, cp::Reason reason,
                                               cp::TimePoint) {
    auto* entry = find(credential);
    if (entry == nullptr) return unknown();
    entry->last_error = cp::to_string(reason);
    if (++entry->consecutive_failures >= 3) entry->status = "invalid";
    if (reason == cp::Reason::rejected) entry->status = "revoked";
    return cp::HistoryChange{1, {}};
  }
  cp::Result<std::vector<cp::HistoryEntry>> entries(const cp::HistoryFilter& filter) const {
    std::vector<cp::HistoryEntry> wanted;
    for (const auto& entry : entries_)
      if ((filter.cli.empty() || filter.cli == entry.cli) &&
          (filter.provider.empty() || filter.provider == entry.provider) &&
          (filter.status.empty() || filter.status == entry.status))
        wanted.push_back(entry);
    const auto last = [](const cp::HistoryEntry& entry) {
      return std::max(entry.last_used_at, entry.detected_at);
    };
    if (filter.limit == 0) return wanted;
    std::stable_sort(wanted.begin(), wanted.end(),
                     [&](const auto& a, const auto& b) { return last(a) > last(b); });
    wanted.resize(std::min(wanted.size(), filter.limit));
    return wanted;
  }
  cp::Result<cp::HistoryChange> clear(cp::TimePoint) {
    const cp::HistoryChange change{entries_.size(), {}};
    entries_.clear();
    return change;
  }

 private:
  cp::HistoryEntry* find(std::string_view name) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
      return entry.credential_id == name || entry.token_hash == name;
    });
    return found == entries_.end() ? nullptr : &*found;
  }
  static cp::Unexpected unknown() {
    return cp::fail(cp::Errc::not_found, "finding an entry of the history");
  }

  std::vector<cp::HistoryEntry> entries_;
};
static_assert(cp::HistoryStore<InMemory>);
// [example]

/// Hands out what it has, and cannot tell that it could not.
struct CannotFail : InMemory {
  std::vector<cp::HistoryEntry> entries(const cp::HistoryFilter&) const;
};
static_assert(!cp::HistoryStore<CannotFail>);

struct OneByOne : InMemory {
  cp::Result<cp::HistoryChange> record_used(std::string_view, cp::TimePoint);
};
static_assert(!cp::HistoryStore<OneByOne>);

}  // namespace

TEST_CASE("concepts/HistoryStore: the smallest history counts uses and failures") {
  InMemory history;
  const cp::TimePoint now{std::chrono::milliseconds{1'800'000'000'000}};
  auto key = cp::Credential::api_key("codex-cli", "openai", cp::Secret{"sk-fake"});
  const std::vector found{key};
  CHECK(history.record_discovered(found, now)->changed == 1);
  CHECK(history.record_discovered(found, now)->changed == 0);
  const std::vector<cp::HistoryUse> uses{{key.id.hex(), 2, {}}};
  REQUIRE(history.record_used(uses, now));
  const std::vector<cp::HistoryUse> strangers{{key.id.hex(), 1, {}}, {"sha256:0", 1, {}}};
  CHECK(history.record_used(strangers, now).error().errc() == cp::Errc::not_found);
  REQUIRE(history.record_failure(key.token_hash(), cp::Reason::rejected, now));
  const auto entries = history.entries({.cli = "codex-cli", .limit = 5});
  REQUIRE(entries);
  REQUIRE(entries->size() == 1);
  CHECK(entries->front().usage_count == 2);
  CHECK(entries->front().status == "revoked");
  CHECK(history.entries({.cli = "kimi-cli"})->empty());
  CHECK(history.clear(now)->changed == 1);
}
