#pragma once
// SPDX-License-Identifier: MIT

// The chain of records beside the history document. Internal: included by .ipp files only.
//
// A record is one line: {"seq":N,"at":"<time>","prev":"<hash>","what":"<word>","profile":"<id>",
// "before":"<digest>","after":"<digest>","hash":"<hash>"}, where the hash is the SHA-256 of the
// line up to the comma before "hash". "before" is empty for a new entry, "after" for one that was
// removed. Besides changes of entries there are: "cleared" and "compacted" (the chain begins anew,
// `prev` is the end of the old one), and "gap" (the chain was shorter than the document knew).

#include <credpool/core/hash.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/core/platform.hpp>
#include <credpool/history/chain.hpp>
#include <credpool/impl/core/json.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One change of one entry, before it becomes a record.
struct HistoryStep {
  std::string what;
  std::string profile;
  std::string before;
  std::string after;
};

struct HistoryRecord {
  HistoryStep step;
  std::uint64_t sequence = 0;
  std::string previous;
  std::string hash;
  std::size_t line = 0;
  bool intact = false;  ///< its bytes match its hash
};

/// Where the chain ends: what the next record follows.
struct HistoryChainEnd {
  std::uint64_t sequence = 0;
  std::string hash = std::string(64, '0');
  std::uint64_t size = 0;  ///< bytes of complete lines
};

inline bool begins_history_chain(std::string_view what) noexcept {
  return what == "cleared" || what == "compacted";
}

/// Reads one line without its line end; `intact` is false when it is no record.
inline HistoryRecord read_history_record(std::string_view line) {
  constexpr std::string_view mark = ",\"hash\":\"";
  constexpr std::size_t hash_size = 64;
  HistoryRecord record;
  const auto tail = mark.size() + hash_size + 2;  // and the closing quote and brace
  if (line.size() < tail || line.substr(line.size() - tail, mark.size()) != mark) return record;
  const auto body = line.substr(0, line.size() - tail);
  const auto parsed = parse_json(std::string{body} + "}");
  if (!parsed) return record;
  record.hash = line.substr(body.size() + mark.size(), hash_size);
  if (const auto* sequence = member(*parsed, "seq");
      sequence != nullptr && sequence->is_number_unsigned())
    record.sequence = sequence->get<std::uint64_t>();
  record.previous = text_or_empty(*parsed, "prev");
  record.step = {
      std::string{text_or_empty(*parsed, "what")}, std::string{text_or_empty(*parsed, "profile")},
      std::string{text_or_empty(*parsed, "before")}, std::string{text_or_empty(*parsed, "after")}};
  record.intact = line.ends_with("\"}") && record.hash == to_hex(sha256(body));
  return record;
}

/// Writes the records that follow `end`, and moves it.
inline std::string write_history_records(const std::vector<HistoryStep>& steps, TimePoint now,
                                         HistoryChainEnd& end) {
  constexpr std::size_t longest_label = 128;
  std::string lines;
  for (const auto& step : steps) {
    const auto profile = dump_json(Json(step.profile.substr(0, longest_label)));
    auto body = "{\"seq\":" + std::to_string(++end.sequence) + ",\"at\":\"" + format_iso8601(now) +
                "\",\"prev\":\"" + end.hash + "\",\"what\":\"" + step.what +
                "\",\"profile\":" + profile + ",\"before\":\"" + step.before + "\",\"after\":\"" +
                step.after + '"';
    end.hash = to_hex(sha256(body));
    body += ",\"hash\":\"" + end.hash + "\"}\n";
    lines += body;
  }
  end.size += lines.size();
  return lines;
}

inline Unexpected history_io_error(const char* doing, const std::filesystem::path& path) {
  const std::error_code failed{errno, std::generic_category()};
  const bool refused =
      failed == std::errc::permission_denied || failed == std::errc::read_only_file_system;
  const auto code = failed == std::errc::too_many_symbolic_link_levels ? Errc::unsafe_file
                    : refused                                          ? Errc::permission_denied
                                                                       : Errc::io;
  return fail(code, doing, path.string(), failed.message());
}

/// Finds the chain's end from its last bytes, so that a long chain costs no more than a short one.
inline Result<HistoryChainEnd> find_history_chain_end(const std::filesystem::path& path) {
  constexpr const char* doing = "reading the history's chain";
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file && errno == ENOENT) return HistoryChainEnd{};
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) return history_io_error(doing, path);
  if (!S_ISREG(facts.st_mode))
    return fail(Errc::unsafe_file, doing, path.string(), "it is no regular file: move it away");

  constexpr off_t window = 8192;  // longer than any record
  const auto begin = std::max<off_t>(0, facts.st_size - window);
  std::string tail(static_cast<std::size_t>(facts.st_size - begin), '\0');
  const auto got = ::pread(file.get(), tail.data(), tail.size(), begin);
  if (got < 0) return history_io_error(doing, path);
  tail.resize(static_cast<std::size_t>(got));

  HistoryChainEnd end;
  const auto last = tail.rfind('\n');  // what follows it is the rest of an interrupted write
  if (last == std::string::npos) return end;
  end.size = static_cast<std::uint64_t>(begin) + last + 1;
  const auto before = last == 0 ? std::string::npos : tail.rfind('\n', last - 1);
  const auto first = before == std::string::npos ? 0 : before + 1;
  const auto record = read_history_record(std::string_view{tail}.substr(first, last - first));
  end.sequence = record.sequence;
  if (!record.hash.empty()) end.hash = record.hash;
  return end;
}

