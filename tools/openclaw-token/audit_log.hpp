#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace openclaw_token {

/// What was done: one JSON object a line, oldest first.
struct AuditEntry {
  std::string timestamp;
  std::string command;            ///< the first word: "keys"
  std::vector<std::string> args;  ///< the words after it, never the values of options
  bool success = true;
  std::string detail;  ///< of an error
};

/// The log of this command in one directory of profiles. The file is 0600, also one that was made
/// wider before; past 1 MiB it becomes audit.log.1 and begins anew.
class AuditLog {
 public:
  /// @param directory of profiles
  explicit AuditLog(const std::filesystem::path& directory) : file_{directory / "audit.log"} {}

  /// Keys in the entry are cut; see without_keys().
  credpool::Result<void> append(const AuditEntry& entry) const;
  /// The last entries; lines that are none are passed over.
  credpool::Result<std::vector<AuditEntry>> last(std::size_t count,
                                                 const credpool::Environment& environment) const;
  /// Removes the log; fine when there is none.
  credpool::Result<void> clear() const;

 private:
  std::filesystem::path file_;
};

Json audit_json(const AuditEntry& entry);

}  // namespace openclaw_token
