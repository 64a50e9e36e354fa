#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/file.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/platform.hpp>
#include <credpool/impl/core/dangling_link.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(FileWarning::Kind kind) noexcept {
  switch (kind) {
    case FileWarning::Kind::readable_by_others:
      return "readable_by_others";
    case FileWarning::Kind::writable_parent:
      return "writable_parent";
    case FileWarning::Kind::hard_linked:
      return "hard_linked";
  }
  return "unknown";
}

namespace detail {

/// The Errc for an errno of open, rename, mkdir and their kin.
inline Errc errc_of_errno(int number) noexcept {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    case ELOOP:
      return Errc::unsafe_file;
    case ENXIO:
      return Errc::unsafe_file;  // opening a socket file
    default:
      return Errc::io;
  }
}

inline std::string reason_of_errno(int number) {
  return std::error_code{number, std::generic_category()}.message();
}

/// The text as one word of a POSIX shell command.
inline std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word.push_back(c);
    }
  }
  return word + "'";
}

inline void note_warnings(FileFacts& facts, const struct stat& file, const Environment& environment,
                          bool holds_secret) {
  environment.note_look(facts.resolved.parent_path(), ReadTrace::Of::identity);
  const auto warn = [&facts](FileWarning::Kind kind, std::string command,
                             const std::filesystem::path& path) {
    facts.warnings.push_back({kind, std::move(command) + ' ' + shell_word(path.native())});
  };
  if (holds_secret && (file.st_mode & 077) != 0)
    warn(FileWarning::Kind::readable_by_others, "chmod 600", facts.resolved);
  if (holds_secret && file.st_nlink > 1)
    warn(FileWarning::Kind::hard_linked, "find / -xdev -samefile", facts.resolved);
  const auto parent = facts.resolved.parent_path();
  struct stat directory {};
  if (::stat(parent.c_str(), &directory) != 0) return;
  if (directory.st_uid != environment.user() && directory.st_uid != 0)
    warn(FileWarning::Kind::writable_parent, "chown " + std::to_string(environment.user()), parent);
  const bool sticky = (directory.st_mode & S_ISVTX) != 0;
  if ((directory.st_mode & 022) != 0 && !sticky)
    warn(FileWarning::Kind::writable_parent, "chmod go-w", parent);
}

inline std::string_view file_type(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "a special file";
}

inline Unexpected too_large_to_read(const std::filesystem::path& path, const FileRules& rules) {
  return fail(Errc::too_large, "reading a file", path.string(),
              "over " + std::to_string(rules.max_bytes) + " bytes");
}

struct OpenedFile {
  Descriptor descriptor;
  FileFacts facts;
};

/// Opens a file and judges it by the rules of read_file().
inline Result<OpenedFile> open_to_read(const std::filesystem::path& path,
                                       const Environment& environment, const FileRules& rules) {
  const std::string doing = "reading a file";
  int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  if (!rules.follow_symlink) flags |= O_NOFOLLOW;
  const auto not_regular = [&](mode_t mode) {
    return fail(Errc::unsafe_file, doing, path.string(),
                "it is " + std::string{file_type(mode)} + ", not a regular file: move it away");
  };

  const auto failed_with = [&](int number) {
    const auto code = errc_of_errno(number);
    if (code == Errc::permission_denied || code == Errc::io) environment.note_untold();
    return fail(code, doing, path.string(),
                code == Errc::not_found ? std::string{} : reason_of_errno(number));
  };

  environment.note_look(path);
  // What is not a regular file is refused before it is opened: opening a device may have effects.
  struct stat before {};
  if (::lstat(path.c_str(), &before) != 0) return failed_with(errno);
  const bool is_link = S_ISLNK(before.st_mode);
  if (is_link && ::stat(path.c_str(), &before) != 0) {
    if (rules.follow_symlink && errc_of_errno(errno) == Errc::not_found)
      return fail(Errc::not_found, doing, path.string(), std::string{dangling_link_hint});
  } else if (!S_ISREG(before.st_mode)) {
    return not_regular(before.st_mode);
  }

  OpenedFile opened{Descriptor{::open(path.c_str(), flags)}, {}};
  if (!opened.descriptor) return failed_with(errno);
  struct stat file {};
  if (::fstat(opened.descriptor.get(), &file) != 0) {
    environment.note_untold();
    return fail(Errc::io, doing, path.string(), reason_of_errno(errno));
  }
  if (!S_ISREG(file.st_mode)) return not_regular(file.st_mode);
  if (file.st_uid != environment.user() && file.st_uid != 0)
    return fail(Errc::unsafe_file, doing, path.string(),
                "it belongs to user " + std::to_string(file.st_uid) + "; chown it to user " +
                    std::to_string(environment.user()) + " if it is yours");
  if (file.st_size > 0 && static_cast<std::uint64_t>(file.st_size) > rules.max_bytes)
    return too_large_to_read(path, rules);

  auto& facts = opened.facts;
  facts.path = facts.resolved = path;
  facts.symbolic_link = is_link;
  if (is_link) {
    std::error_code failed;
    auto resolved = std::filesystem::canonical(path, failed);
    if (!failed) facts.resolved = std::move(resolved);
    environment.note_look(facts.resolved);
  }
  facts.mode = file.st_mode & 07777;
  facts.inode = file.st_ino;
  facts.size = static_cast<std::uint64_t>(file.st_size);
  facts.modified = TimePoint{std::chrono::duration_cast<Duration>(
      std::chrono::seconds{file.st_mtim.tv_sec} + std::chrono::nanoseconds{file.st_mtim.tv_nsec})};
  note_warnings(facts, file, environment, rules.holds_secret);
  return opened;
}

}  // namespace detail

