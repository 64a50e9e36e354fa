#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/sqlite_day_uses.hpp>

#include <credpool/impl/store/sqlite_file.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// migration[n] leads from version n to n + 1. Never change one that was released: add another.
inline constexpr std::array<const char*, 1> day_uses_migrations{R"sql(
CREATE TABLE day_use(
  day INTEGER NOT NULL,
  credential TEXT NOT NULL,
  model TEXT NOT NULL,
  profile_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  requests INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  PRIMARY KEY (day, credential, model)
) WITHOUT ROWID;
)sql"};

/// The file is marked "cpac".
inline constexpr SqliteSchema day_uses_schema{"opening the counters by day", 0x63706163,
                                              day_uses_migrations, "NORMAL"};

inline std::int64_t day_number(std::chrono::sys_days day) noexcept {
  return day.time_since_epoch().count();
}

inline DayUse day_use_of(const SqliteStatement& row) {
  DayUse use;
  use.day = std::chrono::sys_days{std::chrono::days{row.integer(0)}};
  use.credential = row.bytes(1);
  use.model = row.bytes(2);
  use.profile_id = row.bytes(3);
  use.provider = row.bytes(4);
  use.requests = static_cast<std::uint64_t>(row.integer(5));
  use.failed = static_cast<std::uint64_t>(row.integer(6));
  use.input_tokens = static_cast<std::uint64_t>(row.integer(7));
  use.output_tokens = static_cast<std::uint64_t>(row.integer(8));
  return use;
}

}  // namespace detail

struct SqliteDayUses::Connection {
  explicit Connection(detail::SqliteDatabase opened) : database{std::move(opened)} {}

  detail::SqliteDatabase database;
};

CREDPOOL_INLINE void SqliteDayUses::Close::operator()(Connection* connection) const noexcept {
  delete connection;
}

CREDPOOL_INLINE SqliteDayUses::SqliteDayUses(std::unique_ptr<Connection, Close> connection) noexcept
    : connection_{std::move(connection)} {}

CREDPOOL_INLINE Result<SqliteDayUses> SqliteDayUses::open(const StateDirectory& directory,
                                                          const Environment& environment,
                                                          Duration patience) {
  const auto path =
      detail::sqlite_path(directory, "activity.sqlite", detail::day_uses_schema.doing);
  if (!path) return fail(path.error());
  auto database = detail::open_sqlite_file(*path, environment, patience, detail::day_uses_schema);
  if (!database) return fail(database.error());
  return SqliteDayUses{std::unique_ptr<Connection, Close>{new Connection{std::move(*database)}}};
}

CREDPOOL_INLINE Result<void> SqliteDayUses::add(std::span<const DayUse> uses,
                                                std::chrono::sys_days oldest) {
  constexpr const char* doing = "keeping the counters by day";
  auto& database = connection_->database;
  auto put = database.prepare(
      "INSERT INTO day_use VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
      "profile_id = excluded.profile_id, provider = excluded.provider, "
      "requests = requests + excluded.requests, failed = failed + excluded.failed, "
      "input_tokens = input_tokens + excluded.input_tokens, "
      "output_tokens = output_tokens + excluded.output_tokens");
  if (!put) return fail(put.error());
  auto forget = database.prepare("DELETE FROM day_use WHERE day < ?");
  if (!forget) return fail(forget.error());
  auto transaction = detail::SqliteTransaction::begin(database);
  if (!transaction) return fail(transaction.error());
  for (const auto& use : uses)
    if (auto done =
            put->run(doing, detail::day_number(use.day), use.credential, use.model, use.profile_id,
                     use.provider, use.requests, use.failed, use.input_tokens, use.output_tokens);
        !done)
      return done;
  if (auto done = forget->run(doing, detail::day_number(oldest)); !done) return done;
  return transaction->commit();
}

CREDPOOL_INLINE Result<std::vector<DayUse>> SqliteDayUses::since(std::chrono::sys_days day,
                                                                 std::size_t most) const {
  auto query = connection_->database.prepare(
      "SELECT * FROM day_use WHERE day >= ? ORDER BY day DESC, credential DESC, model DESC "
      "LIMIT ?");
  if (!query) return fail(query.error());
  std::vector<DayUse> uses;
  const auto read = query->each(
      "reading the counters by day", [&](auto& row) { uses.push_back(detail::day_use_of(row)); },
      detail::day_number(day), most);
  if (!read) return fail(read.error());
  std::reverse(uses.begin(), uses.end());
  return uses;
}

CREDPOOL_INLINE Result<std::vector<std::string>> SqliteDayUses::models(std::chrono::sys_days since,
                                                                       std::size_t most) const {
  auto query = connection_->database.prepare(
      "SELECT model FROM day_use WHERE day >= ? GROUP BY model ORDER BY sum(requests) DESC, model "
      "LIMIT ?");
  if (!query) return fail(query.error());
  std::vector<std::string> models;
  const auto read = query->each(
      "reading the counters by day", [&](auto& row) { models.emplace_back(row.bytes(0)); },
      detail::day_number(since), most);
  if (!read) return fail(read.error());
  return models;
}

}  // namespace credpool::inline CREDPOOL_ABI
