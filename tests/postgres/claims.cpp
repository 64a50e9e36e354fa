// SPDX-License-Identifier: MIT
#include <credpool/store/postgres_claims.hpp>

#include <credpool/core/clock.hpp>
#include <credpool/store/token_seal.hpp>

#include <contract/refresh_claims.hpp>
#include <postgres_server.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

PostgresServer& server() {
  static PostgresServer running;
  return running;
}

cp::PostgresPlace place(const std::string& address) {
  return {cp::Secret{address}, [] { return cp::SystemClock{}.now(); }};
}

std::unique_ptr<cp::PostgresClaims> connect() {
  auto opened = cp::PostgresClaims::open(place(server().address()));
  if (!opened) FAIL(opened.error().message());
  return std::move(*opened);
}

const cp::Duration minute{60'000};

void expire() {
  server().sql(
      "UPDATE credpool_claims SET deadline = clock_timestamp() - interval '1 hour'"
      " WHERE state = 'spending'");
}

/// Runs in a child process; @return its exit code, or -1 when a signal ended it.
template <class F> int in_child(F&& run) {
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(run());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// What an error shows, all of it.
std::string shown(const cp::Error& error) {
  return error.message() + '\n' + error.doing + '\n' + error.place + '\n' + error.hint;
}

}  // namespace

TEST_CASE("store/postgres_claims: the contract of refresh claims") {
  auto one = connect(), two = connect();
  refresh_claims_contract(*one, *two, expire);
}

TEST_CASE("store/postgres_claims: a server that may forget is refused") {
  const PostgresServer forgetful{{"fsync=off"}};
  const auto opened = cp::PostgresClaims::open(place(forgetful.address()));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().errc() == cp::Errc::configuration);
  CHECK(opened.error().hint.find("fsync") != std::string::npos);
}

