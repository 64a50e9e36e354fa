#pragma once
// SPDX-License-Identifier: MIT

// The little of libpq that our stores need, with its errors as ours and every wait bounded.
// Internal: included by .ipp files of opt-in headers and by tests only.

#include <credpool/core/clock.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/validation/shown_text.hpp>

#include <libpq-fe.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The rows of an answer, all as text.
class PostgresRows {
 public:
  explicit PostgresRows(PGresult* result) noexcept : result_{result} {}

  int size() const noexcept { return PQntuples(result_.get()); }
  bool empty() const noexcept { return size() == 0; }
  std::string text(int column, int row = 0) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  bool null(int column, int row = 0) const { return PQgetisnull(result_.get(), row, column) != 0; }
  bool flag(int column, int row = 0) const { return text(column, row) == "t"; }
  std::int64_t integer(int column, int row = 0) const {
    const auto digits = text(column, row);
    std::int64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
  }
  std::string field(int code) const {
    const char* value = PQresultErrorField(result_.get(), code);
    return value == nullptr ? std::string{} : std::string{value};
  }
  bool good() const noexcept {
    const auto status = PQresultStatus(result_.get());
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
  }

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

/// What can be told of a connection string's parts: libpq shows these in its errors.
///
/// A password that was not percent-encoded falls into pieces, which libpq takes for a host, a port
/// or a database: such strings are refused.
inline bool postgres_shows_no_password(std::string_view keyword, std::string_view value) {
  if (keyword == "host") return value.find('@', 1) == std::string_view::npos;
  if (keyword == "port") return value.find_first_not_of("0123456789,") == std::string_view::npos;
  if (keyword == "dbname") return value.find_first_of("@/") == std::string_view::npos;
  return true;
}

/// Text of libpq or of a server, for an Error: one short line in which no password stands.
inline std::string postgres_text(std::string_view text, PGconn* connection) {
  Credential secrets;
  if (const char* password = PQpass(connection)) secrets.secret = Secret{password};
  return shown_text(text, secrets, 300);
}

/// What another host wrote, for an Error.
inline std::string postgres_line(std::string_view text) {
  return shown_text(text, Credential{});
}

/// A connection on which one statement at a time is run.
///
/// After a failure of the connection itself lost() is true, and nothing but opening another one
/// helps.
class PostgresConnection {
 public:
  /// @errors configuration for an address or a password that does not work; network
  static Result<PostgresConnection> open(const Secret& address, Duration patience) {
    const std::string doing = "connecting to the PostgreSQL server";
    std::string text{address.reveal()};
    char* complaint = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> given{
        PQconninfoParse(text.c_str(), &complaint), &PQconninfoFree};
    PQfreemem(complaint);  // it quotes the text
    const bool whole = text.find('\0') == std::string::npos;
    wipe(text.data(), text.size());

    std::vector<const char*> keywords{"fallback_application_name", "target_session_attrs"};
    std::vector<const char*> values{"credpool", "read-write"};
    const auto add = [&](const char* keyword, const char* value) {
      keywords.push_back(keyword);
      values.push_back(value);
    };
    bool fit = given != nullptr && whole;
    for (const auto* option = given.get(); fit && option->keyword != nullptr; ++option) {
      if (option->val == nullptr) continue;
      fit = postgres_shows_no_password(option->keyword, option->val);
      add(option->keyword, option->val);
    }
    if (!fit)
      return fail(Errc::configuration, doing, "postgresql://...",
                  "the address must be postgresql://USER@HOST:PORT/DATABASE or key=value pairs, "
                  "special characters percent-encoded; a password is best left to PGPASSFILE");
    const auto wait = std::to_string(std::max<Duration::rep>(2, patience.count() / 1000));
    add("connect_timeout", wait.c_str());
    // A server that has gone without a word is noticed within half a minute.
    add("keepalives", "1");
    add("keepalives_idle", "10");
    add("keepalives_interval", "5");
    add("keepalives_count", "3");
    add(nullptr, nullptr);

    PostgresConnection opened{PQconnectdbParams(keywords.data(), values.data(), 0), patience};
    auto* connection = opened.connection_.get();
    if (connection == nullptr) return fail(Errc::network, doing, "postgresql://...");
    const auto part = [](const char* value) { return std::string{value == nullptr ? "" : value}; };
    opened.place_ = "postgresql://" + part(PQhost(connection)) + ':' + part(PQport(connection)) +
                    '/' + part(PQdb(connection));
    if (PQstatus(connection) != CONNECTION_OK) {
      // Told apart by the server's words, when they are English: libpq has no code for it.
      const std::string_view words = PQerrorMessage(connection);
      const bool password = PQconnectionNeedsPassword(connection) != 0 ||
                            words.find("password authentication failed") != std::string_view::npos;
      return fail(password ? Errc::configuration : Errc::network, doing, opened.place_,
                  postgres_text(words, connection));
    }
    // By default libpq prints the server's notices.
    PQsetNoticeProcessor(
        connection, [](void*, const char*) {}, nullptr);
    if (PQsetnonblocking(connection, 1) != 0) return opened.broken(doing);
    return opened;
  }

