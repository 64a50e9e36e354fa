#pragma once
// SPDX-License-Identifier: MIT

// The login store of Claude Code. Internal: included by .ipp files only.

#include <credpool/impl/source/claude_store.hpp>
#include <credpool/impl/source/file_login_store.hpp>
#include <credpool/impl/source/scope_words.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// @source claude-code 2.1.329, shipped program and system calls
class ClaudeLoginStore final : public FileLoginStore {
 public:
  using FileLoginStore::FileLoginStore;

  std::string_view cli() const noexcept override { return ClaudeCli::cli; }
  std::string_view provider() const noexcept override { return ClaudeCli::provider; }

  /// Both locks that Claude Code takes, in its order. Where the logins were moved out of the
  /// configuration's directory, those of both directories: which one it uses is not known.
  Result<std::unique_ptr<StoreLock>> lock_exchange(Duration patience) override {
    std::vector<StoreLocksInOrder::Take> locks;
    for (const auto& directory : lock_directories()) {
      auto legacy = directory;
      legacy += ".lock";
      locks.push_back(directory_lock(directory / ".oauth_refresh.lock", std::chrono::seconds{60}));
      locks.push_back(directory_lock(std::move(legacy), std::chrono::seconds{60}));
    }
    auto taken = StoreLocksInOrder::take(patience, locks);
    if (!taken && taken.error().errc() == Errc::busy) {
      auto error = std::move(taken).error();
      if (const auto holder = holder_in(place().parent_path() / ".oauth_refresh.lock.owner"))
        error.hint = "process " + std::to_string(*holder) + " took it last; " + error.hint;
      return fail(std::move(error));
    }
    return taken;
  }
  Result<std::unique_ptr<StoreLock>> lock_write(Duration patience) override {
    return directory_lock(place().parent_path() / ".storage-write.lock",
                          std::chrono::seconds{15})(patience);
  }
  /// The locks are kept alive; Claude Code gives up after about 17 s and keeps the old token.
  Duration longest_hold() const noexcept override { return std::chrono::seconds{60}; }
  /// Claude Code refreshes with less than 300 s left.
  Duration advisory_window(Duration lifetime) const noexcept override {
    return window_before_five_minutes(lifetime);
  }

 protected:
  Credential login_in(const Json& document) const override {
    Credential login;
    fill_claude_section(login, document);
    return login;
  }
  Result<void> put(OrderedJson& document, const StoredLogin& current, const GrantedTokens& granted,
                   TimePoint now) const override {
    const auto login = document.find("claudeAiOauth");
    if (login == document.end() || !login->is_object())
      return not_a_login("claudeAiOauth is not an object");
    set_text(*login, "accessToken", granted.access_token);
    set_text(*login, "refreshToken", granted.refresh_token);
    (*login)["expiresAt"] = end_of(granted, current, now).time_since_epoch().count();
    if (granted.refresh_lifetime)
      (*login)["refreshTokenExpiresAt"] =
          (now + *granted.refresh_lifetime).time_since_epoch().count();
    if (const auto scopes = scope_words(granted.scope); !scopes.empty())
      (*login)["scopes"] = scopes;
    return {};
  }
  /// Logins of MCP servers stand in the same file.
  std::size_t max_bytes() const noexcept override { return config_file_rules.max_bytes; }

 private:
  StoreLocksInOrder::Take directory_lock(std::filesystem::path path, Duration stale) const {
    return [path = std::move(path), stale](Duration patience) {
      return DirectoryStoreLock::take(
          path, {std::string{ClaudeCli::cli}, stale, std::chrono::seconds{2}}, patience);
    };
  }
  std::vector<std::filesystem::path> lock_directories() const {
    std::vector<std::filesystem::path> directories;
    std::error_code failed;
    if (const auto config = environment().directory("CLAUDE_CONFIG_DIR", ".claude");
        config && std::filesystem::is_directory(*config, failed))
      directories.push_back(*config);
    if (const auto logins = place().parent_path();
        directories.empty() || directories.front() != logins)
      directories.push_back(logins);
    return directories;
  }
  std::optional<std::int64_t> holder_in(const std::filesystem::path& owner_file) const {
    const auto text = read_file(owner_file, environment(), {4096, false, false});
    const auto owner = text ? parse_json(text->bytes.reveal()) : fail(text.error());
    const auto* holder = owner ? member(*owner, "pid") : nullptr;
    if (holder == nullptr || !holder->is_number_integer()) return std::nullopt;
    return holder->get<std::int64_t>();
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
