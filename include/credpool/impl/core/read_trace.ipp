#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/read_trace.hpp>

#include <credpool/core/platform.hpp>
#include <credpool/impl/core/directory_names.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// None when it cannot be told what stands there.
inline std::optional<FileStamp> stamp_of(const char* path, bool followed,
                                         ReadTrace::Of what) noexcept {
  struct stat facts {};
  FileStamp stamp;
  if ((followed ? ::stat(path, &facts) : ::lstat(path, &facts)) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return stamp;
    if (errno != EACCES) return std::nullopt;
    stamp.links = EACCES;  // not there for us: another answer than that it is missing
    return stamp;
  }
  stamp.device = facts.st_dev;
  stamp.inode = facts.st_ino;
  stamp.mode = facts.st_mode;
  stamp.owner = facts.st_uid;
  stamp.group = facts.st_gid;
  if (what == ReadTrace::Of::identity && S_ISDIR(facts.st_mode)) return stamp;
  const auto nanoseconds = [](const timespec& time) {
    constexpr std::uint64_t second = 1'000'000'000;  // wraps for years that 64 bits do not hold
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * second +
                                     static_cast<std::uint64_t>(time.tv_nsec));
  };
  stamp.size = static_cast<std::uint64_t>(facts.st_size);
  stamp.modified = nanoseconds(facts.st_mtim);
  stamp.changed = nanoseconds(facts.st_ctim);
  stamp.links = static_cast<std::uint32_t>(facts.st_nlink);
  return stamp;
}

inline std::string joined_names(const std::vector<std::string>& names) {
  std::string joined;
  for (const auto& name : names) joined.append(name) += '/';
  return joined;
}

/// Whether a directory has the names that are noted there.
/// @param bytes begins with them; they are taken off, unless they are cut
inline bool names_hold(std::string_view& bytes) {
  bytes.remove_prefix(1);
  std::array<std::string_view, 3> texts;  // directory, ending, names
  for (auto& text : texts) {
    const auto end = bytes.find('\0');
    if (end == std::string_view::npos) return false;
    text = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
  }
  const auto noted = static_cast<std::size_t>(std::count(texts[2].begin(), texts[2].end(), '/'));
  const auto present = names_ending_in(texts[0], texts[1], noted + 1);
  return present && joined_names(*present) == texts[2];
}

}  // namespace detail

CREDPOOL_INLINE bool ReadTrace::Entry::is_there() const noexcept {
  return (S_ISLNK(own.mode) ? target : own).mode != 0;
}

CREDPOOL_INLINE std::optional<detail::FileStamp> ReadTrace::stamp(const char* path, bool followed,
                                                                  Of what) {
  const auto stamp = detail::stamp_of(path, followed, what);
  if (!stamp) {
    spoil();
    return stamp;
  }
  last_change_ = std::max(last_change_, stamp->changed);
  const bool new_device =
      stamp->mode != 0 && !S_ISLNK(stamp->mode) && trusted_devices_.insert(stamp->device).second;
  if (new_device && !tells_every_change(path)) spoil();
  return stamp;
}

CREDPOOL_INLINE const ReadTrace::Entry* ReadTrace::known(std::string_view path, Of what) const {
  const auto entry = entries_.find(path);
  if (entry == entries_.end()) return nullptr;
  return entry->second.what == what || what == Of::identity ? &entry->second : nullptr;
}

CREDPOOL_INLINE const ReadTrace::Entry* ReadTrace::note(std::string_view path, Of what) {
  if (const auto* entry = known(path, what)) return entry;
  std::string text{path};
  const auto own = stamp(text.c_str(), false, what);
  const bool is_link = own && S_ISLNK(own->mode);
  const auto target = is_link ? stamp(text.c_str(), true, what) : detail::FileStamp{};
  if (!own || !target) return nullptr;
  const auto [entry, is_new] = entries_.try_emplace(std::move(text), Entry{what, *own, *target});
  if (!is_new) {  // of a directory more is asked now: it must still be the one that was noted
    const auto is_other = [](const detail::FileStamp& a, const detail::FileStamp& b) {
      return std::tie(a.device, a.inode, a.mode, a.owner, a.group) !=
             std::tie(b.device, b.inode, b.mode, b.owner, b.group);
    };
    if (is_other(entry->second.own, *own) || is_other(entry->second.target, *target)) spoil();
    entry->second = {what, *own, *target};
  }
  return &entry->second;
}

CREDPOOL_INLINE std::optional<bool> ReadTrace::look(std::string_view path, Of what) {
  if (const auto* entry = known(path, what)) return entry->is_there();
  if (!path.starts_with('/')) {
    spoil();
    return std::nullopt;
  }
  const auto* parent = known(path.substr(0, path.rfind('/')), Of::identity);
  if (parent == nullptr) {  // else all above it is noted too
    for (auto slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1)) {
      parent = note(path.substr(0, slash), Of::identity);
      if (parent == nullptr) return std::nullopt;
      if (!parent->is_there()) break;
    }
  }
  if (parent != nullptr && !parent->is_there()) return false;  // nothing is below it
  const auto* entry = note(path, what);
  return entry != nullptr ? std::optional{entry->is_there()} : std::nullopt;
}

CREDPOOL_INLINE void ReadTrace::note_names(std::string_view directory, std::string_view ending,
                                           const std::vector<std::string>& names) {
  look(directory, Of::identity);
  auto key = std::string{directory} + '\0';
  key.append(ending) += '\0';
  const auto joined = detail::joined_names(names);
  if (names_.try_emplace(std::move(key), joined).first->second != joined) spoil();
}

CREDPOOL_INLINE bool ReadTrace::reliable() const noexcept {
  constexpr auto steps = std::chrono::seconds{2};  // many times those of file systems we trust
  const std::chrono::nanoseconds settled = (begun_ - steps).time_since_epoch();
  return !spoilt_ && last_change_ < settled.count();
}

CREDPOOL_INLINE std::string ReadTrace::bytes() const {
  std::string bytes;
  const auto add = [&bytes](const std::string& path, bool followed, Of what,
                            const detail::FileStamp& stamp) {
    bytes += followed ? 'f' : 'e';
    bytes += what == Of::identity ? 'i' : 'c';
    bytes.append(reinterpret_cast<const char*>(&stamp), sizeof stamp);
    bytes.append(path.c_str(), path.size() + 1);
  };
  for (const auto& [path, entry] : entries_) {
    add(path, false, entry.what, entry.own);
    if (S_ISLNK(entry.own.mode)) add(path, true, entry.what, entry.target);
  }
  for (const auto& [directory, names] : names_) bytes.append(1, 'n') += directory + names + '\0';
  return bytes;
}

CREDPOOL_INLINE bool ReadTrace::holds(std::string_view bytes) {
  constexpr std::size_t before_path = 2 + sizeof(detail::FileStamp);
  while (!bytes.empty()) {
    if (bytes[0] == 'n') {
      if (!detail::names_hold(bytes)) return false;
      continue;
    }
    const auto end = bytes.find('\0', before_path);
    if (end == std::string_view::npos) return false;
    const auto what = bytes[1] == 'i' ? Of::identity : Of::contents;
    const auto present = detail::stamp_of(bytes.data() + before_path, bytes[0] == 'f', what);
    if (!present || std::memcmp(&*present, bytes.data() + 2, sizeof *present) != 0) return false;
    bytes.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace credpool::inline CREDPOOL_ABI