CREDPOOL_INLINE Result<FileFacts> inspect_file(const std::filesystem::path& path,
                                               const Environment& environment, FileRules rules) {
  auto opened = detail::open_to_read(path, environment, rules);
  if (!opened) return fail(std::move(opened).error());
  return std::move(opened->facts);
}

CREDPOOL_INLINE Result<FileText> read_file(const std::filesystem::path& path,
                                           const Environment& environment, FileRules rules) {
  auto opened = detail::open_to_read(path, environment, rules);
  if (!opened) return fail(std::move(opened).error());
  const auto& file = opened->descriptor;

  // One byte more than allowed tells a file that grew (or lies about its size, as in /proc).
  std::string bytes(static_cast<std::size_t>(opened->facts.size) + 1, '\0');
  std::size_t used = 0;
  while (true) {
    const auto got = ::read(file.get(), bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int number = errno;
      environment.note_untold();
      wipe(bytes.data(), bytes.size());
      return fail(Errc::io, "reading a file", path.string(), detail::reason_of_errno(number));
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > rules.max_bytes) {
      wipe(bytes.data(), bytes.size());
      return detail::too_large_to_read(path, rules);
    }
    if (used == bytes.size()) {
      std::string larger(std::min(bytes.size() * 2, rules.max_bytes + 1), '\0');
      std::copy(bytes.begin(), bytes.end(), larger.begin());
      wipe(bytes.data(), bytes.size());
      bytes.swap(larger);
    }
  }

  FileText result{Secret{std::string_view{bytes}.substr(0, used)}, std::move(opened->facts)};
  wipe(bytes.data(), bytes.size());
  result.facts.size = used;
  return result;
}

CREDPOOL_INLINE Result<void> replace_file(const std::filesystem::path& path, std::string_view bytes,
                                          mode_t mode, bool keep_mode, bool durable) {
  const std::string doing = "writing a file";
  std::error_code failed;
  std::filesystem::path target = path;
  if (std::filesystem::is_symlink(path, failed)) {
    target = std::filesystem::canonical(path, failed);
    if (failed)
      return fail(Errc::unsafe_file, doing, path.string(), "the link leads nowhere: remove it");
  }
  struct stat existing {};
  if (keep_mode && ::stat(target.c_str(), &existing) == 0) mode = existing.st_mode & 07777;

  std::array<unsigned char, 8> random{};
  if (::getentropy(random.data(), random.size()) != 0)
    return fail(Errc::io, doing, path.string(), "no random numbers are to be had");
  auto temporary = target;
  temporary += ".tmp-" + to_hex({reinterpret_cast<const char*>(random.data()), random.size()});

  Descriptor file{
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600)};
  if (!file) {
    const int number = errno;
    return fail(detail::errc_of_errno(number), doing, target.string(),
                detail::reason_of_errno(number));
  }
  const auto give_up = [&](int number) {
    ::unlink(temporary.c_str());
    return fail(detail::errc_of_errno(number), doing, target.string(),
                detail::reason_of_errno(number));
  };
  std::size_t written = 0;
  while (written < bytes.size()) {
    const auto put = ::write(file.get(), bytes.data() + written, bytes.size() - written);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return give_up(errno);
    written += static_cast<std::size_t>(put);
  }
  if (::fchmod(file.get(), mode) != 0) return give_up(errno);
  if (durable && ::fsync(file.get()) != 0) return give_up(errno);
  file.reset();
  if (::rename(temporary.c_str(), target.c_str()) != 0) return give_up(errno);
  if (!durable) return {};

  const auto parent = target.has_parent_path() ? target.parent_path() : std::filesystem::path{"."};
  const Descriptor directory{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || ::fsync(directory.get()) != 0)
    return fail(Errc::io, "making a written file durable", target.string(),
                detail::reason_of_errno(errno));
  return {};
}

CREDPOOL_INLINE Result<void> make_private_directory(const std::filesystem::path& path) {
  const std::string doing = "making a directory";
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0) {
    if (S_ISDIR(facts.st_mode)) return {};
    return fail(Errc::unsafe_file, doing, path.string(), "something else stands there");
  }
  if (path.has_parent_path() && path.parent_path() != path) {
    if (auto parent = make_private_directory(path.parent_path()); !parent) return parent;
  }
  if (::mkdir(path.c_str(), 0700) != 0) {
    const int number = errno;
    if (number == EEXIST && ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return {};
    return fail(detail::errc_of_errno(number), doing, path.string(),
                detail::reason_of_errno(number));
  }
  // The umask may have taken rights from the owner as well.
  if (::chmod(path.c_str(), 0700) != 0)
    return fail(Errc::io, doing, path.string(), detail::reason_of_errno(errno));
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
