#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/history/reader.hpp>

#include <credpool/core/file.hpp>
#include <credpool/impl/history/history_slices.hpp>
#include <credpool/impl/history/history_text.hpp>

#include <functional>
#include <string>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// Whether what is left without the elements is an object, as the whole then is.
inline bool is_history_frame(const HistorySlices& slices) {
  const auto frame = parse_json(std::string{slices.before} + std::string{slices.after});
  return frame && frame->is_object();
}

}  // namespace detail

CREDPOOL_INLINE Result<HistoryReader::Entries> HistoryReader::read(
    const HistoryDocument& document) {
  const auto whole = [&]() -> Result<Entries> {
    known_.clear();
    auto all = document.entries();
    if (!all) return fail(all.error());
    Entries entries;
    entries.reserve(all->size());
    for (auto& entry : *all)
      entries.push_back(std::make_shared<const HistoryEntry>(std::move(entry)));
    return entries;
  };
  const auto file = read_file(document.path(), document.environment(), detail::history_file_rules);
  if (!file) return whole();
  const auto slices = detail::slice_history(file->bytes.reveal());
  if (!slices || !detail::is_history_frame(*slices)) return whole();
  detail::JsonRules rules;
  rules.max_depth -= 2;  // what is around an element
  Known now;
  now.reserve(slices->elements.size());
  Entries entries;
  entries.reserve(slices->elements.size());
  for (const auto text : slices->elements) {
    const auto [place, is_new] = now.try_emplace(std::hash<std::string_view>{}(text));
    auto& entry = place->second;
    if (const auto seen = is_new ? known_.find(place->first) : known_.end(); seen != known_.end()) {
      entry = seen->second;
    } else if (is_new) {
      const auto element = detail::parse_json(text, rules);
      if (!element) return whole();  // which says where it is wrong
      if (element->is_object())
        entry = std::make_shared<const HistoryEntry>(detail::history_entry(*element));
    }
    if (entry) entries.push_back(entry);
  }
  known_ = std::move(now);
  return entries;
}

}  // namespace credpool::inline CREDPOOL_ABI
