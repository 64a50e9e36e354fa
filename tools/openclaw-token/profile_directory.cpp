// SPDX-License-Identifier: MIT
#include "profile_directory.hpp"

#include "fault.hpp"

#include <credpool/core/file.hpp>

#include <algorithm>
#include <cctype>
#include <system_error>

#include <unistd.h>

namespace openclaw_token {

namespace cp = credpool;
namespace fs = std::filesystem;

namespace {

bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A text without blanks at its ends.
std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1)};
}

cp::Unexpected bad_name(const std::string& name) {
  return mistake("Invalid profile name \"" + name +
                 "\". Use letters, digits, hyphens and underscores (1-63 characters).");
}

bool is_there(const fs::path& path) {
  std::error_code failed;
  return fs::exists(fs::symlink_status(path, failed));
}

/// Before there were profiles, the one config.json stood in the directory itself.
cp::Result<void> take_over_first_config(const fs::path& directory) {
  const auto old = directory / "config.json";
  const auto folder = directory / "profiles/default";
  if (!is_there(old) || is_there(folder)) return {};
  if (auto made = cp::make_private_directory(folder); !made) return made;
  std::error_code failed;
  fs::rename(old, folder / "config.json", failed);
  if (failed) return cp::fail(cp::Errc::io, "moving a profile's configuration", old.string());
  return {};
}

}  // namespace

bool is_profile_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 63 && is_alphanumeric(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
}

bool is_api_base(std::string_view url) noexcept {
  const auto rest = url.starts_with("https://")  ? url.substr(8)
                    : url.starts_with("http://") ? url.substr(7)
                                                 : std::string_view{};
  if (rest.empty() || rest[0] == '/' || rest[0] == ':') return false;
  return std::all_of(rest.begin(), rest.end(), [](char c) {
    return c > ' ' && c <= '~' && std::string_view{"@?#\\\"'<>`"}.find(c) == std::string_view::npos;
  });
}

cp::Result<ProfileDirectory> ProfileDirectory::open(const Session& session) {
  const auto& environment = session.environment();
  auto path = environment.directory("OPENCLAW_TOKEN_CONFIG_DIR", ".openclaw-token");
  if (!path) return cp::fail(path.error());
  if (session.options().mock) *path /= "mock";
  if (auto moved = take_over_first_config(*path); !moved) return cp::fail(moved.error());
  auto chosen = session.options().profile;
  if (!chosen) chosen = environment.variable("OPENCLAW_TOKEN_PROFILE");
  return ProfileDirectory{std::move(*path), environment, std::move(chosen)};
}

cp::Result<std::string> ProfileDirectory::active_name() const {
  std::string name = "default";
  if (auto file = cp::read_file(path_ / "current_profile", environment_); file) {
    if (auto written = trimmed(file->bytes.reveal()); !written.empty()) name = std::move(written);
  } else if (file.error().code != cp::Errc::not_found) {
    return cp::fail(file.error());
  }
  if (!is_profile_name(name)) return bad_name(name);
  return name;
}

cp::Result<std::string> ProfileDirectory::name() const {
  if (!chosen_) return active_name();
  if (!is_profile_name(*chosen_)) return bad_name(*chosen_);
  return *chosen_;
}

cp::Result<fs::path> ProfileDirectory::folder_of(const std::string& name) const {
  if (!is_profile_name(name)) return bad_name(name);
  return path_ / "profiles" / name;
}

cp::Result<fs::path> ProfileDirectory::folder() const {
  return name().and_then([this](const std::string& name) { return folder_of(name); });
}

cp::Result<fs::path> ProfileDirectory::config_file() const {
  return folder().transform([](const fs::path& folder) { return folder / "config.json"; });
}

cp::Result<ProfileConfig> ProfileDirectory::read() const {
  const auto path = config_file();
  if (!path) return cp::fail(path.error());
  const auto file = cp::read_file(*path, environment_);
  if (!file && file.error().code == cp::Errc::not_found) return ProfileConfig{};
  if (!file) return cp::fail(file.error());
  const auto text = file->bytes.reveal();
  const auto json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object())
    return mistake("The configuration is not valid JSON: " + path->string(),
                   "Mend the file, or run: openclaw-token config reset");
  ProfileConfig config;
  const auto read = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  auto key = read("management_key");
  config.management_key = cp::Secret{key};
  cp::wipe(key.data(), key.size());
  config.api_base = read("api_base");
  config.email = read("email");
  config.created_at = read("created_at");
  config.last_login = read("last_login");
  return config;
}

