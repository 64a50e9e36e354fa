#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/store_locks.hpp>

#include <credpool/core/clock.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/impl/core/flock.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include <sys/random.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string waiting_for_store_lock(const std::string& cli) {
  return "waiting for the lock of " + cli;
}

inline Unexpected lost_store_lock(const std::string& cli, const std::filesystem::path& path,
                                  const std::string& how) {
  return fail(Errc::busy, "holding the lock of " + cli, path.string(), how + "; try again");
}

/// A lock that was just taken, unless it is lost already: its file may have been replaced between
/// its making and its locking.
inline Result<std::unique_ptr<StoreLock>> checked_store_lock(std::unique_ptr<StoreLock> lock) {
  if (auto held = lock->still_held(); !held) return fail(std::move(held).error());
  return lock;
}

inline bool same_inode(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

inline bool same_time(const struct timespec& a, const struct timespec& b) noexcept {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// Tells when somebody else's lock is stale: by its time, as the CLIs judge it, or (a clock that
/// was set back, or a file server's) because it was not touched for as long as we have watched.
class StaleLockWatch {
 public:
  explicit StaleLockWatch(Duration stale) noexcept : stale_{stale} {}

  bool is_stale(const struct stat& lock) {
    const SystemClock clock;
    if (!watching_ || !same_inode(seen_, lock) || !same_time(seen_.st_mtim, lock.st_mtim)) {
      watching_ = true;
      seen_ = lock;
      since_ = clock.steady();
    }
    const auto touched =
        std::chrono::seconds{lock.st_mtim.tv_sec} + std::chrono::nanoseconds{lock.st_mtim.tv_nsec};
    return clock.now().time_since_epoch() - touched > stale_ || clock.steady() - since_ > stale_;
  }

 private:
  Duration stale_;
  bool watching_ = false;
  struct stat seen_ {};
  std::chrono::nanoseconds since_{};
};

/// How a lock that exists by its name comes and goes.
struct NamedLock {
  mode_t type;                       ///< S_IFDIR or S_IFREG
  std::function<Descriptor()> make;  ///< exclusively; errno tells why not
  /// Removes that one, which is stale, and no other.
  std::function<void(const struct stat&)> discard;
};

inline Result<Descriptor> take_named_lock(const std::filesystem::path& path,
                                          const HeartbeatRules& rules, Duration patience,
                                          const NamedLock& lock) {
  const auto doing = waiting_for_store_lock(rules.cli);
  constexpr std::chrono::milliseconds pause{20};
  const auto deadline = SystemClock{}.steady() + patience;
  StaleLockWatch watch{rules.stale};
  for (bool discarded = false;; std::this_thread::sleep_for(pause)) {
    if (auto made = lock.make()) return made;
    if (errno != EEXIST) {
      const std::string none;
      return flock_failure(errno, {path, patience, doing, none});
    }
    struct stat standing {};
    const bool there = ::lstat(path.c_str(), &standing) == 0;
    if (there && (standing.st_mode & S_IFMT) != lock.type)
      return fail(Errc::unsafe_file, doing, path.string(),
                  "what has the lock's name is no lock of " + rules.cli + ": move it away");
    const bool stale = there && watch.is_stale(standing);
    if (stale) lock.discard(standing);
    // What was discarded just now is tried for once more, however little patience is left.
    if (SystemClock{}.steady() >= deadline && (!stale || std::exchange(discarded, true)))
      return fail(Errc::busy, doing, path.string(),
                  rules.cli + " holds it: try again; if it is not running, remove that lock");
  }
}

/// A random id in the form of RFC 4122, version 4.
inline std::optional<std::string> random_lock_owner() {
  std::array<unsigned char, 16> random{};
  if (::getentropy(random.data(), random.size()) != 0) return std::nullopt;
  random[6] = static_cast<unsigned char>((random[6] & 0x0F) | 0x40);
  random[8] = static_cast<unsigned char>((random[8] & 0x3F) | 0x80);
  auto id = to_hex({reinterpret_cast<const char*>(random.data()), random.size()});
  for (const std::size_t at : {8U, 13U, 18U, 23U}) id.insert(at, 1, '-');
  return id;
}

}  // namespace detail

CREDPOOL_INLINE FlockStoreLock::FlockStoreLock(Descriptor file, std::filesystem::path path,
                                               std::string cli)
    : file_{std::move(file)}, path_{std::move(path)}, cli_{std::move(cli)} {}

CREDPOOL_INLINE Result<std::unique_ptr<StoreLock>> FlockStoreLock::take(
    const std::filesystem::path& path, Duration patience, const std::string& cli) {
  const auto doing = detail::waiting_for_store_lock(cli);
  auto file = detail::take_flock(
      {path, patience, doing, cli + " or another program holds it: try again", false});
  if (!file) return fail(std::move(file).error());
  return detail::checked_store_lock(
      std::unique_ptr<StoreLock>{new FlockStoreLock{std::move(*file), path, cli}});
}

CREDPOOL_INLINE Result<void> FlockStoreLock::still_held() const {
  struct stat ours {};
  struct stat standing {};
  if (::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &standing) == 0 &&
      detail::same_inode(ours, standing))
    return {};
  return detail::lost_store_lock(cli_, path_, "somebody removed or replaced the lock file");
}

