#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/read_trace.hpp>
#include <credpool/core/result.hpp>
#include <credpool/source/sources.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What a discovery found, for who only wants to show it: while every file that it looked at is as
/// it was (see ReadTrace), and the environment is the same, nothing is read and parsed again.
///
/// Kept in a small file of our own (0600), one for each environment, of which the newest sixteen
/// last used stay: variables (but those of a window), working directory, user, host. It holds no
/// key and no token: of a token its hash, as the history does. The credentials it gives back have
/// no secret but Credential::unread, so that they can be shown and not lent. Nothing depends on the
/// file: one that is missing, damaged, too large, a link, of another version, or that others may
/// read or write counts as empty.
///
/// It is right only for sources that note what they look at in the environment's trace, as those of
/// the library do.
///
/// @thread_safety caller serialises; processes may share the file, the last one to write counts
class DiscoveryMemo {
 public:
  /// @param file how the names of the files begin
  /// @param who  tells this program from others that would find something else: such as its path
  DiscoveryMemo(const std::filesystem::path& file, Environment environment,
                std::string_view who = {});

  /// What the discovery found that was kept; none when a file or the environment has changed since.
  /// @effects reads the file, and looks at every file that the discovery looked at
  std::optional<Discovery> recall();

  /// Notes what a discovery in this environment has found. Nothing is noted when the trace cannot
  /// be relied on, a source has failed, or a credential has what is not kept: quotas, or an address
  /// with a user name or a query, which may be secret.
  /// @param trace of all that the discovery and its settings rest on
  void note(const Discovery& discovery, const ReadTrace& trace);

  /// Whether what the caller did with the discovery, note_follow_up(), still stands.
  bool followed_up(TimePoint now) const;
  /// Notes that something was done with the discovery which need not be done again: it has changed
  /// nothing. When it has, this is ignored.
  /// @param trace of the files that it would change, from before it was done
  /// @param until from then on it is to be done again
  void note_follow_up(const ReadTrace& trace, TimePoint now, TimePoint until);

  /// Writes the file when something was noted. Makes its directory.
  /// @errors unsafe_file when there is a link or no regular file in its place; those of
  ///         replace_file()
  Result<void> keep();

 private:
  struct FollowUp {
    std::string trace;
    TimePoint from{}, until{};
  };

  Environment environment_;
  Digest digest_;  ///< of all that a discovery may ask the environment but the files
  std::string stem_;
  std::filesystem::path file_;
  std::string trace_ = {};
  std::string discovery_ = {};  ///< empty: nothing is known
  FollowUp follow_up_ = {};     ///< its trace is empty: nothing was done
  bool changed_ = false;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/discovery_memo.ipp>
#endif
