#pragma once
// SPDX-License-Identifier: MIT

// The files that an exchange keeps beside a login's file. Internal: included by .ipp files only.

#include <credpool/core/file.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/platform.hpp>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where they stand: in the login's own directory, so that two installations with different
/// configuration directories meet there.
struct ExchangeFiles {
  std::filesystem::path target, directory, lock, journal, state;
  std::string prefix;  ///< of the name of every one of them

  static ExchangeFiles beside(const std::filesystem::path& file) {
    const auto directory = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
    const auto prefix = ".credpool-" + file.filename().string() + '.';
    return {file,
            directory,
            directory / (prefix + "lock"),
            directory / (prefix + "journal"),
            directory / (prefix + "state"),
            prefix};
  }
  std::filesystem::path named(const std::string& suffix) const {
    return directory / (prefix + suffix);
  }
  /// The names of this kind that are there: "tmp-" or "parked-" and what follows it.
  std::vector<std::filesystem::path> list(const std::string& kind) const {
    std::vector<std::filesystem::path> found;
    std::error_code failed;
    for (std::filesystem::directory_iterator entry{directory, failed}, end; !failed && entry != end;
         entry.increment(failed)) {
      if (entry->path().filename().string().starts_with(prefix + kind))
        found.push_back(entry->path());
    }
    return found;
  }
};

/// Of which login a journal, or an answer that was put aside, is.
struct ExchangeTarget {
  std::string file;  ///< the name of the login's file
  bool parked = false;
};

/// @return none for any other name
inline std::optional<ExchangeTarget> exchange_target_of(std::string_view name) {
  constexpr std::string_view start = ".credpool-", journal = ".journal", parked = ".parked-";
  if (!name.starts_with(start)) return std::nullopt;
  name.remove_prefix(start.size());
  const auto aside = name.rfind(parked);
  if (!name.ends_with(journal) && aside == std::string_view::npos) return std::nullopt;
  const auto end = name.ends_with(journal) ? name.size() - journal.size() : aside;
  if (end == 0) return std::nullopt;
  return ExchangeTarget{std::string{name.substr(0, end)}, !name.ends_with(journal)};
}

inline Unexpected own_file_failure(int number, const std::string& doing,
                                   const std::filesystem::path& path) {
  const std::error_code failed{number, std::generic_category()};
  auto code = Errc::io;
  if (number == ENOENT || number == ENOTDIR) code = Errc::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = Errc::permission_denied;
  if (number == ELOOP || number == EISDIR) code = Errc::unsafe_file;
  return fail(code, doing, path.string(), failed.message());
}

inline std::string random_hex() {
  std::array<unsigned char, 8> random{};
  if (::getentropy(random.data(), random.size()) != 0) return {};
  return to_hex({reinterpret_cast<const char*>(random.data()), random.size()});
}

/// Writes all of it at that offset.
/// @return 0, else an errno
inline int write_whole(int file, std::string_view bytes, off_t offset) noexcept {
  while (!bytes.empty()) {
    const auto put = ::pwrite(file, bytes.data(), bytes.size(), offset);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    if (put == 0) return EIO;
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += put;
  }
  return 0;
}

/// posix_fallocate() that a signal does not end.
inline int reserve_space(int file, std::size_t bytes) noexcept {
  int failed = 0;
  do failed = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  while (failed == EINTR);
  return failed;
}

/// Makes what was created, renamed or removed in a directory durable.
inline Result<void> sync_directory(const std::filesystem::path& directory) {
  const Descriptor file{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!file || ::fsync(file.get()) != 0)
    return own_file_failure(errno, "making a written file durable", directory);
  return {};
}

/// The bytes of a small file; none when there is none. A link is not followed, and anything but a
/// regular file of ours or root's is refused.
/// @errors unsafe_file, too_large, permission_denied, io
inline Result<std::optional<Secret>> read_own_file(const std::filesystem::path& path,
                                                   std::size_t max_bytes) {
  const std::string doing = "reading a file of an exchange";
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file) {
    if (errno == ENOENT) return std::optional<Secret>{};
    return own_file_failure(errno, doing, path);
  }
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return own_file_failure(errno, doing, path);
  if (!S_ISREG(facts.st_mode) || (facts.st_uid != ::geteuid() && facts.st_uid != 0))
    return fail(Errc::unsafe_file, doing, path.string(),
                "it is not a regular file of yours: move it away");
  if (static_cast<std::size_t>(facts.st_size) > max_bytes)
    return fail(Errc::too_large, doing, path.string());
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t used = 0;
  while (used < bytes.size()) {
    const auto got =
        ::pread(file.get(), bytes.data() + used, bytes.size() - used, static_cast<off_t>(used));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int number = errno;
      wipe(bytes.data(), bytes.size());
      return own_file_failure(number, doing, path);
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  std::optional<Secret> text{Secret{std::string_view{bytes}.substr(0, used)}};
  wipe(bytes.data(), bytes.size());
  return text;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
