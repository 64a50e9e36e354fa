#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What `credpool history --verify` tells about the history and its chain of records.
///
/// The chain stands beside the document, one JSON object a line; each record holds the SHA-256 of
/// the one before it and of itself, and of the entry before and after the change. It shows
/// accidents and careless edits; it is not signed, so it cannot stop somebody who may write both
/// files and computes every hash anew.
struct HistoryVerdict {
  enum class Fault {
    none,
    edited,         ///< a record's bytes do not match its hash
    removed,        ///< records are missing before this one
    reordered,      ///< records stand in another order than they were written in
    replaced,       ///< a record follows the right number, but not the record before it
    truncated,      ///< records are missing at the end
    entry_changed,  ///< an entry of the document is not what the chain says
  };

  Fault fault = Fault::none;
  std::uint64_t records = 0;        ///< in the chain
  std::uint64_t broken_record = 0;  ///< the sequence number of the first bad record; 0 when unknown
  std::size_t broken_line = 0;      ///< its line in the chain's file; 0 when it is not there
  std::string detail;               ///< one sentence for a person; empty when all is well
  std::vector<std::string> notes;   ///< what is unusual and no fault (an interrupted write)

  bool ok() const noexcept { return fault == Fault::none; }
};

std::string_view to_string(HistoryVerdict::Fault fault) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/history/chain.ipp>
#endif