  bool lost() const noexcept { return lost_; }
  const std::string& place() const noexcept { return place_; }

  /// Runs one statement; its parameters are sent as text.
  ///
  /// @errors timeout and network (lost() is true then, and it may yet be carried out); busy;
  ///         permission_denied; store_unwritable; io
  Result<PostgresRows> run(const std::string& doing, const char* sql,
                           const std::vector<std::string>& parameters = {}) {
    std::vector<const char*> values;
    for (const auto& parameter : parameters) values.push_back(parameter.c_str());
    auto* connection = connection_.get();
    if (PQsendQueryParams(connection, sql, static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, 0) != 1)
      return broken(doing);
    // The server ends a statement that takes too long; a server that stands still does not.
    const auto until = SystemClock{}.steady() + patience_ + std::chrono::seconds{1};
    std::unique_ptr<PostgresRows> rows;
    for (;;) {
      if (auto ready = wait(doing, until); !ready) return fail(ready.error());
      auto* result = PQgetResult(connection);
      if (result == nullptr) break;
      if (!rows || rows->good())
        rows = std::make_unique<PostgresRows>(result);
      else
        PQclear(result);
    }
    if (!rows || PQstatus(connection) != CONNECTION_OK) return broken(doing);
    if (!rows->good()) return refused(doing, *rows);
    return std::move(*rows);
  }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  PostgresConnection(PGconn* connection, Duration patience) noexcept
      : connection_{connection}, patience_{patience} {}

  /// Sends what is left to send and reads until a result can be had without waiting.
  Result<void> wait(const std::string& doing, std::chrono::nanoseconds until) {
    auto* connection = connection_.get();
    for (;;) {
      const int unsent = PQflush(connection);
      if (unsent < 0) return broken(doing);
      if (unsent == 0 && PQisBusy(connection) == 0) return {};
      const auto left = std::chrono::ceil<Duration>(until - SystemClock{}.steady());
      pollfd ready{PQsocket(connection), static_cast<short>(POLLIN | (unsent > 0 ? POLLOUT : 0)),
                   0};
      const int count =
          left > Duration::zero() ? ::poll(&ready, 1, static_cast<int>(left.count())) : 0;
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        lost_ = true;
        return fail(Errc::timeout, doing, place_,
                    "the PostgreSQL server does not answer: it hangs, or the network does");
      }
      if (PQconsumeInput(connection) != 1) return broken(doing);
    }
  }

  Unexpected broken(const std::string& doing) {
    lost_ = true;
    auto* connection = connection_.get();
    return fail(Errc::network, doing, place_,
                "the connection broke: " + postgres_text(PQerrorMessage(connection), connection));
  }

  Unexpected refused(const std::string& doing, const PostgresRows& rows) {
    const auto state = rows.field(PG_DIAG_SQLSTATE);
    const auto is = [&](std::string_view start) { return state.starts_with(start); };
    auto code = Errc::io;
    if (is("57P") || is("08")) {  // it is being shut down, or has crashed
      lost_ = true;
      code = Errc::network;
    } else if (is("57014")) {  // its own time-out
      code = Errc::timeout;
    } else if (is("55P03") || is("40")) {  // a lock; a deadlock or conflict of transactions
      code = Errc::busy;
    } else if (is("23505")) {  // a unique value is there already
      code = Errc::conflict;
    } else if (is("42501")) {
      code = Errc::permission_denied;
    } else if (is("25006") || is("53")) {  // read-only; disk full, out of memory or connections
      code = Errc::store_unwritable;
    }
    return fail(code, doing, place_,
                postgres_text(rows.field(PG_DIAG_MESSAGE_PRIMARY), connection_.get()) +
                    " (SQLSTATE " + state + ')');
  }

  std::unique_ptr<PGconn, Finish> connection_;
  Duration patience_;
  std::string place_{};
  bool lost_ = false;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
