#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/discovery_memo.hpp>

#include <credpool/core/file.hpp>
#include <credpool/impl/source/discovery_bytes.hpp>
#include <credpool/impl/source/own_note.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr FileRules discovery_memo_rules{1024 * 1024, false, true};
/// Changed with every change of the file's form.
inline constexpr std::string_view discovery_memo_form =
    "credpool discovery 2, " CREDPOOL_VERSION_STRING "\n";

/// All that a discovery may ask the environment but the files.
inline Digest digest_of_environment(const Environment& environment, std::string_view who) {
  ByteWriter bytes;
  bytes.value(who);
  for (const auto& [name, value] : environment.variables()) {
    if (names_a_window(name)) continue;  // who asks for one spoils the trace
    bytes.value(name);
    bytes.value(value);
  }
  const auto home = environment.home();
  bytes.value(home ? std::string_view{home->native()} : std::string_view{});
  bytes.value(environment.working_directory());
  bytes.value(environment.host_name());
  bytes.value(environment.user_name());
  bytes.value(std::uint64_t{environment.user()});
  return sha256(std::move(bytes).take());
}

/// The parts of a file.
struct DiscoveryMemoText {
  Digest environment{};
  std::string_view trace = {}, discovery = {}, follow_up = {};
  TimePoint from{}, until{};
};

template <class Bytes, class Text> void memo_bytes(Bytes& bytes, Text& text) {
  bytes.value(text.environment);
  bytes.value(text.trace);
  bytes.value(text.discovery);
  bytes.value(text.follow_up);
  bytes.value(text.from);
  bytes.value(text.until);
}

/// Begins with the form and ends with the digest of all before it.
inline std::string bytes_of_memo(const DiscoveryMemoText& text) {
  ByteWriter bytes;
  memo_bytes(bytes, text);
  auto whole = std::string{discovery_memo_form} + std::move(bytes).take();
  const auto digest = sha256(whole);
  return whole.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

/// None for what is not of the form. Whether it is whole tells is_whole_memo().
inline std::optional<DiscoveryMemoText> memo_of_bytes(std::string_view whole) {
  if (!whole.starts_with(discovery_memo_form)) return std::nullopt;
  whole.remove_prefix(discovery_memo_form.size());
  if (whole.size() < sizeof(Digest)) return std::nullopt;
  whole.remove_suffix(sizeof(Digest));
  ByteReader bytes{whole};
  DiscoveryMemoText text;
  memo_bytes(bytes, text);
  return bytes.at_end() ? std::optional{text} : std::nullopt;
}

/// @param whole of the form
inline bool is_whole_memo(std::string_view whole) {
  Digest digest{};
  std::memcpy(digest.data(), whole.data() + whole.size() - digest.size(), digest.size());
  return sha256(whole.substr(0, whole.size() - digest.size())) == digest;
}

/// Whether an address, as it is or as part of a JSON pointer, has a user name or a query.
inline bool may_tell_a_secret(std::string_view text) noexcept {
  for (const std::string_view before_host : {"://", ":~1~1"})
    if (const auto at = text.find(before_host); at != text.npos)
      return text.find_first_of("@?", at) != text.npos;
  return false;
}

inline bool may_be_kept(const Credential& credential) {
  return credential.quotas.empty() && !may_tell_a_secret(credential.base_url) &&
         !may_tell_a_secret(credential.oauth_host) &&
         std::none_of(credential.places.begin(), credential.places.end(),
                      [](const Place& place) { return may_tell_a_secret(place.pointer); });
}

/// Leaves the last used of the files whose names begin so.
inline void remove_older_memos(const std::filesystem::path& stem) {
  constexpr std::size_t enough = 16;
  const auto beginning = stem.filename().string();
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> memos;
  std::error_code failed;  // what cannot be listed or removed stays: it is small, and read again
  for (std::filesystem::directory_iterator entry{stem.parent_path(), failed}, end;
       !failed && entry != end; entry.increment(failed))
    if (entry->path().filename().string().starts_with(beginning))
      memos.emplace_back(entry->last_write_time(failed), entry->path());
  std::sort(memos.rbegin(), memos.rend());
  for (std::size_t i = enough; i < memos.size(); ++i)
    std::filesystem::remove(memos[i].second, failed);
}

}  // namespace detail

CREDPOOL_INLINE DiscoveryMemo::DiscoveryMemo(const std::filesystem::path& file,
                                             Environment environment, std::string_view who)
    : environment_{std::move(environment)},
      digest_{detail::digest_of_environment(environment_, who)},
      stem_{file.string() + '-'},
      file_{stem_ + to_hex(digest_).substr(0, 16)} {}

CREDPOOL_INLINE std::optional<Discovery> DiscoveryMemo::recall() {
  const auto file = read_file(file_, environment_, detail::discovery_memo_rules);
  if (!file || (file->facts.mode & 077) != 0) return std::nullopt;
  const auto bytes = file->bytes.reveal();
  const auto text = detail::memo_of_bytes(bytes);
  // The last one takes the longest; the others are safe with any bytes.
  if (!text || text->environment != digest_ || !ReadTrace::holds(text->trace) ||
      !detail::is_whole_memo(bytes))
    return std::nullopt;
  auto discovery = detail::discovery_of_bytes(text->discovery);
  if (!discovery) return std::nullopt;
  constexpr std::chrono::hours recently{24};  // it is in use: others go before it
  std::error_code ignored;
  if (const auto now = std::filesystem::file_time_type::clock::now();
      now - std::filesystem::last_write_time(file_, ignored) > recently)
    std::filesystem::last_write_time(file_, now, ignored);
  trace_ = text->trace;
  discovery_ = text->discovery;
  follow_up_ = {std::string{text->follow_up}, text->from, text->until};
  return discovery;
}

CREDPOOL_INLINE void DiscoveryMemo::note(const Discovery& discovery, const ReadTrace& trace) {
  if (!trace.reliable() || !discovery.failures.empty() ||
      !std::all_of(discovery.credentials.begin(), discovery.credentials.end(), detail::may_be_kept))
    return;
  trace_ = trace.bytes();
  if (trace_.empty()) return;  // nobody has traced it
  discovery_ = detail::bytes_of_discovery(discovery);
  follow_up_ = {};
  changed_ = true;
}

CREDPOOL_INLINE bool DiscoveryMemo::followed_up(TimePoint now) const {
  return !follow_up_.trace.empty() && now >= follow_up_.from && now < follow_up_.until &&
         ReadTrace::holds(follow_up_.trace);
}

CREDPOOL_INLINE void DiscoveryMemo::note_follow_up(const ReadTrace& trace, TimePoint now,
                                                   TimePoint until) {
  auto bytes = trace.bytes();
  if (!trace.reliable() || discovery_.empty() || !ReadTrace::holds(bytes)) return;
  follow_up_ = {std::move(bytes), now, until};
  changed_ = true;
}

CREDPOOL_INLINE Result<void> DiscoveryMemo::keep() {
  if (!changed_) return {};
  const auto text = detail::bytes_of_memo(
      {digest_, trace_, discovery_, follow_up_.trace, follow_up_.from, follow_up_.until});
  if (text.size() > detail::discovery_memo_rules.max_bytes) return {};  // it would not be read
  std::error_code ignored;
  const bool is_new = !std::filesystem::exists(file_, ignored);
  if (auto written = detail::keep_note(file_, text); !written) return written;
  if (is_new) detail::remove_older_memos(stem_);
  changed_ = false;
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