TEST_CASE("store/postgres_claims: the deadline is never later than the server's") {
  auto claims = connect();
  const auto claim = claims->take("deadline", cp::token_hash("t"), "a", minute);
  REQUIRE(claim);
  // Both clocks are one here; a claim on a slow line ends earlier for its holder.
  const auto there = std::stoll(
      server().sql("SELECT ceil(extract(epoch FROM deadline) * 1000)::bigint FROM credpool_claims"
                   " WHERE family = 'deadline'"));
  CHECK(claim->deadline.time_since_epoch().count() <= there);
  CHECK(there - claim->deadline.time_since_epoch().count() < 30'000);
}

TEST_CASE("store/postgres_claims: a claim is waited for until its margin is over, too") {
  auto claims = connect();
  REQUIRE(claims->take("margin", cp::token_hash("t"), "a", minute));
  const auto ended = [&](const char* ago) {
    server().sql(
        std::string{"UPDATE credpool_claims SET deadline = clock_timestamp() - interval '"} + ago +
        "' WHERE family = 'margin'");
    return claims->take("margin", cp::token_hash("t"), "b", minute);
  };
  const auto early = ended("5 s");
  REQUIRE_FALSE(early);
  CHECK(early.error().errc() == cp::Errc::busy);
  const auto late = ended("11 s");
  REQUIRE(late);
  CHECK(late->after_unknown);
}

TEST_CASE("store/postgres_claims: after a new login on another host that one owns the family") {
  auto claims = connect();
  REQUIRE(claims->take("moving", cp::token_hash("t0"), "a", minute));
  const auto new_login = cp::token_hash("new login on b");
  const auto while_running = claims->hand_over("moving", new_login, "b");
  REQUIRE_FALSE(while_running);
  CHECK(while_running.error().errc() == cp::Errc::busy);
  expire();
  REQUIRE(claims->hand_over("moving", new_login, "b"));
  CHECK(claims->hand_over("moving", new_login, "b"));
  const auto old = claims->take("moving", cp::token_hash("t0"), "a", minute);
  REQUIRE_FALSE(old);
  CHECK(old.error().errc() == cp::Errc::conflict);
  CHECK(old.error().hint.find("'b'") != std::string::npos);
  const auto back = claims->hand_over("moving", cp::token_hash("t0"), "a");
  REQUIRE_FALSE(back);
  CHECK(back.error().errc() == cp::Errc::conflict);
  const auto next = claims->take("moving", new_login, "b", minute);
  REQUIRE(next);
  CHECK(next->generation == 1);
  CHECK_FALSE(next->after_unknown);
}

TEST_CASE("store/postgres_claims: other hosts get the access token, sealed, and no refresh token") {
  const ThrowawayHome home;
  const auto directory = *cp::StateDirectory::locate(home.environment());
  REQUIRE(directory.create());
  std::ofstream{directory.key_file()} << std::string(64, 'a') << '\n';
  REQUIRE(::chmod(directory.key_file().c_str(), 0600) == 0);
  const cp::TokenSeal seal{directory, home.environment()};

  auto owner = connect(), other = connect();
  CHECK_FALSE(other->fetch("shared").value());
  const cp::TimePoint end{cp::Duration{1795000900123}};
  const cp::Secret token{"fake-access-canary"};
  const auto sealed = seal.seal("shared", token, end).value();

  const auto clear = owner->publish("shared", cp::token_hash("r0"), "a", "fake-access-canary", end);
  REQUIRE_FALSE(clear);
  CHECK(clear.error().errc() == cp::Errc::invalid_argument);

  REQUIRE(owner->publish("shared", cp::token_hash("r0"), "a", sealed, end));
  const auto got = other->fetch("shared").value();
  REQUIRE(got);
  CHECK(got->owner == "a");
  CHECK((got->expires_at == end));
  CHECK((seal.unseal("shared", got->sealed, got->expires_at).value() == token));

  // What came before the last exchange replaces nothing; another host's neither.
  const auto claim = owner->take("shared", cp::token_hash("r0"), "a", minute);
  REQUIRE(claim);
  REQUIRE(owner->finish(*claim, cp::token_hash("r1")));
  const auto newer = seal.seal("shared", cp::Secret{"fake-newer"}, end).value();
  REQUIRE(owner->publish("shared", cp::token_hash("r1"), "a", newer, end));
  for (const auto* stale : {"r0", "never seen"}) {
    const auto late = other->publish("shared", cp::token_hash(stale), "b", sealed, end);
    REQUIRE_FALSE(late);
    CHECK(late.error().errc() == cp::Errc::conflict);
  }
  CHECK(other->fetch("shared").value()->sealed == newer);

  // Its CLI has refreshed: the owner shares what it found, without a claim.
  REQUIRE(owner->publish("shared", cp::token_hash("r2"), "a", sealed, end));
  CHECK(other->take("shared", cp::token_hash("r2"), "b", minute).value().generation == 2);
  CHECK(server().sql("SELECT (c::text LIKE '%canary%')::text FROM credpool_claims AS c"
                     " WHERE family = 'shared'") == "false");
}

TEST_CASE("store/postgres_claims: hosts that come at the same time make the tables once") {
  server().sql("CREATE DATABASE fresh");
  auto address = server().address();
  address.replace(address.rfind("/postgres"), std::string::npos, "/fresh");
  std::vector<pid_t> hosts;
  for (int i = 0; i < 8; ++i) {
    hosts.push_back(::fork());
    if (hosts.back() == 0) ::_exit(cp::PostgresClaims::open(place(address)) ? 0 : 1);
  }
  for (const auto host : hosts) {
    int status = 0;
    REQUIRE(::waitpid(host, &status, 0) == host);
    CHECK(status == 0);
  }
  CHECK(cp::PostgresClaims::open(place(address)));
}

TEST_CASE("store/postgres_claims: tables of a newer version are left alone") {
  server().sql("CREATE DATABASE newer");
  auto address = server().address();
  address.replace(address.rfind("/postgres"), std::string::npos, "/newer");
  REQUIRE(cp::PostgresClaims::open(place(address)));
  const std::unique_ptr<PGconn, void (*)(PGconn*)> admin{PQconnectdb(address.c_str()), &PQfinish};
  PQclear(PQexec(admin.get(), "INSERT INTO credpool_schema(version) VALUES (99)"));
  const auto opened = cp::PostgresClaims::open(place(address));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().errc() == cp::Errc::unsupported);
}

