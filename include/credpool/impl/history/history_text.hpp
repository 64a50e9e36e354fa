#pragma once
// SPDX-License-Identifier: MIT

// The JSON of the history document. Internal: included by .ipp files only.

#include <credpool/core/file.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/history/entry.hpp>
#include <credpool/impl/core/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr FileRules history_file_rules{64 * 1024 * 1024, true, true};

/// A history document in memory; what we do not know stays where it was.
struct HistoryText {
  Json root = Json::object();  ///< without its entries
  std::vector<Json> entries;   ///< the elements of "discovered", whatever they are
  std::uint64_t records = 0;   ///< length of the chain when the document was written; 0: not told
  std::string head;            ///< hash of the chain's last record then
};

inline std::uint64_t history_count(const Json& object, std::string_view name) {
  constexpr double limit = 9007199254740992.0;  // beyond, doubles skip whole numbers
  const auto* value = member(object, name);
  const auto number = value == nullptr ? std::nullopt : number_of(*value);
  return number && *number > 0 && *number < limit ? static_cast<std::uint64_t>(*number) : 0;
}

/// @errors malformed when it is no history document
inline Result<HistoryText> parse_history(std::string_view text) {
  const std::string doing = "reading the history";
  JsonRules rules;
  rules.allow_comments = true;  // people annotate what they edit
  auto document = parse_json(text, rules);
  if (!document) return fail(std::move(document).error());
  if (!document->is_object()) return fail(Errc::malformed, doing, "byte 0", "expected an object");
  HistoryText history;
  history.root = *std::move(document);
  if (const auto found = history.root.find("discovered"); found != history.root.end()) {
    if (found->is_array()) {
      history.entries = std::move(found->get_ref<Json::array_t&>());
    } else if (!found->is_null()) {
      return fail(Errc::malformed, doing, "discovered", "expected an array");
    }
    history.root.erase(found);
  }
  if (const auto* chain = member(history.root, "chain")) {
    history.records = history_count(*chain, "records");
    history.head = text_or_empty(*chain, "head");
  }
  return history;
}

/// Writes members in the order given, then the others by name, each on a line of its own.
inline void write_history_object(std::string& out, const Json& object,
                                 std::initializer_list<std::string_view> order,
                                 std::string_view indent) {
  const char* separator = "\n";
  const auto put = [&](std::string_view name, const Json& value) {
    out += separator;
    out += indent;
    out += dump_json(Json(name)) + ": " + dump_json(value);
    separator = ",\n";
  };
  for (const auto name : order)
    if (const auto* value = member(object, name)) put(name, *value);
  for (const auto& [name, value] : object.items())
    if (std::find(order.begin(), order.end(), name) == order.end()) put(name, value);
}

/// The document as text, in the order in which the seed's format writes its members.
inline std::string write_history(const HistoryText& history) {
  std::string out = "{";
  write_history_object(out, history.root, {"version", "lastScanAt"}, "  ");
  out += ",\n  \"discovered\": [";
  const char* separator = "\n";
  for (const auto& entry : history.entries) {
    out += separator;
    separator = ",\n";
    if (!entry.is_object()) {
      out += "    " + dump_json(entry);
      continue;
    }
    out += "    {";
    write_history_object(out, entry,
                         {"cli", "provider", "profileId", "detectedAt", "lastUsedAt", "usageCount",
                          "tokenHash", "status", "consecutiveFailures"},
                         "      ");
    out += "\n    }";
  }
  out += history.entries.empty() ? "]\n}\n" : "\n  ]\n}\n";
  return out;
}

/// SHA-256 of an entry's meaning: layout and the order of members do not matter.
inline std::string history_digest(const Json& entry) {
  return to_hex(sha256(dump_json(entry)));
}

inline std::optional<TimePoint> history_time(const Json& entry, std::string_view name) {
  const auto* value = member(entry, name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) {
    if (auto time = parse_iso8601(value->get_ref<const std::string&>())) return time;
  }
  const auto number = number_of(*value);
  return number ? time_from_epoch(*number) : std::nullopt;
}

inline HistoryEntry history_entry(const Json& entry) {
  HistoryEntry out;
  out.cli = text_or_empty(entry, "cli");
  out.provider = text_or_empty(entry, "provider");
  out.profile_id = text_or_empty(entry, "profileId");
  out.credential_id = text_or_empty(entry, "credentialId");
  out.token_hash = text_or_empty(entry, "tokenHash");
  out.token_type = text_or_empty(entry, "tokenType");
  out.status = text_or_empty(entry, "status");
  out.last_error = text_or_empty(entry, "lastError");
  out.detected_at = history_time(entry, "detectedAt");
  out.last_used_at = history_time(entry, "lastUsedAt");
  out.usage_count = history_count(entry, "usageCount");
  out.consecutive_failures = history_count(entry, "consecutiveFailures");
  return out;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
