#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>

#include <algorithm>
#include <array>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
extern char** environ;
}

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE bool names_a_window(std::string_view variable) noexcept {
  constexpr std::array<std::string_view, 26> names{
      "_",           "COLORTERM",     "COLUMNS",        "DBUS_SESSION_BUS_ADDRESS",
      "DISPLAY",     "GPG_TTY",       "INVOCATION_ID",  "ITERM_SESSION_ID",
      "LINES",       "MANAGERPID",    "OLDPWD",         "PWD",
      "SHLVL",       "SSH_AGENT_PID", "SSH_AUTH_SOCK",  "SSH_CLIENT",
      "SSH_TTY",     "STY",           "SSH_CONNECTION", "SYSTEMD_EXEC_PID",
      "TMUX",        "TMUX_PANE",     "JOURNAL_STREAM", "WAYLAND_DISPLAY",
      "VTE_VERSION", "WT_SESSION"};
  constexpr std::array<std::string_view, 8> beginnings{
      "ALACRITTY_", "KITTY_", "KONSOLE_", "TERM", "VSCODE_", "WEZTERM_", "WINDOW", "XDG_SESSION_"};
  return std::find(names.begin(), names.end(), variable) != names.end() ||
         std::any_of(beginnings.begin(), beginnings.end(),
                     [variable](auto beginning) { return variable.starts_with(beginning); });
}

CREDPOOL_INLINE Environment::Environment(Facts facts)
    : facts_{std::make_shared<const Facts>(std::move(facts))} {}

CREDPOOL_INLINE Environment Environment::of_process() {
  Facts facts;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    facts.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  facts.user = ::geteuid();

  passwd record{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  ::getpwuid_r(facts.user, &record, buffer.data(), buffer.size(), &found);
  if (found != nullptr && found->pw_name != nullptr) facts.user_name = found->pw_name;
  // A program that is linked statically may not reach a database that is not in files.
  for (const auto* name : {"LOGNAME", "USER"})
    if (const auto variable = facts.variables.find(name);
        facts.user_name.empty() && variable != facts.variables.end())
      facts.user_name = variable->second;

  const auto home = facts.variables.find("HOME");
  if (home != facts.variables.end() && !home->second.empty()) {
    facts.home = home->second;
  } else if (found != nullptr && found->pw_dir != nullptr) {
    facts.home = found->pw_dir;
  }

  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) facts.host_name = host.data();

  std::error_code
      ignored;  // a deleted working directory leaves the path empty: nothing is found there
  facts.working_directory = std::filesystem::current_path(ignored);
  return Environment{std::move(facts)};
}

CREDPOOL_INLINE std::optional<std::string> Environment::variable(std::string_view name) const {
  note_variable(name);
  const auto entry = facts_->variables.find(name);
  if (entry == facts_->variables.end() || entry->second.empty()) return std::nullopt;
  return entry->second;
}

CREDPOOL_INLINE const std::map<std::string, std::string, std::less<>>& Environment::variables()
    const noexcept {
  return facts_->variables;
}

CREDPOOL_INLINE Result<std::filesystem::path> Environment::home() const {
  if (facts_->home.empty())
    return fail(Errc::configuration, "finding the home directory", "HOME", "set HOME");
  if (!facts_->home.is_absolute())
    return fail(Errc::configuration, "finding the home directory", "HOME",
                "HOME must be an absolute path");
  return facts_->home;
}

namespace detail {

inline Result<std::filesystem::path> xdg_directory(const Environment& environment,
                                                   std::string_view variable,
                                                   std::string_view fallback) {
  if (const auto value = environment.variable(variable); value && value->front() == '/')
    return std::filesystem::path{*value};
  auto home = environment.home();
  if (!home) return home;
  return *home / fallback;
}

}  // namespace detail

CREDPOOL_INLINE Result<std::filesystem::path> Environment::config_home() const {
  return detail::xdg_directory(*this, "XDG_CONFIG_HOME", ".config");
}

CREDPOOL_INLINE Result<std::filesystem::path> Environment::data_home() const {
  return detail::xdg_directory(*this, "XDG_DATA_HOME", ".local/share");
}