CREDPOOL_INLINE HeartbeatStoreLock::HeartbeatStoreLock(Descriptor thing, std::filesystem::path path,
                                                       HeartbeatRules rules)
    : thing_{std::move(thing)}, path_{std::move(path)}, rules_{std::move(rules)} {
  struct stat ours {};
  if (::fstat(thing_.get(), &ours) == 0) touched_ = ours.st_mtim;
  const auto keep_alive = [this](const std::stop_token& stop) {
    std::unique_lock guard{mutex_};
    // A lock that is lost is left alone; still_held() says so.
    while (!stopping_.wait_for(guard, stop, rules_.touch, [&] { return stop.stop_requested(); }) &&
           renew()) {
    }
  };
  try {
    heart_ = std::jthread{keep_alive};
  } catch (const std::system_error&) {
    lost_ = "no thread is to be had that keeps the lock alive";
  }
}

CREDPOOL_INLINE Unexpected HeartbeatStoreLock::lost(const std::string& how) const {
  return detail::lost_store_lock(rules_.cli, path_, how);
}

CREDPOOL_INLINE bool HeartbeatStoreLock::stands_there() const noexcept {
  struct stat ours {};
  struct stat standing {};
  return ::fstat(thing_.get(), &ours) == 0 && ::lstat(path_.c_str(), &standing) == 0 &&
         detail::same_inode(ours, standing);
}

CREDPOOL_INLINE Result<void> HeartbeatStoreLock::renew() const {
  struct stat ours {};
  // Two looks at the place: who judged it stale may be taking it away right now.
  const bool good = lost_ == nullptr && stands_there() && ::fstat(thing_.get(), &ours) == 0 &&
                    detail::same_time(ours.st_mtim, touched_) &&
                    ::futimens(thing_.get(), nullptr) == 0 && ::fstat(thing_.get(), &ours) == 0 &&
                    stands_there();
  if (good) {
    touched_ = ours.st_mtim;
    return {};
  }
  if (lost_ == nullptr) lost_ = "somebody removed or took over the lock";
  return lost(lost_);
}

CREDPOOL_INLINE Result<void> HeartbeatStoreLock::still_held() const {
  const std::lock_guard guard{mutex_};
  return renew();
}

CREDPOOL_INLINE bool HeartbeatStoreLock::stop() noexcept {
  heart_.request_stop();
  if (heart_.joinable()) heart_.join();
  return stands_there();
}

