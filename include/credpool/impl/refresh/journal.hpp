#pragma once
// SPDX-License-Identifier: MIT

// The write-ahead journal of one exchange. Internal: included by .ipp files only.

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/refresh/own_file.hpp>

#include <charconv>
#include <cstdint>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What stands in the journal before the refresh token goes out.
struct JournalHeader {
  std::string token;    ///< token_hash() of the refresh token that is spent
  std::string account;  ///< token_hash() of the account's id; may be empty
  std::string attempt;  ///< random, names this try
  std::uint64_t fence = 0;
  std::string boot;  ///< of the machine; tells a restart in between; may be empty
  TimePoint sent_at{};
  bool retry = false;            ///< the one late retry after an unknown outcome: there is no third
  std::string family = {};       ///< of the claim in a shared store; empty when there is none
  std::uint64_t generation = 0;  ///< of that claim, as `fence` is
};

enum class JournalState {
  none,  ///< there is no journal
  torn,  ///< its header was not finished: nothing was sent
  sent,  ///< the token may have been spent, the answer is not here
  got,   ///< the answer is here
};

struct JournalRecord {
  JournalState state = JournalState::none;
  JournalHeader header;
  Secret answer;            ///< as LoginStore::protect() made it
  TimePoint received_at{};  ///< when the answer came
};

inline constexpr std::size_t journal_reserve = 64 * 1024;
inline constexpr std::size_t journal_answer_at = 1024;  ///< the header has the bytes before
inline constexpr std::size_t journal_max = 4 * 1024 * 1024;
inline constexpr int journal_version = 1;

