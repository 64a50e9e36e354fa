#pragma once
// SPDX-License-Identifier: MIT

// The little of SQLite that our stores need, with its errors as ours. Internal: included by .ipp
// files of opt-in headers only.

#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>

#include <sqlite3.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Bytes as a BLOB; plain text is bound as TEXT.
struct SqliteBlob {
  std::string_view bytes;
};

/// The error for an SQLite result code.
inline Unexpected sqlite_failure(int code, std::string doing, std::string place) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(Errc::busy, std::move(doing), std::move(place),
                  "another process is writing: try again, or look for one that hangs");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: {
      std::string hint =
          "the file is damaged; it holds no login. Move it away, with its -wal and -shm: mv '" +
          place + "' '" + place + ".damaged'; a new one starts empty";
      return fail(Errc::malformed, std::move(doing), std::move(place), std::move(hint));
    }
    case SQLITE_FULL:
      return fail(Errc::store_unwritable, std::move(doing), std::move(place),
                  "the disk is full: nothing of this change was kept");
    case SQLITE_TOOBIG:
      return fail(Errc::too_large, std::move(doing), std::move(place), sqlite3_errstr(code));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return fail(Errc::permission_denied, std::move(doing), std::move(place),
                  sqlite3_errstr(code));
    default:
      return fail(Errc::io, std::move(doing), std::move(place), sqlite3_errstr(code));
  }
}

/// A prepared statement. It is run to its end and reset by each(), so that it never holds a read
/// transaction open.
class SqliteStatement {
 public:
  SqliteStatement(sqlite3_stmt* statement, std::string place)
      : statement_{statement}, place_{std::move(place)} {}

