#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/core/version.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// What tells one state of a file from another. All zero: there is nothing.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  ///< nanoseconds
  std::int64_t changed = 0;   ///< nanoseconds; what no program can set
  std::uint32_t mode = 0;
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
  std::uint32_t links = 0;
};
static_assert(sizeof(FileStamp) == 56, "it is kept as its bytes: there must be no gap");

}  // namespace detail

/// The files that an answer rests on, each with what it was like when it was looked at: whether the
/// answer still holds is told by looking at them again, without reading (a verifying trace).
///
/// Every path is noted before it is read, so that a change in between is a difference. The
/// directories on the way to it are noted with it, and where links lead.
///
/// @thread_safety caller serialises
class ReadTrace {
 public:
  /// What matters of that which stands at a path.
  enum class Of : unsigned char {
    contents,  ///< of a file its bytes, of a directory which names it has
    identity,  ///< of a directory only that it is this one, and who may do what there
  };

  /// @param begun the time at which reading begins
  explicit ReadTrace(TimePoint begun) noexcept : begun_{begun} {}

  /// Notes what stands at a path, also when that is nothing. What was noted first counts.
  /// @param path absolute
  /// @return whether there is something, a link followed; none when that cannot be told
  std::optional<bool> look(std::string_view path, Of what = Of::contents);
  /// Notes the names in a directory that end in `ending`, all of them and sorted, as
  /// list_files_ending_in() gives them. What else comes and goes there is no difference then, and
  /// that they changed just now no obstacle: they are compared, not the directory's times.
  /// @param directory absolute
  void note_names(std::string_view directory, std::string_view ending,
                  const std::vector<std::string>& names);
  /// The answer rests on something that cannot be noted.
  void spoil() noexcept { spoilt_ = true; }

  /// Whether every change will be a difference. Not so when something changed less than two
  /// seconds before the trace was begun, since it may change once more in the same step of its file
  /// system's clock; when a file system may tell an old state (NFS, FUSE and the like); and when
  /// something could not be noted.
  bool reliable() const noexcept;
  /// What was noted, for holds().
  std::string bytes() const;

  /// Whether everything is as it was; false for bytes that bytes() has not made.
  /// @effects looks at each path, and lists directories, until something differs
  static bool holds(std::string_view bytes);

 private:
  struct Entry {
    Of what;
    detail::FileStamp own;
    detail::FileStamp target;  ///< of a link: what it leads to

    bool is_there() const noexcept;
  };

  const Entry* known(std::string_view path, Of what) const;
  const Entry* note(std::string_view path, Of what);
  std::optional<detail::FileStamp> stamp(const char* path, bool followed, Of what);

  TimePoint begun_;
  bool spoilt_ = false;
  std::int64_t last_change_ = 0;  ///< of what was noted; nanoseconds
  std::map<std::string, Entry, std::less<>> entries_ = {};
  /// By directory and ending, both with a zero byte behind them; each name with a slash behind it.
  std::map<std::string, std::string> names_ = {};
  std::set<std::uint64_t> trusted_devices_ = {};
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/read_trace.ipp>
#endif