cp::Result<void> ProfileDirectory::write(const ProfileConfig& config) const {
  const auto folder = this->folder();
  if (!folder) return cp::fail(folder.error());
  if (auto made = cp::make_private_directory(*folder); !made) return made;
  Json json = Json::object();
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
  };
  if (!config.management_key.empty()) json["management_key"] = config.management_key.reveal();
  put("api_base", config.api_base);
  put("email", config.email);
  put("created_at", config.created_at);
  put("last_login", config.last_login);
  return cp::replace_file(*folder / "config.json",
                          json.dump(2, ' ', false, Json::error_handler_t::replace));
}

cp::Result<void> ProfileDirectory::remove_config() const {
  const auto path = config_file();
  if (!path) return cp::fail(path.error());
  if (::unlink(path->c_str()) != 0 && errno != ENOENT)
    return cp::fail(cp::Errc::io, "removing the configuration", path->string());
  return {};
}

cp::Result<Effective> ProfileDirectory::effective() const {
  const auto config = read();
  if (!config) return cp::fail(config.error());
  const auto path = config_file();
  if (!path) return cp::fail(path.error());
  Effective effective;
  effective.management_key = config->management_key;
  effective.key_from = config->management_key.empty() ? "" : path->string();
  effective.api_base = config->api_base.empty() ? Origin{std::string{default_api_base}, "default"}
                                                : Origin{config->api_base, path->string()};
  effective.email = {config->email, config->email.empty() ? "" : path->string()};
  if (const auto base = environment_.variable("OPENCLAW_TOKEN_API_BASE"))
    effective.api_base = {*base, "OPENCLAW_TOKEN_API_BASE"};
  if (const auto key = environment_.variable("OPENCLAW_TOKEN_KEY")) {
    if (!key->starts_with(management_prefix) || key->size() < 15)
      return mistake(
          "OPENCLAW_TOKEN_KEY must start with \"sk-mgmt-\" and include a valid key value. Check "
          "your environment variable.");
    effective.management_key = cp::Secret{*key};
    effective.key_from = "OPENCLAW_TOKEN_KEY";
    effective.key_from_environment = true;
  }
  while (effective.api_base.value.ends_with('/')) effective.api_base.value.pop_back();
  if (!is_api_base(effective.api_base.value))
    return mistake("The API base of " + effective.api_base.from + " is not an http(s) URL.",
                   "Run: openclaw-token config set api_base <url>");
  return effective;
}

cp::Result<void> ProfileDirectory::create(const std::string& name) const {
  const auto folder = folder_of(name);
  if (!folder) return cp::fail(folder.error());
  if (is_there(*folder)) return mistake("Profile \"" + name + "\" already exists.");
  return cp::make_private_directory(*folder);
}

cp::Result<void> ProfileDirectory::switch_to(const std::string& name) const {
  const auto folder = folder_of(name);
  if (!folder) return cp::fail(folder.error());
  if (!is_there(*folder)) return mistake("Profile \"" + name + "\" does not exist.");
  return cp::replace_file(path_ / "current_profile", name);
}

cp::Result<void> ProfileDirectory::check_removable(const std::string& name) const {
  const auto folder = folder_of(name);
  if (!folder) return cp::fail(folder.error());
  const auto used = this->name();
  const auto active = active_name();
  if (!used) return cp::fail(used.error());
  if (name == *used || (active && name == *active))
    return mistake("Cannot delete the active profile \"" + name +
                   "\". Switch to another profile first.");
  if (!is_there(*folder)) return mistake("Profile \"" + name + "\" does not exist.");
  return {};
}

cp::Result<void> ProfileDirectory::remove(const std::string& name) const {
  if (auto removable = check_removable(name); !removable) return removable;
  const auto folder = folder_of(name);
  std::error_code failed;
  fs::remove_all(*folder, failed);  // a link is removed, not what it leads to
  if (failed) return cp::fail(cp::Errc::io, "removing a profile", folder->string());
  return {};
}

cp::Result<std::vector<ProfileEntry>> ProfileDirectory::list() const {
  const auto used = name();
  std::vector<ProfileEntry> entries;
  std::error_code failed;
  for (fs::directory_iterator entry{path_ / "profiles", failed}, end; !failed && entry != end;
       entry.increment(failed)) {
    const auto name = entry->path().filename().string();
    std::error_code ignored;  // what vanishes meanwhile is no profile any more
    if (!entry->is_directory(ignored) || !is_profile_name(name)) continue;
    entries.push_back(
        {name, used && name == *used, fs::exists(entry->path() / "config.json", ignored)});
  }
  if (failed && failed != std::errc::no_such_file_or_directory)
    return cp::fail(cp::Errc::io, "listing the profiles", (path_ / "profiles").string());
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

}  // namespace openclaw_token
