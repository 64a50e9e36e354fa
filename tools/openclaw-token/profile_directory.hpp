#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/core/secret.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace openclaw_token {

/// Where the accounts are served when nobody says otherwise.
inline constexpr std::string_view default_api_base = "https://proxy.openclaw-token.dev/v1";
/// How a management key begins.
inline constexpr std::string_view management_prefix = "sk-mgmt-";

/// One profile's config.json. Every value may be missing.
struct ProfileConfig {
  credpool::Secret management_key;
  std::string api_base;
  std::string email;
  std::string created_at;
  std::string last_login;
};

/// A value of the configuration, and where it comes from.
struct Origin {
  std::string value;
  std::string from;  ///< a variable's name, a file, or "default"
};

/// What is in effect: the environment before the file before the defaults.
struct Effective {
  credpool::Secret management_key;  ///< empty: not logged in
  std::string key_from;
  Origin api_base;
  Origin email;  ///< empty value: not known
  bool key_from_environment = false;
};

struct ProfileEntry {
  std::string name;
  bool active = false;
  bool has_config = false;
};

/// Whether a profile may have that name: a letter or digit, then at most 62 of these, "_" and "-".
bool is_profile_name(std::string_view name) noexcept;
/// Whether requests may be sent there: an http or https URL without user name, query or fragment.
bool is_api_base(std::string_view url) noexcept;

/// The directory of profiles, as the first program of this name laid it out:
///
///   current_profile, audit.log, profiles/<name>/config.json
///
/// `$OPENCLAW_TOKEN_CONFIG_DIR` or ~/.openclaw-token; in a made-up world the folder "mock" in it,
/// which is a directory of the same kind. Files are 0600 and replaced as a whole, directories 0700.
class ProfileDirectory {
 public:
  /// Finds it and takes over a config.json of the time before there were profiles. Makes nothing.
  static credpool::Result<ProfileDirectory> open(const Session& session);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Of the profile that is in use: --profile, then OPENCLAW_TOKEN_PROFILE, then the active one.
  /// @errors a name that is not allowed
  credpool::Result<std::string> name() const;
  credpool::Result<std::filesystem::path> folder() const;
  credpool::Result<std::filesystem::path> config_file() const;

  /// @return an empty one when there is no file
  /// @errors a file that cannot be read or understood; its text is not quoted
  credpool::Result<ProfileConfig> read() const;
  credpool::Result<void> write(const ProfileConfig& config) const;
  /// Removes config.json; fine when there is none.
  credpool::Result<void> remove_config() const;
  credpool::Result<Effective> effective() const;

  credpool::Result<void> create(const std::string& name) const;
  credpool::Result<void> switch_to(const std::string& name) const;
  /// Whether remove() would be right to.
  credpool::Result<void> check_removable(const std::string& name) const;
  credpool::Result<void> remove(const std::string& name) const;
  credpool::Result<std::vector<ProfileEntry>> list() const;

 private:
  ProfileDirectory(std::filesystem::path path, credpool::Environment environment,
                   std::optional<std::string> chosen)
      : path_{std::move(path)}, environment_{std::move(environment)}, chosen_{std::move(chosen)} {}

  credpool::Result<std::string> active_name() const;
  credpool::Result<std::filesystem::path> folder_of(const std::string& name) const;

  std::filesystem::path path_;
  credpool::Environment environment_;
  std::optional<std::string> chosen_;  ///< by option or variable
};

}  // namespace openclaw_token