  /// Binds the values in order, those of a tuple one after the other, and calls `on_row(*this)` for
  /// each row.
  /// @param doing what is being done, for the error
  template <class F, class... Values>
  Result<void> each(const char* doing, F&& on_row, const Values&... values) {
    [[maybe_unused]] int index = 0;
    int code = SQLITE_OK;
    ((code = code == SQLITE_OK ? bind_next(index, values) : code), ...);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
      code = sqlite3_step(statement_.get());
      if (code == SQLITE_ROW) on_row(*this);
    }
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());  // they point into the caller's values
    if (code != SQLITE_DONE) return sqlite_failure(code, doing, place_);
    return {};
  }

  template <class... Values> Result<void> run(const char* doing, const Values&... values) {
    return each(
        doing, [](SqliteStatement&) {}, values...);
  }

  // Columns of the current row, from 0.
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  bool flag(int column) const { return integer(column) != 0; }
  bool null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  double real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  TimePoint time(int column) const { return TimePoint{Duration{integer(column)}}; }
  /// TEXT or BLOB, valid until the row is left.
  std::string_view bytes(int column) const {
    const auto* data = sqlite3_column_blob(statement_.get(), column);
    const auto size = sqlite3_column_bytes(statement_.get(), column);
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
  }

 private:
  template <class T> int bind_next(int& index, const T& value) { return bind(++index, value); }
  template <class... T> int bind_next(int& index, const std::tuple<T...>& values) {
    return std::apply(
        [&](const T&... each) {
          int code = SQLITE_OK;
          ((code = code == SQLITE_OK ? bind(++index, each) : code), ...);
          return code;
        },
        values);
  }
  template <std::integral T> int bind(int index, T value) {
    // SQLite knows no unsigned 64-bit integers: what is beyond stays at the end of its range.
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
      constexpr auto most = static_cast<T>(std::numeric_limits<sqlite3_int64>::max());
      value = value < most ? value : most;
    }
    return sqlite3_bind_int64(statement_.get(), index, static_cast<sqlite3_int64>(value));
  }
  int bind(int index, double value) { return sqlite3_bind_double(statement_.get(), index, value); }
  int bind(int index, TimePoint value) { return bind(index, value.time_since_epoch().count()); }
  int bind(int index, std::string_view value) {
    return sqlite3_bind_text64(statement_.get(), index, value.data() ? value.data() : "",
                               value.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  template <class T> int bind(int index, const std::optional<T>& value) {
    return value ? bind(index, *value) : sqlite3_bind_null(statement_.get(), index);
  }
  int bind(int index, SqliteBlob value) {
    return sqlite3_bind_blob64(statement_.get(), index,
                               value.bytes.data() ? value.bytes.data() : "", value.bytes.size(),
                               SQLITE_STATIC);
  }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string place_;
};

/// A connection to a database file. One object: caller serialises.
class SqliteDatabase {
 public:
  /// Opens a file that exists, for reading and writing. No link is followed.
  static Result<SqliteDatabase> open(const std::filesystem::path& path,
                                     std::chrono::milliseconds patience) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                         SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE,
                                     nullptr);
    SqliteDatabase database{handle, path.string()};
    if (code != SQLITE_OK) return sqlite_failure(code, "opening a database", path.string());
    sqlite3_extended_result_codes(handle, 1);
    // The log is folded into the file by the commit that fills it, not by each short-lived process
    // that comes last: that would wait for the disk every time.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_busy_timeout(handle, static_cast<int>(patience.count()));
    return database;
  }

  /// What reading somebody else's database may cost.
  struct ReadLimits {
    int max_value_bytes;
    int max_steps;  ///< of SQLite's virtual machine, about; more is Errc::io
  };

  /// Opens somebody else's database to read it as it stands in its one file, without trusting it.
  ///
  /// SQLite is told that the file is immutable: it takes no lock, looks for no journal or
  /// write-ahead log and makes no file, so it can neither write to it nor wait for its owner nor
  /// make its owner wait. The price: what its owner changes in between is read torn, so the caller
  /// has to see that the file did not change. No link is followed.
  /// @source sqlite.org/uri.html "immutable"; sqlite.org/security.html
  static Result<SqliteDatabase> open_immutable(const std::filesystem::path& path,
                                               ReadLimits limits) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(immutable_uri(path).c_str(), &handle,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                                         SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE,
                                     nullptr);
    SqliteDatabase database{handle, path.string()};
    if (code != SQLITE_OK) return sqlite_failure(code, "opening a database", path.string());
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, limits.max_value_bytes);
    sqlite3_progress_handler(
        handle, limits.max_steps, [](void*) { return 1; }, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    // cell_size_check: a damaged page is found before it is used. No sorter spills to a file.
    if (auto set = database.run("opening a database",
                                "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
        !set)
      return fail(set.error());
    return database;
  }

  const std::string& place() const noexcept { return place_; }

  Result<SqliteStatement> prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return sqlite_failure(code, "preparing a statement", place_);
    return SqliteStatement{statement, place_};
  }

  /// Runs SQL of our own that yields no rows: any number of statements.
  Result<void> run(const char* doing, const std::string& sql) {
    const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return sqlite_failure(code, doing, place_);
    return {};
  }

  /// How many rows the last INSERT, UPDATE or DELETE has changed.
  std::int64_t changes() const noexcept { return sqlite3_changes(handle_.get()); }

  /// The one integer that a query yields, such as "PRAGMA user_version".
  Result<std::int64_t> integer(const char* doing, std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return fail(statement.error());
    std::int64_t value = 0;
    const auto done = statement->each(doing, [&](auto& row) { value = row.integer(0); });
    if (!done) return fail(done.error());
    return value;
  }

 private:
  /// The absolute path as an URI (RFC 3986), so that "?", "#" and "%" in it stand for themselves.
  static std::string immutable_uri(const std::filesystem::path& path) {
    std::string uri = "file://";
    for (const unsigned char c : path.native()) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '-' || c == '_';
      if (plain) {
        uri += static_cast<char>(c);
      } else {
        constexpr std::string_view digits = "0123456789ABCDEF";
        uri += {'%', digits[c >> 4], digits[c & 15]};
      }
    }
    return uri + "?immutable=1";
  }

  SqliteDatabase(sqlite3* handle, std::string place) : handle_{handle}, place_{std::move(place)} {}

  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string place_;
};

/// A write transaction from its begin to commit(); rolled back when that is not reached.
class SqliteTransaction {
 public:
  static Result<SqliteTransaction> begin(SqliteDatabase& database) {
    if (auto begun = database.run("waiting for the turn to write", "BEGIN IMMEDIATE"); !begun)
      return fail(begun.error());
    return SqliteTransaction{database};
  }
  SqliteTransaction(SqliteTransaction&& other) noexcept
      : database_{std::exchange(other.database_, nullptr)} {}
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction() {
    // Nothing to do about a failure: SQLite has rolled back by itself then, or does at closing.
    if (database_ != nullptr) (void)database_->run("giving up a change", "ROLLBACK");
  }

  Result<void> commit() {
    auto committed = database_->run("committing a change", "COMMIT");
    if (committed) database_ = nullptr;
    return committed;
  }

 private:
  explicit SqliteTransaction(SqliteDatabase& database) : database_{&database} {}

  SqliteDatabase* database_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
