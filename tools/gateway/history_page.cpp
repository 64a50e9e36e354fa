// SPDX-License-Identifier: MIT
#include "history_page.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include <sys/stat.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// What tells whether a file is still the one that was read.
std::string stamp(const std::filesystem::path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return path.string() + " gone";
  return path.string() + " " + std::to_string(about.st_ino) + " " + std::to_string(about.st_size) +
         " " + std::to_string(about.st_mtim.tv_sec) + "." + std::to_string(about.st_mtim.tv_nsec);
}

cp::TimePoint last_seen(const cp::HistoryEntry& entry) {
  return std::max(entry.last_used_at.value_or(cp::TimePoint{}),
                  entry.detected_at.value_or(cp::TimePoint{}));
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// @param wanted in lower case
bool holds(std::string_view text, std::string_view wanted) {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                     [](char a, char b) { return lower(a) == b; }) != text.end();
}

bool fits(const cp::HistoryEntry& entry, const HistoryQuery& query, const std::string& wanted) {
  if (!query.cli.empty() && entry.cli != query.cli) return false;
  if (!query.status.empty() && entry.status != query.status) return false;
  return wanted.empty() || holds(entry.profile_id, wanted) || holds(entry.cli, wanted) ||
         holds(entry.provider, wanted) || holds(entry.token_hash, wanted) ||
         holds(entry.credential_id, wanted);
}

}  // namespace

cp::Result<HistoryPages::Entries> HistoryPages::entries(const cp::HistoryDocument& document) {
  const std::lock_guard lock{entries_mutex_};
  const auto now_there = stamp(document.path());
  if (entries_ && entries_of_ == now_there) return entries_;
  auto all = reader_.read(document);
  if (!all) return cp::fail(all.error());
  // Sorted by their times alone, then moved once.
  std::vector<std::pair<cp::TimePoint, std::uint32_t>> order;
  order.reserve(all->size());
  for (std::uint32_t i = 0; i < all->size(); ++i) order.emplace_back(last_seen(*(*all)[i]), i);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  auto sorted = std::make_shared<cp::HistoryReader::Entries>();
  sorted->reserve(all->size());
  for (const auto& [when, index] : order) sorted->push_back(std::move((*all)[index]));
  entries_ = std::move(sorted);
  entries_of_ = now_there;
  return entries_;
}

cp::Result<HistoryPage> HistoryPages::page(const cp::HistoryDocument& document,
                                           const HistoryQuery& query) {
  const auto all = entries(document);
  if (!all) return cp::fail(all.error());
  std::string wanted;
  for (const char c : query.text) wanted.push_back(lower(c));
  const auto count = (*all)->size();
  HistoryPage page;
  page.total = count;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& entry = *(**all)[query.oldest_first ? count - 1 - i : i];
    if (!fits(entry, query, wanted)) continue;
    if (page.matching >= query.offset && page.entries.size() < query.limit)
      page.entries.push_back(entry);
    ++page.matching;
  }
  return page;
}

cp::Result<cp::HistoryVerdict> HistoryPages::verdict(const cp::HistoryDocument& document) {
  const std::lock_guard lock{verdict_mutex_};
  const auto now_there = stamp(document.path()) + stamp(document.chain_path());
  if (verdict_ && verdict_of_ == now_there) return *verdict_;
  auto verdict = document.verify();
  if (!verdict) return verdict;
  verdict_ = *verdict;
  verdict_of_ = now_there;
  return verdict;
}

}  // namespace credpool_cli
