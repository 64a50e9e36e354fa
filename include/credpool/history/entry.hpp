#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// What the history knows about one credential. Only hashes, never a token.
struct HistoryEntry {
  std::string cli;
  std::string provider;
  std::string profile_id;
  std::string credential_id;  ///< 64 hexadecimal digits; empty in entries of older tools
  std::string token_hash;     ///< "sha256:<hex>" of the token as it was last seen
  std::string token_type;     ///< "api_key", "oauth", "token"; empty in entries of older tools
  std::string status;      ///< the document's word: "active", "invalid", ...; may be unknown to us
  std::string last_error;  ///< a Reason's name; empty when the last use went well
  std::optional<TimePoint> detected_at;
  std::optional<TimePoint> last_used_at;
  std::uint64_t usage_count = 0;
  std::uint64_t consecutive_failures = 0;
};

/// Uses of one credential since it was last reported; counted once, however often it is written.
struct HistoryUse {
  std::string credential;  ///< token hash or credential id
  std::uint64_t count = 1;
  std::optional<TimePoint> last_used_at;  ///< none: now
};

/// Which entries are wanted; an empty field means any.
struct HistoryFilter {
  std::string cli = {};
  std::string provider = {};
  std::string status = {};
  std::size_t limit = 0;  ///< 0: all; else the ones used or found last
};

/// What a write did besides what it was asked for.
struct HistoryChange {
  std::size_t changed = 0;  ///< entries that are different now
  /// Where an unreadable document was moved to, so that nothing is lost; none normally.
  std::optional<std::filesystem::path> set_aside;
  /// The last scan that the document tells of, now; of record_discovered() only.
  std::optional<TimePoint> last_scan = {};
};

}  // namespace credpool::inline CREDPOOL_ABI
