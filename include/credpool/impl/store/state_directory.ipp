#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/state_directory.hpp>

#include <credpool/core/file.hpp>

#include <cerrno>

#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

enum class PathStep { missing, directory, link };

/// Judges one step of a path.
inline Result<PathStep> check_safe_step(const std::filesystem::path& step, uid_t user) {
  const std::string doing = "checking the state directory";
  struct stat facts {};
  if (::lstat(step.c_str(), &facts) != 0) {
    const std::error_code failed{errno, std::generic_category()};
    if (failed == std::errc::no_such_file_or_directory) return PathStep::missing;
    return fail(failed == std::errc::permission_denied ? Errc::permission_denied : Errc::io, doing,
                step.string(), failed.message());
  }
  const bool link = S_ISLNK(facts.st_mode);
  if (!link && !S_ISDIR(facts.st_mode))
    return fail(Errc::unsafe_file, doing, step.string(), "it is not a directory: move it away");
  if (facts.st_uid != user && facts.st_uid != 0)
    return fail(Errc::unsafe_file, doing, step.string(),
                "it belongs to user " + std::to_string(facts.st_uid) +
                    ", who could swap what lies below it; choose another state directory");
  // The mode of a link means nothing.
  if (!link && (facts.st_mode & 022) != 0 && (facts.st_mode & S_ISVTX) == 0)
    return fail(Errc::unsafe_file, doing, step.string(),
                "others may write to it; chmod go-w '" + step.string() + "'");
  return link ? PathStep::link : PathStep::directory;
}

/// @return whether a link is among the steps: then it leads elsewhere
inline Result<bool> check_safe_steps(const std::filesystem::path& path, uid_t user) {
  std::filesystem::path step;
  bool has_link = false;
  for (const auto& part : path) {
    step /= part;
    const auto kind = check_safe_step(step, user);
    if (!kind) return fail(kind.error());
    if (*kind == PathStep::missing) break;
    has_link = has_link || *kind == PathStep::link;
  }
  return has_link;
}

/// The directory below which ours lies unless the user chose another place.
inline Result<std::filesystem::path> default_state_home(const Environment& environment) {
  const auto chosen = environment.variable("XDG_STATE_HOME");
  if (!chosen || !chosen->starts_with('/')) {
    const auto home = environment.home();
    if (!home) return home;
    const std::string doing = "finding the state directory";
    if (home->lexically_normal() == "/" && environment.user() != 0)
      return fail(Errc::configuration, doing, "HOME",
                  "HOME is \"/\": set it to your home directory, or set XDG_STATE_HOME");
    std::error_code failed;
    if (!std::filesystem::is_directory(*home, failed))
      return fail(Errc::configuration, doing, home->string(),
                  "HOME does not name a directory: set HOME or XDG_STATE_HOME");
  }
  return environment.state_home();
}

}  // namespace detail

CREDPOOL_INLINE Result<void> check_safe_directory(const std::filesystem::path& path, uid_t user) {
  const auto has_link = detail::check_safe_steps(path, user);
  if (!has_link) return fail(has_link.error());
  if (!*has_link && path.is_absolute()) return {};  // it is what it is called
  std::error_code failed;
  const auto real = std::filesystem::weakly_canonical(path, failed);
  if (failed)
    return fail(Errc::unsafe_file, "checking the state directory", path.string(), failed.message());
  if (auto led = detail::check_safe_steps(real, user); !led) return fail(led.error());
  return {};
}

CREDPOOL_INLINE Result<StateDirectory> StateDirectory::locate(const Environment& environment,
                                                              std::filesystem::path configured) {
  if (configured.empty()) {
    auto home = detail::default_state_home(environment);
    if (!home) return fail(home.error());
    configured = *home / "credpool";
  } else if (!configured.is_absolute()) {
    return fail(Errc::configuration, "finding the state directory", configured.string(),
                "give an absolute path");
  }
  StateDirectory directory{configured.lexically_normal(), environment.user()};
  if (auto safe = check_safe_directory(directory.path_, directory.user_); !safe)
    return fail(safe.error());
  return directory;
}

CREDPOOL_INLINE Result<void> StateDirectory::create() const {
  if (auto made = make_private_directory(path_); !made) return made;
  // Once more, since somebody may have been quicker than we.
  return check_safe_directory(path_, user_);
}

}  // namespace credpool::inline CREDPOOL_ABI
