#pragma once
// SPDX-License-Identifier: MIT

// What a discovery, a use and a failure do to an entry of the history. Internal: included by .ipp
// files only.

#include <credpool/credential/reason.hpp>
#include <credpool/history/document.hpp>
#include <credpool/impl/history/history_text.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Changes an entry, and keeps what it was only once something is really different: mostly nothing
/// is. A number that is the same stays as it was spelled.
class HistoryEntryEdit {
 public:
  explicit HistoryEntryEdit(Json& entry) noexcept : entry_{entry} {}

  const Json& entry() const noexcept { return entry_; }
  /// The entry before its first change; none when there was none.
  const std::optional<Json>& before() const noexcept { return before_; }

  void set(std::string_view name, std::string_view text) {
    if (text_member(entry_, name) == text) return;
    touch();
    entry_[name] = text;
  }
  void set(std::string_view name, std::uint64_t number) {
    const auto* value = member(entry_, name);
    if (value != nullptr && value->is_number() && *value == number) return;
    touch();
    entry_[name] = number;
  }
  void erase(std::string_view name) {
    const auto found = entry_.find(name);
    if (found == entry_.end()) return;
    touch();
    entry_.erase(name);
  }

 private:
  void touch() {
    if (!before_) before_ = entry_;
  }

  Json& entry_;
  std::optional<Json> before_;
};

/// Brings an entry up to date with what a scan found.
inline void note_discovery(HistoryEntryEdit& edit, const Credential& credential, TimePoint now) {
  const auto& entry = edit.entry();
  const auto hash = credential.token_hash();
  const bool fresh = !entry.contains("detectedAt") && !entry.contains("tokenHash");
  const bool new_token = !hash.empty() && text_or_empty(entry, "tokenHash") != hash;
  const auto status = text_or_empty(entry, "status");
  const bool failed_often = status == "invalid" && history_count(entry, "consecutiveFailures") >= 3;
  const bool verdict = (status == "revoked" || failed_often) && !new_token;
  const bool follows = status != "disabled" && !verdict;

  edit.set("cli", credential.cli);
  edit.set("provider", credential.provider);
  edit.set("profileId", credential.profile_id);
  edit.set("credentialId", credential.id.hex());
  edit.set("tokenType", to_string(credential.kind));
  if (!hash.empty()) edit.set("tokenHash", hash);
  if (!entry.contains("detectedAt")) edit.set("detectedAt", format_iso8601(now));
  if (follows) edit.set("status", to_string(credential.status_at(now)));
  if (fresh) edit.set("usageCount", 0);
  if (new_token) {
    edit.set("consecutiveFailures", 0);
    edit.erase("lastError");
  }
}

inline void note_use(HistoryEntryEdit& edit, const HistoryUse& use, TimePoint now) {
  const auto& entry = edit.entry();
  const auto when = use.last_used_at.value_or(now);
  const auto before = history_time(entry, "lastUsedAt");
  edit.set("usageCount", history_count(entry, "usageCount") + use.count);
  edit.set("lastUsedAt", format_iso8601(before ? std::max(*before, when) : when));
  edit.set("consecutiveFailures", 0);
  edit.erase("lastError");
  const auto status = text_or_empty(entry, "status");
  if (status != "disabled" && status != "expiring") edit.set("status", "active");
}

inline void note_failure(HistoryEntryEdit& edit, Reason reason) {
  constexpr std::uint64_t patience = 3;
  const auto& entry = edit.entry();
  const auto failures = history_count(entry, "consecutiveFailures") + 1;
  edit.set("consecutiveFailures", failures);
  edit.set("lastError", to_string(reason));
  const auto status = text_or_empty(entry, "status");
  const bool live = status == "active" || status == "expiring" || status == "expired";
  if (reason == Reason::rejected && status != "disabled") {
    edit.set("status", "revoked");
  } else if (live && failures >= patience) {
    edit.set("status", "invalid");
  }
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
