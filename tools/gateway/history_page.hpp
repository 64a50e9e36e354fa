#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/history/document.hpp>
#include <credpool/history/reader.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace credpool_cli {

/// Which part of the history is wanted.
struct HistoryQuery {
  std::string cli = {};
  std::string text = {};  ///< stands in the profile, CLI, provider, token hash or id, in any case
  std::string status = {};
  std::size_t offset = 0;
  std::size_t limit = 100;
  bool oldest_first = false;
};

/// A part of the history, and how much there is.
struct HistoryPage {
  std::vector<credpool::HistoryEntry> entries;
  std::size_t total = 0;     ///< entries there are
  std::size_t matching = 0;  ///< entries that fit the query
};

/// The history, page by page. The document is read, sorted and checked once for each state of its
/// files, and only entries that are new in it are parsed.
///
/// @thread_safety safe
class HistoryPages {
 public:
  /// @errors those of HistoryDocument::entries()
  credpool::Result<HistoryPage> page(const credpool::HistoryDocument& document,
                                     const HistoryQuery& query);
  /// @errors those of HistoryDocument::verify()
  credpool::Result<credpool::HistoryVerdict> verdict(const credpool::HistoryDocument& document);

 private:
  using Entries = std::shared_ptr<const credpool::HistoryReader::Entries>;
  credpool::Result<Entries> entries(const credpool::HistoryDocument& document);

  std::mutex entries_mutex_;
  credpool::HistoryReader reader_;
  std::string entries_of_;    ///< stamp of the document that was read
  Entries entries_;           ///< newest first
  std::mutex verdict_mutex_;  ///< apart: pages are read while a long chain is checked
  std::string verdict_of_;
  std::optional<credpool::HistoryVerdict> verdict_;
};

}  // namespace credpool_cli