/// Writes lines at the chain's end (cutting off the rest of an interrupted write) and syncs them.
inline Result<void> append_history_chain(const std::filesystem::path& path, std::uint64_t at,
                                         std::string_view lines) {
  constexpr const char* doing = "writing the history's chain";
  const Descriptor file{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)};
  if (!file || ::fchmod(file.get(), 0600) != 0 ||
      ::ftruncate(file.get(), static_cast<off_t>(at)) != 0)
    return history_io_error(doing, path);
  std::size_t written = 0;
  while (written < lines.size()) {
    const auto put = ::pwrite(file.get(), lines.data() + written, lines.size() - written,
                              static_cast<off_t>(at + written));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return history_io_error(doing, path);
    written += static_cast<std::size_t>(put);
  }
  if (::fsync(file.get()) != 0) return history_io_error(doing, path);
  return {};
}

/// The whole chain, checked, and the entries that it says there are.
class HistoryReplay {
 public:
  explicit HistoryReplay(std::string_view text) {
    std::size_t line = 0;
    while (!text.empty()) {
      const auto end = text.find('\n');
      if (end == std::string_view::npos) {
        verdict.notes.emplace_back(
            "an interrupted write left an incomplete last line in the chain");
        break;
      }
      auto record = read_history_record(text.substr(0, end));
      record.line = ++line;
      records.push_back(std::move(record));
      text.remove_prefix(end + 1);
    }
    verdict.records = records.size();
  }

  /// Checks the links from record to record.
  void check() {
    std::multimap<std::uint64_t, std::size_t> lines;
    for (const auto& record : records) lines.emplace(record.sequence, record.line);
    std::uint64_t expected = 1;
    std::string previous(64, '0');
    bool first = true;
    for (const auto& record : records) {
      using Fault = HistoryVerdict::Fault;
      if (first && record.intact && begins_history_chain(record.step.what)) {
        expected = record.sequence;
        previous = record.previous;
      }
      first = false;
      if (!record.intact) return blame(Fault::edited, expected, record.line, "was edited");
      if (record.sequence < expected)
        return blame(Fault::reordered, record.sequence, record.line, "stands out of order");
      if (record.sequence > expected) {
        const auto missing = lines.find(expected);
        if (missing != lines.end() && missing->second > record.line)
          return blame(Fault::reordered, record.sequence, record.line, "stands out of order");
        return blame(Fault::removed, record.sequence, record.line,
                     "follows a gap: records from " + std::to_string(expected) + " on are missing");
      }
      if (record.previous != previous)
        return blame(Fault::replaced, record.sequence, record.line,
                     "does not follow the record before it");
      if (record.step.what == "gap")
        return blame(Fault::truncated, record.sequence, record.line,
                     "notes that the chain's end was missing");
      ++expected;
      previous = record.hash;
    }
  }

  /// Plays the changes up to that record (0: all) and leaves the digests of the entries in `live`.
  void play(std::uint64_t last) {
    for (const auto& record : records) {
      const auto& step = record.step;
      if (begins_history_chain(step.what)) live.clear();
      if (!step.before.empty()) {
        const auto known = live.find(step.before);
        if (known != live.end()) {
          live.erase(known);
        } else {
          blame(HistoryVerdict::Fault::entry_changed, record.sequence, record.line,
                "changed the entry of \"" + step.profile +
                    "\", which somebody else had changed before");
        }
      }
      if (!step.after.empty()) live.emplace(step.after, step.profile);
      if (last != 0 && record.sequence == last) break;
    }
  }

  /// Notes a fault unless an earlier one is known.
  void blame(HistoryVerdict::Fault fault, std::uint64_t record, std::size_t line,
             const std::string& detail) {
    if (!verdict.ok()) return;
    verdict.fault = fault;
    verdict.broken_record = record;
    verdict.broken_line = line;
    verdict.detail = (record != 0 ? "record " + std::to_string(record) + " " : "") + detail;
  }

  std::vector<HistoryRecord> records;
  std::unordered_multimap<std::string, std::string> live;  ///< digest -> profile
  HistoryVerdict verdict;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