/// The machine's current start, where the system tells it.
inline std::string boot_id() {
  const Descriptor file{::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)};
  std::array<char, 36> text{};
  if (!file || ::read(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return {};
  return {text.data(), text.size()};
}

inline std::string journal_header_text(const JournalHeader& header) {
  const auto line = Json{{"version", journal_version},
                         {"token", header.token},
                         {"account", header.account},
                         {"attempt", header.attempt},
                         {"fence", header.fence},
                         {"boot", header.boot},
                         {"sentAt", header.sent_at.time_since_epoch().count()},
                         {"retry", header.retry},
                         {"family", header.family},
                         {"generation", header.generation}}
                        .dump() +
                    '\n';
  return line + to_hex(sha256(line)) + '\n';
}

inline std::string journal_answer_digest(const std::string& attempt, std::string_view received,
                                         std::string_view body) {
  return to_hex(sha256_of_parts({attempt, received, body}));
}

/// The next line from `rest`, without its end; none when there is none.
inline std::optional<std::string_view> journal_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

/// A number of the journal; none when the text is anything else.
inline std::optional<std::int64_t> journal_number(std::optional<std::string_view> text) {
  std::int64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return number;
}

/// Understands a journal's bytes.
/// @errors unsupported for one that a later version wrote
inline Result<JournalRecord> parse_journal(std::string_view bytes, const std::string& place) {
  JournalRecord record{JournalState::torn, {}, {}, {}};
  auto rest = bytes.substr(0, journal_answer_at);
  const auto text = journal_line(rest);
  const auto checksum = journal_line(rest);
  if (!text || !checksum || to_hex(sha256(std::string{*text} + '\n')) != *checksum) return record;
  const auto fields = parse_json(*text);
  if (!fields) return record;
  const auto number = [&](const char* name) -> std::int64_t {
    const auto* value = member(*fields, name);
    return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : 0;
  };
  if (number("version") != journal_version)
    return fail(Errc::unsupported, "reading the journal of an exchange", place,
                "another version of credpool wrote it: use that one");
  auto& header = record.header;
  header.token = text_or_empty(*fields, "token");
  header.account = text_or_empty(*fields, "account");
  header.attempt = text_or_empty(*fields, "attempt");
  header.boot = text_or_empty(*fields, "boot");
  header.fence = static_cast<std::uint64_t>(number("fence"));
  header.family = text_or_empty(*fields, "family");
  header.generation = static_cast<std::uint64_t>(number("generation"));
  header.sent_at = TimePoint{Duration{number("sentAt")}};
  const auto* retry = member(*fields, "retry");
  header.retry = retry != nullptr && retry->is_boolean() && retry->get<bool>();
  record.state = JournalState::sent;

  if (bytes.size() <= journal_answer_at) return record;
  rest = bytes.substr(journal_answer_at);
  const auto length = journal_number(journal_line(rest));
  const auto received = journal_line(rest);
  const auto digest = journal_line(rest);
  const auto received_at = journal_number(received);
  if (!length || !received_at || !digest || *length < 0 ||
      static_cast<std::uint64_t>(*length) > rest.size())
    return record;
  const auto body = rest.substr(0, static_cast<std::size_t>(*length));
  if (journal_answer_digest(header.attempt, *received, body) != *digest) return record;
  record.state = JournalState::got;
  record.answer = Secret{body};
  record.received_at = TimePoint{Duration{*received_at}};
  return record;
}

/// Reads the journal that an earlier exchange left.
/// @errors unsafe_file, too_large, unsupported: a foreign one, which is not touched; io
inline Result<JournalRecord> load_journal(const std::filesystem::path& path) {
  auto bytes = read_own_file(path, journal_max);
  if (!bytes) return fail(std::move(bytes).error());
  if (!*bytes) return JournalRecord{};
  return parse_journal((*bytes)->reveal(), path.string());
}

/// @param durable false where one that comes back after a power cut would only be removed again
inline Result<void> remove_journal(const ExchangeFiles& files, bool durable = true) {
  if (::unlink(files.journal.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return own_file_failure(errno, "removing the journal of an exchange", files.journal);
  }
  if (!durable) return {};
  return sync_directory(files.directory);
}

/// An open journal: everything that it needs of the disk was reserved when it was made.
class Journal {
 public:
  /// Makes it durable: after this the token may be sent.
  ///
  /// @param replaces an earlier journal stands there and gives way in one step
  /// @errors conflict when one stands there unexpectedly; those of writing
  static Result<Journal> create(const ExchangeFiles& files, JournalHeader header,
                                bool replaces = false) {
    const std::string doing = "writing the journal of an exchange";
    const auto path = replaces ? files.named("journal-next") : files.journal;
    if (replaces) ::unlink(path.c_str());  // of a process that died here; we have the lock
    Journal journal{
        Descriptor{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)},
        files, std::move(header)};
    if (!journal.file_) {
      if (errno == EEXIST)
        return fail(Errc::conflict, doing, path.string(), "another exchange left one: try again");
      return own_file_failure(errno, doing, path);
    }
    const auto give_up = [&](int number) {
      ::unlink(path.c_str());
      return own_file_failure(number, doing, path);
    };
    if (const int failed = reserve_space(journal.file_.get(), journal_reserve); failed != 0)
      return give_up(failed);
    if (const int failed =
            write_whole(journal.file_.get(), journal_header_text(journal.header_), 0);
        failed != 0)
      return give_up(failed);
    if (::fsync(journal.file_.get()) != 0) return give_up(errno);
    if (replaces && ::rename(path.c_str(), files.journal.c_str()) != 0) return give_up(errno);
    if (auto durable = sync_directory(files.directory); !durable) {
      if (!replaces) ::unlink(path.c_str());
      return fail(durable.error());
    }
    return journal;
  }

  const JournalHeader& header() const noexcept { return header_; }

  /// Keeps the answer, whatever it is, and makes it durable.
  Result<void> keep(const Secret& answer, TimePoint received_at) {
    const auto received = std::to_string(received_at.time_since_epoch().count());
    const auto head = std::to_string(answer.size()) + '\n' + received + '\n' +
                      journal_answer_digest(header_.attempt, received, answer.reveal()) + '\n';
    int failed = write_whole(file_.get(), head, journal_answer_at);
    if (failed == 0)
      failed = write_whole(file_.get(), answer.reveal(),
                           static_cast<off_t>(journal_answer_at + head.size()));
    if (failed == 0 && ::fdatasync(file_.get()) != 0) failed = errno;
    if (failed != 0) return own_file_failure(failed, "keeping a token answer", files_.journal);
    return {};
  }

 private:
  Journal(Descriptor file, ExchangeFiles files, JournalHeader header)
      : file_{std::move(file)}, files_{std::move(files)}, header_{std::move(header)} {}

  Descriptor file_;
  ExchangeFiles files_;
  JournalHeader header_;
};

/// Puts the journal aside with the answer in it: it belongs to a login that lost against another
/// one, or whose file was removed. The next successful exchange of this file drops it.
/// @return the name it has now
inline Result<std::filesystem::path> park_journal(const ExchangeFiles& files,
                                                  const std::string& attempt) {
  const auto parked = files.named("parked-" + attempt);
  if (::rename(files.journal.c_str(), parked.c_str()) != 0)
    return own_file_failure(errno, "putting an answer aside", files.journal);
  if (auto durable = sync_directory(files.directory); !durable) return fail(durable.error());
  return parked;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