CREDPOOL_INLINE Result<std::filesystem::path> Environment::state_home() const {
  return detail::xdg_directory(*this, "XDG_STATE_HOME", ".local/state");
}

CREDPOOL_INLINE Result<std::filesystem::path> Environment::directory(
    std::string_view variable_name, std::string_view fallback) const {
  if (const auto value = variable(variable_name)) return expand(*value);
  auto base = home();
  if (!base) return base;
  return *base / fallback;
}

CREDPOOL_INLINE std::filesystem::path Environment::expand(std::string_view path) const {
  if (path == "~") return facts_->home;
  if (path.starts_with("~/")) return facts_->home / path.substr(2);
  const std::filesystem::path given{path};
  return given.is_absolute() ? given : facts_->working_directory / given;
}

CREDPOOL_INLINE std::optional<std::filesystem::path> Environment::find_program(
    std::string_view name) const {
  const auto search = variable("PATH");
  if (!search || name.empty() || name.find('/') != std::string_view::npos) return std::nullopt;
  std::string_view rest{*search};
  std::string candidate;  // no path: taking each apart would cost more than looking for it
  while (true) {
    const auto colon = rest.find(':');
    const auto entry = rest.substr(0, colon);
    if (entry.starts_with('/')) {
      candidate = entry;
      if (trace_) trace_->look(candidate);  // its names tell what is not in it
      if (!entry.ends_with('/')) candidate += '/';
      candidate += name;
      struct stat facts {};
      if (::lstat(candidate.c_str(), &facts) == 0) {
        if (trace_) trace_->look(candidate);
        if (::stat(candidate.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
            (facts.st_mode & 0111) != 0)
          return std::filesystem::path{candidate};
      }
    }
    if (colon == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(colon + 1);
  }
}

CREDPOOL_INLINE const std::filesystem::path& Environment::working_directory() const noexcept {
  return facts_->working_directory;
}

CREDPOOL_INLINE const std::string& Environment::host_name() const noexcept {
  return facts_->host_name;
}

CREDPOOL_INLINE const std::string& Environment::user_name() const noexcept {
  return facts_->user_name;
}

CREDPOOL_INLINE uid_t Environment::user() const noexcept {
  return facts_->user;
}

CREDPOOL_INLINE Environment Environment::with_variable(std::string_view name,
                                                       std::optional<std::string> value) const {
  Facts changed = *facts_;
  if (value) {
    changed.variables.insert_or_assign(std::string{name}, std::move(*value));
  } else if (const auto entry = changed.variables.find(name); entry != changed.variables.end()) {
    changed.variables.erase(entry);
  }
  Environment other{std::move(changed)};
  other.trace_ = trace_;
  return other;
}

CREDPOOL_INLINE Environment Environment::traced_in(std::shared_ptr<ReadTrace> trace) const {
  Environment traced = *this;
  traced.trace_ = std::move(trace);
  return traced;
}

CREDPOOL_INLINE bool Environment::exists(const std::filesystem::path& path,
                                         ReadTrace::Of what) const {
  if (trace_)
    if (const auto there = trace_->look(path.native(), what)) return *there;
  std::error_code untold;
  return std::filesystem::exists(path, untold);
}

CREDPOOL_INLINE void Environment::note_look(const std::filesystem::path& path,
                                            ReadTrace::Of what) const {
  if (trace_) trace_->look(path.native(), what);
}

CREDPOOL_INLINE void Environment::note_names(const std::filesystem::path& directory,
                                             std::string_view ending,
                                             const std::vector<std::string>& names) const {
  if (trace_) trace_->note_names(directory.native(), ending, names);
}

CREDPOOL_INLINE void Environment::note_variable(std::string_view name) const noexcept {
  if (trace_ && names_a_window(name)) trace_->spoil();
}

CREDPOOL_INLINE void Environment::note_untold() const noexcept {
  if (trace_) trace_->spoil();
}

}  // namespace credpool::inline CREDPOOL_ABI
