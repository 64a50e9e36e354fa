#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/opened_stores.hpp>

#include <credpool/core/file.hpp>
#include <credpool/impl/source/opened_stores_text.hpp>
#include <credpool/impl/source/own_note.hpp>

#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE OpenedStores::OpenedStores(std::filesystem::path file, Environment environment)
    : file_{std::move(file)}, environment_{std::move(environment)} {}

CREDPOOL_INLINE void OpenedStores::load() {
  if (std::exchange(loaded_, true)) return;
  const auto file = read_file(file_, environment_, detail::opened_stores_rules);
  if (!file || (file->facts.mode & 077) != 0) return;
  for (auto& [store, credentials] : detail::opened_stores_in(file->bytes.reveal()))
    notes_.push_back({std::move(store), std::move(credentials)});
}

CREDPOOL_INLINE std::optional<std::vector<Credential>> OpenedStores::recall(const Digest& store) {
  load();
  const auto name = to_hex(store);
  for (const auto& note : notes_)
    if (note.store == name) return note.credentials;
  return std::nullopt;
}

CREDPOOL_INLINE void OpenedStores::note(const Digest& store,
                                        std::span<const Credential> credentials) {
  load();
  const auto name = to_hex(store);
  std::erase_if(notes_, [&](const Note& note) { return note.store == name; });
  notes_.insert(notes_.begin(), Note{name, {credentials.begin(), credentials.end()}});
  if (notes_.size() > detail::max_opened_stores) notes_.resize(detail::max_opened_stores);
  changed_ = true;
}

CREDPOOL_INLINE Result<void> OpenedStores::keep() {
  if (!changed_) return {};
  std::string text;
  do {
    auto stores = detail::Json::array();
    for (const auto& note : notes_) {
      auto credentials = detail::Json::array();
      for (const auto& credential : note.credentials)
        credentials.push_back(detail::shown_credential(credential));
      stores.push_back({{"store", note.store}, {"credentials", std::move(credentials)}});
    }
    text = detail::dump_json(
               detail::Json{{"by", CREDPOOL_VERSION_STRING}, {"stores", std::move(stores)}}) +
           "\n";
    if (text.size() <= detail::opened_stores_rules.max_bytes) break;
    notes_.pop_back();  // what is too large would not be read
  } while (!notes_.empty());
  if (notes_.empty()) return {};
  if (auto written = detail::keep_note(file_, text); !written) return written;
  changed_ = false;
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
