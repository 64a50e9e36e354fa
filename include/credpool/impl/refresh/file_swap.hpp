#pragma once
// SPDX-License-Identifier: MIT

// Replacing a login's file without losing what another writer put there. Internal: included by
// .ipp files only.

#include <credpool/impl/refresh/own_file.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::size_t login_file_max = 1024 * 1024;

/// Whether that file can give way to another one of its name: found out before anything is spent.
/// @errors unsafe_file for somebody else's file; too_large; permission_denied for a file that is a
///         mount of its own (a container's), which no rename replaces
inline Result<void> check_replaceable(const std::filesystem::path& file) {
  const auto bytes = read_own_file(file, login_file_max);
  if (!bytes) return fail(bytes.error());
  if (is_mount_point(file.c_str()))
    return fail(Errc::permission_denied, "replacing a login's file", file.string(),
                "it is mounted by itself: mount its directory instead");
  return {};
}

/// A new file's place beside the target, with its space on the disk, taken before it is needed.
///
/// What the swap displaces stands at the temporary name afterwards and is removed with this object
/// unless it is kept.
class FileSwap {
 public:
  static Result<FileSwap> reserve(const ExchangeFiles& files, std::size_t bytes) {
    const std::string doing = "making room for a refreshed login";
    const auto id = random_hex();
    if (id.empty()) return fail(Errc::io, doing, files.target.string(), "no random numbers");
    FileSwap swap{files, files.named("tmp-" + id)};
    swap.file_ = Descriptor{
        ::open(swap.temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!swap.file_) return own_file_failure(errno, doing, swap.temporary_);
    swap.stands_ = true;
    if (const int failed = reserve_space(swap.file_.get(), bytes); failed != 0)
      return own_file_failure(failed, doing, swap.temporary_);
    return swap;
  }

  FileSwap(FileSwap&& other) noexcept
      : files_{std::move(other.files_)},
        temporary_{std::move(other.temporary_)},
        file_{std::move(other.file_)},
        stands_{std::exchange(other.stands_, false)} {}
  FileSwap& operator=(FileSwap&&) = delete;
  ~FileSwap() {
    if (stands_) ::unlink(temporary_.c_str());
  }

  /// Puts the new text there, with the mode and the owner of the file that it will replace.
  Result<void> write(const Secret& text, mode_t mode) {
    const std::string doing = "writing a refreshed login";
    const auto failed = [&](int number) { return own_file_failure(number, doing, temporary_); };
    if (const int number = write_whole(file_.get(), text.reveal(), 0); number != 0)
      return failed(number);
    if (::ftruncate(file_.get(), static_cast<off_t>(text.size())) != 0) return failed(errno);
    struct stat target {};
    struct stat ours {};
    if (::fstat(file_.get(), &ours) != 0) return failed(errno);
    if (::lstat(files_.target.c_str(), &target) == 0 &&
        (target.st_uid != ours.st_uid || target.st_gid != ours.st_gid) &&
        ::fchown(file_.get(), target.st_uid, target.st_gid) != 0 && target.st_uid != ours.st_uid)
      return failed(errno);
    if (::fchmod(file_.get(), mode) != 0 || ::fsync(file_.get()) != 0) return failed(errno);
    return {};
  }

  enum class Swapped {
    expected,   ///< what came out is what was read before
    surprised,  ///< somebody else had written: theirs stands at its place again
    gone,       ///< there was no file any more; nothing was made
  };

  /// Changes places with the target and looks at what came out.
  /// @param base the target's bytes as the new text was made from them
  Result<Swapped> swap_with_target(const Secret& base) {
    auto put = read_own_file(temporary_, login_file_max);
    if (!put) return fail(put.error());
    if (!*put) return own_file_failure(ENOENT, "replacing a login's file", temporary_);
    auto inside = **put;   // what the next exchange of names puts in
    auto expected = base;  // what it should bring out
    bool ours = true;
    // Theirs goes back at once; when a third writer comes between, its text is the newest one.
    for (int turn = 0; turn < 8; ++turn) {
      const int number = change_places();
      if (number == ENOENT && turn == 0) return Swapped::gone;
      stands_ = false;  // from here on another's text may stand there: only a good end removes it
      if (number != 0) return own_file_failure(number, "replacing a login's file", files_.target);
      const auto displaced = read_own_file(temporary_, login_file_max);
      if (!displaced) return fail(displaced.error());
      if (!*displaced) return own_file_failure(ENOENT, "replacing a login's file", temporary_);
      if (**displaced == expected) {
        stands_ = true;
        return synced(ours ? Swapped::expected : Swapped::surprised);
      }
      expected = std::exchange(inside, **displaced);
      ours = false;
    }
    return fail(Errc::conflict, "replacing a login's file", files_.target.string(),
                "others write it all the time");
  }

  /// Gives a file that is gone its name again, unless somebody else does first.
  Result<Swapped> make_anew() {
    if (::link(temporary_.c_str(), files_.target.c_str()) != 0) {
      if (errno == EEXIST) return Swapped::surprised;
      return own_file_failure(errno, "writing a login's file anew", files_.target);
    }
    ::unlink(temporary_.c_str());
    stands_ = false;
    return synced(Swapped::expected);
  }

  /// Whether what was displaced still has those bytes: a writer may have had it open.
  Result<bool> displaced_is(const Secret& base) const {
    const auto bytes = read_own_file(temporary_, login_file_max);
    if (!bytes) return fail(bytes.error());
    return *bytes && **bytes == base;
  }

  /// Puts what was displaced aside instead of removing it.
  Result<void> keep_displaced(const std::string& id) {
    if (::rename(temporary_.c_str(), files_.named("parked-" + id + "-file").c_str()) != 0)
      return own_file_failure(errno, "putting a login aside", files_.target);
    stands_ = false;
    return sync_directory(files_.directory);
  }

 private:
  FileSwap(ExchangeFiles files, std::filesystem::path temporary)
      : files_{std::move(files)}, temporary_{std::move(temporary)} {}

  int change_places() const {
    int failed = exchange_names(temporary_.c_str(), files_.target.c_str());
    if (failed != ENOSYS && failed != EINVAL && failed != ENOTSUP) return failed;
    // No exchange on this file system: what stands there gets a second name before it goes. A
    // writer who comes between the two calls is not seen.
    const auto second = files_.named("tmp-" + random_hex());
    if (::link(files_.target.c_str(), second.c_str()) != 0) return errno;
    if (::rename(temporary_.c_str(), files_.target.c_str()) != 0) {
      failed = errno;
      ::unlink(second.c_str());
      return failed;
    }
    return ::rename(second.c_str(), temporary_.c_str()) == 0 ? 0 : errno;
  }

  Result<Swapped> synced(Swapped result) const {
    if (auto durable = sync_directory(files_.directory); !durable) return fail(durable.error());
    return result;
  }

  ExchangeFiles files_;
  std::filesystem::path temporary_;
  Descriptor file_;
  bool stands_ = false;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
