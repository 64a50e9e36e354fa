#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/history/document.hpp>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Reads a history again and again: an entry whose text it has seen the last time is not parsed
/// again. Every write replaces the whole document, but changes little of it.
///
/// @thread_safety caller serialises
class HistoryReader {
 public:
  using Entries = std::vector<std::shared_ptr<const HistoryEntry>>;

  /// What HistoryDocument::entries() says, in the document's order.
  /// @errors those of HistoryDocument::entries()
  Result<Entries> read(const HistoryDocument& document);

 private:
  /// By a hash of its text; null: that element is no entry.
  using Known = std::unordered_map<std::uint64_t, std::shared_ptr<const HistoryEntry>>;

  Known known_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/history/reader.ipp>
#endif
