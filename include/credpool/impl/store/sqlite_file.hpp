#pragma once
// SPDX-License-Identifier: MIT

// How our own SQLite files are made, opened and brought up to date. Internal: included by .ipp
// files and tests only.

#include <credpool/core/file_lock.hpp>
#include <credpool/impl/core/sqlite.hpp>
#include <credpool/store/state_directory.hpp>

#include <cerrno>
#include <span>

#include <fcntl.h>
#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What a file of ours is to be.
struct SqliteSchema {
  const char* doing;            ///< for errors: "opening the pool's state"
  std::int64_t application_id;  ///< marks the file, so that another program's is never touched
  /// migrations[n] leads from version n to n + 1. Never change one that was released: add another.
  std::span<const char* const> migrations;
  const char* synchronous;  ///< of SQLite: how much a commit waits for
};

/// Makes an empty 0600 file, or checks the one that is there.
inline Result<void> prepare_sqlite_file(const std::filesystem::path& path, uid_t user,
                                        const std::string& doing) {
  {
    const Descriptor made{
        ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    const std::error_code failed{errno, std::generic_category()};
    if (made) {
      // The umask may have taken rights from the owner as well.
      if (::fchmod(made.get(), 0600) == 0) return {};
      return fail(Errc::io, doing, path.string(), "the mode cannot be set to 0600");
    }
    if (failed != std::errc::file_exists)
      return fail(
          failed == std::errc::permission_denied || failed == std::errc::read_only_file_system
              ? Errc::permission_denied
              : Errc::io,
          doing, path.string(), failed.message());
  }
  // Judged by its name: opening and closing the file here would drop the locks that another
  // connection of this process holds on it (fcntl(2), "advisory record locking").
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0)
    return fail(Errc::io, doing, path.string(), "it was removed a moment ago: try again");
  if (!S_ISREG(facts.st_mode))
    return fail(Errc::unsafe_file, doing, path.string(), "it is not a regular file: move it away");
  if (facts.st_uid != user && facts.st_uid != 0)
    return fail(Errc::unsafe_file, doing, path.string(),
                "it belongs to user " + std::to_string(facts.st_uid) + ": move it away");
  if ((facts.st_mode & 022) != 0)
    return fail(Errc::unsafe_file, doing, path.string(),
                "others may write to it; chmod 600 '" + path.string() + "'");
  return {};
}

/// Where a file of the state directory really is; makes the directory.
inline Result<std::filesystem::path> sqlite_path(const StateDirectory& directory,
                                                 const std::filesystem::path& name,
                                                 const char* doing) {
  if (auto made = directory.create(); !made) return fail(made.error());
  std::error_code failed;
  // SQLite refuses a link anywhere in the path; those on the way to the directory were judged.
  const auto real = std::filesystem::canonical(directory.path(), failed);
  if (failed) return fail(Errc::io, doing, directory.path().string(), failed.message());
  return real / name;
}

/// The version of the file; 0 when it is new. Changes nothing.
/// @errors unsupported for a newer version; malformed for another program's file
inline Result<std::size_t> sqlite_version(SqliteDatabase& database, const SqliteSchema& schema) {
  const char* doing = schema.doing;
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  const auto version = database.integer(doing, "PRAGMA user_version");
  if (!version) return fail(version.error());
  const auto owner = database.integer(doing, "PRAGMA application_id");
  if (!owner) return fail(owner.error());
  if (*owner != schema.application_id) {
    const auto tables = database.integer(doing, "SELECT count(*) FROM sqlite_schema");
    if (!tables) return fail(tables.error());
    if (*owner != 0 || *version != 0 || *tables != 0)
      return fail(Errc::malformed, doing, database.place(),
                  "it is another program's database: move it away");
  }
  if (*version < 0 || *version > newest)
    return fail(Errc::unsupported, doing, database.place(),
                "it is of version " + std::to_string(*version) + ", this credpool knows " +
                    std::to_string(newest) + ": update credpool");
  return static_cast<std::size_t>(*version);
}

/// Brings a database of that version up to date, in one transaction.
inline Result<void> migrate_sqlite(SqliteDatabase& database, std::size_t version,
                                   const SqliteSchema& schema) {
  if (version == schema.migrations.size()) return {};
  auto transaction = SqliteTransaction::begin(database);
  if (!transaction) return fail(transaction.error());
  for (; version < schema.migrations.size(); ++version)
    if (auto done = database.run(schema.doing, schema.migrations[version]); !done) return done;
  const auto marks = "PRAGMA user_version = " + std::to_string(version) +
                     "; PRAGMA application_id = " + std::to_string(schema.application_id);
  if (auto marked = database.run(schema.doing, marks); !marked) return marked;
  return transaction->commit();
}

/// What holds for one connection to a file of ours.
inline Result<void> set_up_sqlite(SqliteDatabase& database, const SqliteSchema& schema) {
  return database.run(
      schema.doing,
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = " + std::string{schema.synchronous} +
          "; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF");
}

/// Opens the file, made when it is missing (0600), and brings it up to date.
///
/// @param path of sqlite_path()
/// @errors unsupported for a newer version; malformed for a damaged file or one that is not ours;
///         unsafe_file; permission_denied; store_unwritable; busy; io
inline Result<SqliteDatabase> open_sqlite_file(const std::filesystem::path& path,
                                               const Environment& environment, Duration patience,
                                               const SqliteSchema& schema) {
  // One at a time: two processes that turn one new file to WAL would see each other as busy.
  auto lock_path = path;
  lock_path += ".lock";
  const auto lock = FileLock::take(lock_path, patience);
  if (!lock) return fail(lock.error());
  if (auto fit = prepare_sqlite_file(path, environment.user(), schema.doing); !fit)
    return fail(fit.error());
  auto database = SqliteDatabase::open(path, patience);
  if (!database) return fail(database.error());
  const auto version = sqlite_version(*database, schema);
  if (!version) return fail(version.error());
  if (auto set = set_up_sqlite(*database, schema); !set) return fail(set.error());
  if (auto migrated = migrate_sqlite(*database, *version, schema); !migrated)
    return fail(migrated.error());
  return database;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
