#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/cursor_app.hpp>

#include <credpool/impl/core/sqlite.hpp>
#include <credpool/impl/source/jwt_login.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Databases of many gigabytes are known; a file of a terabyte is none.
inline constexpr FileRules cursor_app_file_rules{
    static_cast<std::size_t>(
        std::min<std::uint64_t>(std::uint64_t{1} << 38, std::numeric_limits<std::size_t>::max())),
    true, true};

struct CursorAppTokens {
  std::optional<Secret> access;
  std::optional<Secret> refresh;
};

/// @errors malformed when it is no such database; too_large for a value over 64 KiB; io
inline Result<CursorAppTokens> read_cursor_app_tokens(const std::filesystem::path& path) {
  auto database = SqliteDatabase::open_immutable(path, {64 * 1024, 10'000'000});
  if (!database) return fail(database.error());
  // Asked by the table of tables, so that a view of that name does not count.
  const auto tables = database->integer(
      "reading Cursor's logins",
      "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'ItemTable'");
  if (!tables) return fail(tables.error());
  if (*tables != 1)
    return fail(Errc::malformed, "reading Cursor's logins", path.string(),
                "it has no table ItemTable");
  auto statement = database->prepare("SELECT value FROM ItemTable WHERE key = ?");
  if (!statement) return fail(statement.error());
  CursorAppTokens tokens;
  const auto read = [&](std::string_view key, std::optional<Secret>& token) {
    return statement->each(
        "reading Cursor's logins", [&](auto& row) { token.emplace(row.bytes(0)); }, key);
  };
  if (auto done = read("cursorAuth/accessToken", tokens.access); !done) return fail(done.error());
  if (auto done = read("cursorAuth/refreshToken", tokens.refresh); !done) return fail(done.error());
  return tokens;
}

struct CursorAppStore {
  FileFacts facts;
  CursorAppTokens tokens;
};

/// Reads until the file was the same before and after.
/// @errors not_found; busy when it keeps changing; those of inspect_file() and of reading
inline Result<CursorAppStore> read_cursor_app(const std::filesystem::path& path,
                                              const Environment& environment) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto before = inspect_file(path, environment, cursor_app_file_rules);
    if (!before) return fail(before.error());
    std::error_code failed;
    const auto real = std::filesystem::canonical(path, failed);  // SQLite follows no link
    auto tokens = failed
                      ? fail(Errc::io, "reading Cursor's logins", path.string(), failed.message())
                      : read_cursor_app_tokens(real);
    const auto after = inspect_file(path, environment, cursor_app_file_rules);
    if (!after || after->inode != before->inode || after->size != before->size ||
        after->modified != before->modified)
      continue;
    if (!tokens) return fail(tokens.error());
    return CursorAppStore{*std::move(before), *std::move(tokens)};
  }
  return fail(Errc::busy, "reading Cursor's logins", path.string(),
              "it changes all the time: try again");
}

/// Whether Cursor has changes that are not in the one file that was read.
inline bool has_unsettled_changes(const std::filesystem::path& database,
                                  const Environment& environment) {
  for (const char* ending : {"-wal", "-journal"}) {
    auto beside = database;
    beside += ending;
    std::error_code not_there;
    environment.note_look(beside);
    const auto size = std::filesystem::file_size(beside, not_there);
    if (!not_there && size > 0) return true;
  }
  return false;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> CursorApp::locations(
    const Environment& environment) const {
  const auto config = environment.config_home();
  if (!config) return {};
  return {*config / "Cursor/User/globalStorage/state.vscdb"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> CursorApp::discover(
    const Environment& environment) const {
  const auto files = locations(environment);
  if (files.empty()) return fail(environment.config_home().error());
  const auto& path = files.front();
  std::vector<Credential> found;
  const auto store = detail::read_cursor_app(path, environment);
  if (!store) {
    auto error = store.error();
    std::error_code failed;
    if (error.errc() == Errc::not_found) {
      if (!std::filesystem::is_symlink(path, failed)) return found;
      error = dangling_link(path);
    } else if (error.errc() == Errc::malformed) {
      error = Error{Errc::malformed, "reading Cursor's logins", path.string(),
                    "it is damaged, or not a database of Cursor's; start Cursor and log in again"};
    }
    found.push_back(unusable_store(cli, provider, path, error));
    return found;
  }
  const auto& [access, refresh] = store->tokens;
  if (!access && !refresh) return found;
  const auto text_of = [](const std::optional<Secret>& token) {
    return token ? std::optional{token->reveal()} : std::nullopt;
  };
  auto credential =
      detail::jwt_login({cli, provider, store->facts, {}}, {text_of(access), text_of(refresh)});
  if (detail::has_unsettled_changes(store->facts.resolved, environment))
    credential.places.front().warnings.push_back(
        "unsettled_changes: Cursor has changes that are not in this file yet, so the token may be "
        "an older one: quit Cursor and look again");
  found.push_back(std::move(credential));
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
