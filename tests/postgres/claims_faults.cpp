// SPDX-License-Identifier: MIT
//
// What may happen to hosts, to their connections and to the server while they share one login.
#include <credpool/store/postgres_claims.hpp>

#include <credpool/core/clock.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/impl/store/postgres.hpp>

#include <loopback_server.hpp>
#include <postgres_server.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <new>
#include <random>

#include <sys/mman.h>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::Duration minute{60'000};

PostgresServer& server() {
  // What a claim needs is asked for, whatever the server's default is.
  static PostgresServer running{{"synchronous_commit=off"}};
  return running;
}

cp::PostgresPlace place(int port, cp::Duration patience, cp::Duration margin) {
  auto address = server().address();
  const auto own = ':' + std::to_string(server().port()) + '/';
  address.replace(address.find(own), own.size(), ':' + std::to_string(port) + '/');
  return {cp::Secret{address}, [] { return cp::SystemClock{}.now(); }, patience, margin};
}

std::unique_ptr<cp::PostgresClaims> connect(int port = 0, cp::Duration patience = seconds{5},
                                            cp::Duration margin = milliseconds{100}) {
  auto opened =
      cp::PostgresClaims::open(place(port != 0 ? port : server().port(), patience, margin));
  if (!opened) throw std::runtime_error{opened.error().message()};
  return std::move(*opened);
}

/// The refresh token of a generation, as the provider would give it.
std::string token(std::string_view family, std::uint64_t generation) {
  return cp::token_hash(std::string{family} + ' ' + std::to_string(generation));
}

/// Memory that forked processes share.
template <class T> class Shared {
 public:
  Shared()
      : at_{new (::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                        0)) T{}} {}
  ~Shared() { ::munmap(at_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T* operator->() const { return at_; }

 private:
  T* at_;
};

template <class F> pid_t in_background(F&& run) {
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      ::_exit(run());
    } catch (const std::exception& failed) {
      std::fprintf(stderr, "%s\n", failed.what());
      ::_exit(99);
    }
  }
  return child;
}