CREDPOOL_INLINE Result<std::unique_ptr<StoreLock>> DirectoryStoreLock::take(
    const std::filesystem::path& path, HeartbeatRules rules, Duration patience) {
  const detail::NamedLock lock{
      S_IFDIR,
      [&] {
        if (::mkdir(path.c_str(), 0700) != 0) return Descriptor{};
        Descriptor made{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!made) {
          const int number = errno;
          ::rmdir(path.c_str());
          errno = number == EEXIST ? EIO : number;
        }
        return made;
      },
      [&](const struct stat& stale) {
        struct stat standing {};
        if (::lstat(path.c_str(), &standing) == 0 && detail::same_inode(stale, standing) &&
            detail::same_time(stale.st_mtim, standing.st_mtim))
          ::rmdir(path.c_str());
      }};
  auto made = detail::take_named_lock(path, rules, patience, lock);
  if (!made) return fail(std::move(made).error());
  return detail::checked_store_lock(
      std::unique_ptr<StoreLock>{new DirectoryStoreLock{std::move(*made), path, std::move(rules)}});
}

CREDPOOL_INLINE DirectoryStoreLock::~DirectoryStoreLock() {
  if (stop()) ::rmdir(path().c_str());
}

CREDPOOL_INLINE OwnedFileStoreLock::OwnedFileStoreLock(Descriptor file, std::filesystem::path path,
                                                       HeartbeatRules rules, std::string owner)
    : HeartbeatStoreLock{std::move(file), std::move(path), std::move(rules)},
      owner_{std::move(owner)} {}

CREDPOOL_INLINE Result<std::unique_ptr<StoreLock>> OwnedFileStoreLock::take(
    const std::filesystem::path& path, HeartbeatRules rules, Duration patience) {
  const auto owner = detail::random_lock_owner();
  if (!owner)
    return fail(Errc::io, detail::waiting_for_store_lock(rules.cli), path.string(),
                "no random numbers are to be had");
  const detail::NamedLock lock{
      S_IFREG,
      [&] {
        Descriptor made{
            ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (!made) return made;
        const auto written = ::write(made.get(), owner->data(), owner->size());
        if (written == static_cast<ssize_t>(owner->size())) return made;
        ::unlink(path.c_str());
        errno = ENOSPC;
        return Descriptor{};
      },
      [&](const struct stat& stale) {
        auto aside = path;
        aside += ".stale." + *owner;
        if (::rename(path.c_str(), aside.c_str()) != 0) return;
        struct stat moved {};
        // Somebody was faster, and this is his: it goes back unless a third one is there already.
        if (::lstat(aside.c_str(), &moved) == 0 && !detail::same_inode(stale, moved))
          (void)::link(aside.c_str(), path.c_str());
        ::unlink(aside.c_str());
      }};
  auto made = detail::take_named_lock(path, rules, patience, lock);
  if (!made) return fail(std::move(made).error());
  return detail::checked_store_lock(std::unique_ptr<StoreLock>{
      new OwnedFileStoreLock{std::move(*made), path, std::move(rules), *owner}});
}

CREDPOOL_INLINE OwnedFileStoreLock::~OwnedFileStoreLock() {
  if (stop() && names_us()) ::unlink(path().c_str());
}

CREDPOOL_INLINE bool OwnedFileStoreLock::names_us() const {
  std::string text(owner_.size() + 1, '\0');
  const auto got = ::pread(thing().get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text == owner_;
}

CREDPOOL_INLINE Result<void> OwnedFileStoreLock::still_held() const {
  if (auto held = HeartbeatStoreLock::still_held(); !held) return held;
  if (names_us()) return {};
  return lost("somebody wrote another owner into the lock");
}

CREDPOOL_INLINE Result<std::unique_ptr<StoreLock>> StoreLocksInOrder::take(
    Duration patience, const std::vector<Take>& each) {
  const auto deadline = SystemClock{}.steady() + patience;
  auto locks = std::make_unique<StoreLocksInOrder>();
  for (const auto& take_one : each) {
    const auto left = std::chrono::ceil<Duration>(deadline - SystemClock{}.steady());
    auto lock = take_one(std::max(left, Duration{0}));
    if (!lock) return lock;
    locks->add(std::move(*lock));
  }
  return std::unique_ptr<StoreLock>{std::move(locks)};
}

CREDPOOL_INLINE StoreLocksInOrder::~StoreLocksInOrder() {
  while (!locks_.empty()) locks_.pop_back();
}

CREDPOOL_INLINE Result<void> StoreLocksInOrder::still_held() const {
  for (const auto& lock : locks_)
    if (auto held = lock->still_held(); !held) return held;
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