TEST_CASE("store/postgres_claims: a user without the right to make tables can use them") {
  connect();
  server().sql("CREATE ROLE lodger LOGIN PASSWORD 'fake-lodger'");
  auto address = server().address();
  address.replace(address.find("credpool:"), address.find('@') - address.find("credpool:"),
                  "lodger:fake-lodger");
  const auto refused = cp::PostgresClaims::open(place(address));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().errc() == cp::Errc::permission_denied);
  server().sql(
      "GRANT SELECT ON credpool_schema TO lodger;"
      "GRANT SELECT, INSERT, UPDATE ON credpool_claims, credpool_exchanges TO lodger");
  auto claims = cp::PostgresClaims::open(place(address));
  REQUIRE(claims);
  const auto claim = (*claims)->take("lodger", cp::token_hash("t"), "a", minute);
  REQUIRE(claim);
  CHECK((*claims)->finish(*claim, cp::token_hash("t1")));
}

TEST_CASE("store/postgres_claims: no error shows a password") {
  const std::string plain = PostgresServer::password;
  const auto port = std::to_string(server().port());
  const auto other_port = ":1/";
  struct Case {
    std::string address;
    cp::Errc code;
  };
  for (const auto& each : {
           Case{server().address("wrong-canary-word"), cp::Errc::configuration},
           Case{"postgresql://credpool:canary-word@127.0.0.1" + std::string{other_port} + "db",
                cp::Errc::network},
           Case{"postgresql://credpool:" + std::string{PostgresServer::encoded_password} +
                    "@127.0.0.1:" + port + "/no_such_database",
                cp::Errc::network},
           // Not percent-encoded: its pieces look like a host, a port or a database.
           Case{"postgresql://credpool:canary/word@127.0.0.1:" + port + "/db",
                cp::Errc::configuration},
           Case{"postgresql://credpool:4711/canary@127.0.0.1:" + port + "/db",
                cp::Errc::configuration},
           Case{"postgresql://credpool:word@canary@127.0.0.1:" + port + "/db",
                cp::Errc::configuration},
           Case{"postgresql://credpool:%canary-word@127.0.0.1:" + port + "/db",
                cp::Errc::configuration},
           Case{"postgresql://credpool:canary-word@127.0.0.1:" + port + "/db?canary",
                cp::Errc::configuration},
           Case{"host=127.0.0.1 password=canary 'word", cp::Errc::configuration},
           Case{std::string{"postgresql://u:canary@h/\0", 25}, cp::Errc::configuration},
           Case{"", cp::Errc::configuration},
       }) {
    const auto opened = cp::PostgresClaims::open(place(each.address));
    REQUIRE_FALSE(opened);
    INFO(each.address << " -> " << shown(opened.error()));
    if (!each.address.empty()) CHECK(opened.error().errc() == each.code);
    CHECK(shown(opened.error()).find("canary") == std::string::npos);
    CHECK(shown(opened.error()).find("word@") == std::string::npos);
    CHECK(shown(opened.error()).find("4711") == std::string::npos);
  }
  // One that the server accepts stands in no later error either.
  auto claims = connect();
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
      "pg_backend_pid() AND application_name = 'credpool'");
  CHECK(claims->take("survives", cp::token_hash("t"), "a", minute));
  server().sql("ALTER TABLE credpool_claims RENAME TO gone");
  const auto failed = claims->take("survives", cp::token_hash("t"), "a", minute);
  server().sql("ALTER TABLE gone RENAME TO credpool_claims");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().errc() == cp::Errc::io);
  CHECK(shown(failed.error()).find("42P01") != std::string::npos);
  CHECK(shown(failed.error()).find(plain) == std::string::npos);
}

TEST_CASE("store/postgres_claims: PGPASSFILE works, and the address needs no password") {
  const ThrowawayHome home;
  const auto file = home.path() / "pgpass";
  std::ofstream{file} << "127.0.0.1:*:*:credpool:fake-canary\\:p@ss/w0rd?&\n";
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  const auto address =
      "postgresql://credpool@127.0.0.1:" + std::to_string(server().port()) + "/postgres";
  const auto without = cp::PostgresClaims::open(place(address));
  REQUIRE_FALSE(without);
  CHECK(without.error().errc() == cp::Errc::configuration);
  CHECK(in_child([&] {
          ::setenv("PGPASSFILE", file.c_str(), 1);
          return cp::PostgresClaims::open(place(address)) ? 0 : 1;
        }) == 0);
}