int ended(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Takes as soon as it can be had.
cp::RefreshClaim take_when_free(cp::PostgresClaims& claims, const char* family,
                                std::uint64_t generation, const char* host) {
  for (int tries = 0; tries < 3000; ++tries) {
    auto claim = claims.take(family, token(family, generation), host, minute);
    if (claim) return *claim;
    if (claim.error().errc() != cp::Errc::busy) FAIL(claim.error().message());
    std::this_thread::sleep_for(milliseconds{10});
  }
  FAIL("the claim does not end");
  return {};
}

constexpr std::size_t most_generations = 100'000;

/// What the provider of a login would have seen.
struct Provider {
  std::atomic<std::uint64_t> current{0};  ///< the generation of the token that it takes
  std::array<std::atomic<int>, most_generations> spends{};
  std::atomic<int> wrong{0};
  std::atomic<int> ready{0};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> after_unknown{0};
};

/// Passes bytes on between clients and the server, until a statement is to be cut off.
class FaultyLine {
 public:
  enum Fault { none, lose_request, lose_answer, deliver_late };
  static constexpr milliseconds late{3500};

  /// The next statement that holds this text meets that fault.
  void cut(std::string text, Fault fault) {
    text_ = std::move(text);
    fault_ = fault;
  }
  int port() const { return line_.port(); }
  int connections() const { return line_.connections(); }
  bool delivered() const { return delivered_; }  ///< late, and the server has answered

 private:
  void pass(int client) {
    const int there = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(server().port()));
    if (::connect(there, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
    char buffer[16384];
    std::string sent;
    while (!line_.stopping()) {
      std::array<pollfd, 2> ready{{{client, POLLIN, 0}, {there, POLLIN, 0}}};
      if (::poll(ready.data(), ready.size(), 20) <= 0) continue;
      const bool from_client = ready[0].revents != 0;
      const auto count = ::recv(from_client ? client : there, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      const std::string_view bytes{buffer, static_cast<std::size_t>(count)};
      if (from_client) sent.append(bytes);
      if (from_client && fault_ != none && sent.find(text_) != std::string::npos) {
        const auto fault = fault_.exchange(none);
        if (fault == lose_request) break;
        if (fault == deliver_late) std::this_thread::sleep_for(late);
        if (!send_all(there, bytes) || ::poll(&ready[1], 1, 10'000) <= 0) break;
        delivered_ = true;
        break;
      }
      if (!send_all(from_client ? there : client, bytes)) break;
    }
    ::close(there);
  }

  std::string text_;
  std::atomic<Fault> fault_{none};
  std::atomic<bool> delivered_{false};
  LoopbackServer line_{[this](int client) { pass(client); }};
};

constexpr const char* take_text = "SET state = 'spending'";
constexpr const char* finish_text = "INSERT INTO credpool_exchanges";
constexpr const char* release_text = "CASE WHEN after_unknown";

}  // namespace

TEST_CASE("store/postgres_claims: 32 processes x 50 refreshes of one login: each once") {
  connect();  // starts the server before there are other processes
  const Shared<Provider> provider;
  constexpr int processes = 32, cycles = 50;
  std::vector<pid_t> hosts;
  for (int i = 0; i < processes; ++i)
    hosts.push_back(in_background([&] {
      auto claims = connect();
      const auto name = "host " + std::to_string(i);
      std::minstd_rand random{static_cast<unsigned>(i)};
      for (int done = 0; done < cycles;) {
        const auto generation = provider->current.load();
        auto claim = claims->take("crowd", token("crowd", generation), name, minute);
        if (!claim) {
          const auto code = claim.error().errc();
          if (code != cp::Errc::busy && code != cp::Errc::conflict) return 1;
          std::this_thread::sleep_for(milliseconds{random() % 20});
          continue;
        }
        if (claim->generation != generation || claim->after_unknown) return 2;
        if (provider->spends[generation].fetch_add(1) != 0) return 3;
        provider->current = generation + 1;
        if (!claims->finish(*claim, token("crowd", generation + 1))) return 4;
        ++done;
      }
      return 0;
    }));
  for (const auto host : hosts) CHECK(ended(host) == 0);
  CHECK(provider->current.load() == processes * cycles);
  const auto total = std::to_string(processes * cycles);
  CHECK(server().sql("SELECT count(*) FROM credpool_exchanges WHERE family = 'crowd'") == total);
  CHECK(server().sql("SELECT generation || ' ' || fence FROM credpool_claims"
                     " WHERE family = 'crowd'") == total + ' ' + total);
}

TEST_CASE("store/postgres_claims: a claim outlives kill -9 of the server the moment it was given") {
  auto claims = connect();
  for (std::uint64_t generation = 0; generation < 8; ++generation) {
    const auto claim = claims->take("crash", token("crash", generation), "a", minute);
    REQUIRE(claim);
    server().kill_hard();
    server().start();
    const auto second = claims->take("crash", token("crash", generation), "b", minute);
    REQUIRE_FALSE(second);
    CHECK(second.error().errc() == cp::Errc::busy);
    REQUIRE(claims->finish(*claim, token("crash", generation + 1)));
    server().kill_hard();
    server().start();
    const auto old = claims->take("crash", token("crash", generation), "b", minute);
    REQUIRE_FALSE(old);
    CHECK(old.error().errc() == cp::Errc::conflict);
  }
}

TEST_CASE("store/postgres_claims: six hosts, the server killed and restarted: at most one spend") {
  connect();  // starts the server before there are other processes
  const Shared<Provider> provider;
  std::vector<pid_t> hosts;
  for (int i = 0; i < 6; ++i)
    hosts.push_back(in_background([&] {
      auto claims = connect(0, seconds{3});
      ++provider->ready;
      const auto name = "host " + std::to_string(i);
      while (!provider->stop) {
        const auto generation = provider->current.load();
        auto claim =
            claims->take("restarts", token("restarts", generation), name, milliseconds{400});
        if (!claim) {
          const bool down = claim.error().errc() == cp::Errc::network;
          std::this_thread::sleep_for(milliseconds{down ? 50 : 2});
          continue;
        }
        const auto next = token("restarts", claim->generation + 1);
        if (cp::SystemClock{}.now() >= claim->deadline) continue;
        if (claim->after_unknown) {
          ++provider->after_unknown;
          // As an exchange would: it looks for the new token before anything else.
          if (provider->current > claim->generation) {
            (void)claims->finish(*claim, next).has_value();
            continue;
          }
        }
        if (claim->generation >= most_generations ||
            provider->spends[claim->generation].fetch_add(1) != 0)
          ++provider->wrong;
        provider->current = claim->generation + 1;
        // As an exchange would: until it is noted, or another host has looked after it.
        for (auto done = claims->finish(*claim, next);
             !done && done.error().errc() != cp::Errc::conflict && !provider->stop;
             done = claims->finish(*claim, next))
          std::this_thread::sleep_for(milliseconds{50});
      }
      return 0;
    }));
  while (provider->ready < 6) std::this_thread::sleep_for(milliseconds{10});
  std::minstd_rand random{7};
  for (int restart = 0; restart < 8; ++restart) {
    const auto before = provider->current.load();
    for (int tries = 0; provider->current < before + 5 && tries < 2000; ++tries)
      std::this_thread::sleep_for(milliseconds{10});
    CHECK(provider->current.load() >= before + 5);
    std::this_thread::sleep_for(milliseconds{random() % 40});
    server().kill_hard();
    server().start();
  }
  provider->stop = true;
  for (const auto host : hosts) CHECK(ended(host) == 0);
  CHECK(provider->wrong.load() == 0);
  const auto generations = provider->current.load();
  MESSAGE("generations: " << generations
                          << ", claims lost on the way: " << provider->after_unknown.load());
  std::uint64_t not_once = 0;
  for (std::uint64_t each = 0; each < generations; ++each) {
    if (provider->spends[each] != 1 && ++not_once < 8)
      MESSAGE("generation " << each << ": " << provider->spends[each].load() << " spends");
  }
  CHECK(not_once == 0);
}

TEST_CASE("store/postgres_claims: a host killed between take and finish leaves an unknown") {
  struct Progress {
    std::atomic<bool> took{false}, finishing{false}, finished{false};
  };
  auto claims = connect();
  std::minstd_rand random{11};
  std::uint64_t generation = 0;
  int unknown = 0, finished = 0;
  for (int round = 0; round < 40; ++round) {
    const Shared<Progress> progress;
    const auto host = in_background([&] {
      auto own = connect();
      const auto claim = own->take("killed", token("killed", generation), "a", milliseconds{150});
      if (!claim) return 1;
      progress->took = true;
      std::this_thread::sleep_for(milliseconds{10});
      progress->finishing = true;
      if (!own->finish(*claim, token("killed", generation + 1))) return 2;
      progress->finished = true;
      ::pause();
      return 0;
    });
    // Every third one at any moment, the others between take and finish.
    for (int tries = 0; round % 3 != 0 && !progress->took && tries < 2000; ++tries)
      std::this_thread::sleep_for(milliseconds{1});
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 20'000});
    ::kill(host, SIGKILL);
    ended(host);
    // What it had sent is carried out all the same.
    while (server().sql("SELECT count(*) FROM pg_stat_activity"
                        " WHERE application_name = 'credpool'") != "1")
      std::this_thread::sleep_for(milliseconds{5});
    INFO("round " << round << " generation " << generation << " took " << progress->took
                  << " finishing " << progress->finishing << " finished " << progress->finished);
    const auto moved = server().sql(
                           "SELECT generation FROM credpool_claims"
                           " WHERE family = 'killed'") == std::to_string(generation + 1);
    if (progress->finished) CHECK(moved);
    if (!progress->finishing) CHECK_FALSE(moved);
    if (moved) {
      ++finished;
      const auto old = claims->take("killed", token("killed", generation), "b", minute);
      REQUIRE_FALSE(old);
      CHECK(old.error().errc() == cp::Errc::conflict);
      ++generation;
    }
    const auto next = take_when_free(*claims, "killed", generation, "a");
    CHECK(next.generation == generation);
    if (moved)
      CHECK_FALSE(next.after_unknown);
    else if (progress->took)
      CHECK(next.after_unknown);
    unknown += next.after_unknown ? 1 : 0;
    REQUIRE(claims->finish(next, token("killed", ++generation)));
  }
  // Both ends were seen.
  CHECK(unknown > 0);
  CHECK(finished > 0);
}

TEST_CASE("store/postgres_claims: a host that stood still past its deadline finishes nothing") {
  auto claims = connect();
  const auto host = in_background([&] {
    auto own = connect();
    const auto claim = own->take("stopped", token("stopped", 0), "a", milliseconds{200});
    if (!claim) return 1;
    ::raise(SIGSTOP);
    if (cp::SystemClock{}.now() <= claim->deadline) return 2;
    const auto finish = own->finish(*claim, token("stopped", 7));
    const auto abandon = own->abandon(*claim);
    const bool refused = !finish && finish.error().errc() == cp::Errc::conflict && !abandon &&
                         abandon.error().errc() == cp::Errc::conflict;
    return refused ? 0 : 3;
  });
  int status = 0;
  REQUIRE(::waitpid(host, &status, WUNTRACED) == host);
  REQUIRE(WIFSTOPPED(status));
  const auto early = claims->take("stopped", token("stopped", 0), "b", minute);
  REQUIRE_FALSE(early);
  CHECK(early.error().errc() == cp::Errc::busy);
  const auto taken = take_when_free(*claims, "stopped", 0, "b");
  CHECK(taken.after_unknown);
  ::kill(host, SIGCONT);
  CHECK(ended(host) == 0);
  CHECK(claims->finish(taken, token("stopped", 1)));
}

TEST_CASE("store/postgres_claims: a statement or its answer lost on the line happens once") {
  FaultyLine line;
  auto claims = connect(line.port());
  std::uint64_t generation = 0;
  for (const auto fault : {FaultyLine::lose_request, FaultyLine::lose_answer}) {
    for (int round = 0; round < 5; ++round) {
      const auto fences = std::stoull(
          "0" + server().sql("SELECT fence FROM credpool_claims WHERE family = 'line'"));
      const auto connections = line.connections();
      line.cut(take_text, fault);
      const auto claim = claims->take("line", token("line", generation), "a", minute);
      REQUIRE(claim);
      CHECK(line.connections() == connections + 1);
      CHECK(claim->fence == fences + 1);
      CHECK_FALSE(claim->after_unknown);

      if (round % 2 == 0) {
        line.cut(finish_text, fault);
        REQUIRE(claims->finish(*claim, token("line", generation + 1)));
        ++generation;
      } else {
        line.cut(release_text, fault);
        REQUIRE(claims->abandon(*claim));
      }
      CHECK(line.connections() == connections + 2);
      CHECK(server().sql("SELECT generation || ' ' || state FROM credpool_claims"
                         " WHERE family = 'line'") == std::to_string(generation) + " idle");
    }
  }
  CHECK(server().sql("SELECT count(*) FROM credpool_exchanges WHERE family = 'line'") ==
        std::to_string(generation));
}

TEST_CASE("store/postgres_claims: a server that stands still costs a bounded time, and no claim") {
  auto claims = connect(0, seconds{2});
  auto other = connect(0, seconds{2});
  const auto first = claims->take("frozen", token("frozen", 0), "a", minute);
  REQUIRE(first);
  server().freeze();
  // With a connection, without one, and to begin with.
  for (int tries = 0; tries < 2; ++tries) {
    const auto begin = cp::SystemClock{}.steady();
    const auto finish = claims->finish(*first, token("frozen", 1));
    const auto took = cp::SystemClock{}.steady() - begin;
    REQUIRE_FALSE(finish);
    const auto code = finish.error().errc();
    CHECK((code == cp::Errc::timeout || code == cp::Errc::network));
    CHECK(took < seconds{8});
  }
  server().thaw();
  // It was carried out when the server woke up, or is now: both are the same.
  REQUIRE(claims->finish(*first, token("frozen", 1)));
  const auto next = other->take("frozen", token("frozen", 1), "a", minute);
  REQUIRE(next);
  CHECK(next->generation == 1);
  CHECK_FALSE(next->after_unknown);
}

TEST_CASE("store/postgres_claims: a claim that nobody waits for any more is not made") {
  auto claims = connect(0, seconds{2});
  REQUIRE(claims->abandon(claims->take("late", token("late", 0), "a", minute).value()));
  // Somebody keeps the row locked: the claim waits, and is given up.
  const std::unique_ptr<PGconn, void (*)(PGconn*)> admin{PQconnectdb(server().address().c_str()),
                                                         &PQfinish};
  PQclear(PQexec(admin.get(), "BEGIN"));
  PQclear(PQexec(admin.get(), "SELECT * FROM credpool_claims WHERE family = 'late' FOR UPDATE"));
  const auto given_up = claims->take("late", token("late", 0), "a", minute);
  PQclear(PQexec(admin.get(), "COMMIT"));
  REQUIRE_FALSE(given_up);
  const auto code = given_up.error().errc();
  CHECK((code == cp::Errc::timeout || code == cp::Errc::busy));

  // The server carries it out when the host has given up: as one that stood still would.
  FaultyLine line;
  auto slow = connect(line.port(), seconds{2});
  line.cut(take_text, FaultyLine::deliver_late);
  const auto timed_out = slow->take("late", token("late", 0), "a", minute);
  REQUIRE_FALSE(timed_out);
  CHECK(timed_out.error().errc() == cp::Errc::timeout);
  for (int tries = 0; !line.delivered() && tries < 1000; ++tries)
    std::this_thread::sleep_for(milliseconds{10});
  CHECK(line.delivered());

  const auto next = claims->take("late", token("late", 0), "a", minute);
  REQUIRE(next);
  CHECK_FALSE(next->after_unknown);
}
