// SPDX-License-Identifier: MIT
#include <credpool/refresh/oauth_refresh.hpp>

#include <credpool/pool/pool.hpp>
#include <credpool/refresh/cli_command.hpp>
#include <credpool/transport/fake.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace credpool;
using namespace std::chrono_literals;

namespace {

/// The bench's login under another name, where a store is made anew for each exchange.
class StoreOfBench final : public LoginStore {
 public:
  explicit StoreOfBench(FakeLoginStore& store) : store_{store} {}
  std::string_view cli() const noexcept override { return store_.cli(); }
  std::string_view provider() const noexcept override { return store_.provider(); }
  const std::filesystem::path& file() const noexcept override { return store_.file(); }
  Result<StoredLogin> read() const override { return store_.read(); }
  Result<Secret> rewritten(const StoredLogin& current, const GrantedTokens& granted,
                           TimePoint now) const override {
    return store_.rewritten(current, granted, now);
  }
  Result<std::unique_ptr<StoreLock>> lock_exchange(Duration patience) override {
    return store_.lock_exchange(patience);
  }
  Duration longest_hold() const noexcept override { return store_.longest_hold(); }
  Result<std::unique_ptr<StoreLock>> lock_write(Duration patience) override {
    return store_.lock_write(patience);
  }
  Duration advisory_window(Duration lifetime) const noexcept override {
    return store_.advisory_window(lifetime);
  }
  bool single_use() const noexcept override { return store_.single_use(); }

 private:
  FakeLoginStore& store_;
};

/// A transport that several owners share.
struct SharedTransport {
  std::shared_ptr<FakeTransport> inner;
  Result<Response> send(const Request& request) { return inner->send(request); }
};

/// What an exchange came to, told beforehand.
struct Told {
  ExchangeReport report;
  ExchangeRequest asked;
  Result<ExchangeReport> run(const Credential&, const ExchangeRequest& request) {
    asked = request;
    return report;
  }
};
struct ToldRef {
  Told* told;
  Result<ExchangeReport> run(const Credential& credential, const ExchangeRequest& request) {
    return told->run(credential, request);
  }
};
static_assert(RefreshMethod<OAuthRefresh<ToldRef>>);

using Refreshing =
    FirstOf<OAuthRefresh<InProcess<SharedTransport, ClockRef<ManualClock>>>, CliCommand>;
using RefreshingPool = Pool<Sources<>, LeastUsed, Refreshing, MemoryState, ClockRef<ManualClock>>;

/// A pool that lends the bench's login, which has ended.
struct RefreshingBench : ExchangeBench {
  RefreshingBench() {
    store.locks_write = true;
    clock.advance(1min);
    auto found = Credential::login("kimi-code", "kimi-code", store.file().string(), "me");
    found.kind = Kind::oauth;
    found.ownership = Ownership::co_own;
    found.places = {{store.file().string(), ""}};
    found.secret = Secret{"access-0"};
    found.refresh_token = Secret{"refresh-0"};
    found.expires_at = exchange_start + 30s;
    found.refresh_at = *found.expires_at - 5min;
    found.oauth_host = "http://127.0.0.1:9";
    id = found.id;
    REQUIRE(pool.replace_credentials({found}));
  }
  LoginStoreOf stores() {
    return [this](const Credential&) -> Result<std::unique_ptr<LoginStore>> {
      return std::unique_ptr<LoginStore>{new StoreOfBench{store}};
    };
  }
  Refreshing methods() {
    InProcessParts parts{stores(), home.environment(), {}, "host", nullptr};
    return Refreshing{OAuthRefresh{InProcess<SharedTransport, ClockRef<ManualClock>>{
                          SharedTransport{transport}, ClockRef{clock}, std::move(parts)}},
                      CliCommand{stores(), home.environment(), [this] { return clock.now(); }}};
  }

  std::atomic<int> requests{0};
  std::shared_ptr<FakeTransport> transport =
      std::make_shared<FakeTransport>([this](const Request&) { return granted(++requests); });
  CredentialId id;
  RefreshingPool pool{Sources<>{},     LeastUsed{}, methods(),         MemoryState{},
                      ClockRef{clock}, {},          home.environment()};
};

}  // namespace

TEST_CASE("refresh/oauth_refresh: only a login that we may write") {
  Told told;
  const OAuthRefresh method{ToldRef{&told}};
  auto login = Credential::login("kimi-code", "kimi-code", "store");
  login.kind = Kind::oauth;
  login.refresh_token = Secret{"refresh"};
  for (const auto& [ownership, can] :
       {std::pair{Ownership::borrow, false}, {Ownership::co_own, true}, {Ownership::adopt, true}}) {
    login.ownership = ownership;
    CHECK(method.can_refresh(login) == can);
  }
  login.refresh_token = Secret{};
  CHECK_FALSE(method.can_refresh(login));
  auto key = Credential::api_key("acme-cli", "acme", Secret{"key"});
  key.ownership = Ownership::adopt;
  key.refresh_token = Secret{"refresh"};
  CHECK_FALSE(method.can_refresh(key));
}

TEST_CASE("refresh/oauth_refresh: the credential gets its new tokens and times, and stays itself") {
  Told told;
  told.report.tokens = {Secret{"new"}, Secret{"next"}, exchange_start + 15min, 15min, "me"};
  OAuthRefresh method{ToldRef{&told}};
  auto login = Credential::login("kimi-code", "kimi-code", "store", "me");
  login.kind = Kind::oauth;
  login.secret = Secret{"old"};
  login.refresh_token = Secret{"refresh"};
  login.expires_at = exchange_start;
  login.refresh_at = exchange_start - 5min;
  login.refresh_expires_at = exchange_start + 1h;
  login.priority = 3;
  SUBCASE("that is due") {
    const auto fresh = method.refresh(login, {});
    REQUIRE(fresh);
    CHECK(told.asked.refused_token.empty());
    CHECK(fresh->id == login.id);
    CHECK(fresh->priority == 3);
    CHECK(fresh->secret.reveal() == "new");
    CHECK(fresh->refresh_token.reveal() == "next");
    CHECK(fresh->token_hash() == token_hash("new"));
    CHECK(fresh->expires_at == exchange_start + 15min);
    CHECK(fresh->refresh_at == exchange_start + 10min);
    CHECK_FALSE(fresh->refresh_expires_at);
    CHECK(fresh->usable_at(exchange_start));
  }
  SUBCASE("that was refused: at once, and the verdict is over") {
    login.status = Status::revoked;
    login.reason = Reason::not_refreshable;
    login.detail = "refused";
    const auto fresh = method.refresh(login, {});
    CHECK(told.asked.refused_token == token_hash("old"));
    CHECK(fresh->status == Status::active);
    CHECK(fresh->reason == Reason::none);
    CHECK(fresh->detail.empty());
  }
  SUBCASE("that is switched off: it stays off") {
    login.status = Status::disabled;
    CHECK(method.refresh(login, {})->status == Status::disabled);
    CHECK(told.asked.refused_token.empty());
  }
}

TEST_CASE("refresh/oauth_refresh: a lease of a login that has ended works after pool.refresh()") {
  RefreshingBench bench;
  CHECK_FALSE(bench.pool.acquire({.provider = "kimi-code"}));
  REQUIRE(bench.pool.refresh(bench.id.hex()));
  auto lease = bench.pool.acquire({.provider = "kimi-code"});
  REQUIRE(lease);
  CHECK(lease->secret().reveal() == "access-1");
  CHECK(bench.field("access") == "access-1");
  CHECK(bench.requests == 1);
  lease->report(Outcome::ok());
}

TEST_CASE("refresh/oauth_refresh: 64 threads that ask the pool at once make one request") {
  RefreshingBench bench;
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 64; ++i)
      threads.emplace_back([&] {
        if (bench.pool.refresh(bench.id.hex())) ++good;
      });
  }
  CHECK(good == 64);
  CHECK(bench.requests == 1);
}

TEST_CASE("refresh/oauth_refresh: 32 readers never see a mixed pair of tokens") {
  RefreshingBench bench;
  REQUIRE(bench.pool.refresh(bench.id.hex()));
  const auto number = [](std::string_view token) {
    return std::string{token.substr(token.find('-') + 1)};
  };
  std::atomic<bool> over{false};
  std::atomic<long> lent{0}, read{0}, mixed{0};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 32; ++i)
    readers.emplace_back([&, from_file = i % 4 == 0] {
      while (!over) {
        if (from_file) {  // as a CLI reads it
          const auto login = bench.store.read();
          if (!login || number(login->tokens.access_token.reveal()) !=
                            number(login->tokens.refresh_token.reveal()))
            ++mixed;
          ++read;
          continue;
        }
        auto lease = bench.pool.acquire({.provider = "kimi-code"});
        if (!lease) continue;  // it has just ended
        const auto& login = lease->credential();
        if (number(login.secret.reveal()) != number(login.refresh_token.reveal())) ++mixed;
        lease->report(Outcome::ok());
        ++lent;
      }
    });
  // For 3 s, and on a slow machine until there were enough.
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::steady_clock::now() - begin; };
  int refreshes = 0;
  while (refreshes < 10 ? passed() < 100s : refreshes < 100 && passed() < 3s) {
    bench.clock.advance(14min + 30s);  // inside the last minute
    if (bench.pool.refresh(bench.id.hex())) ++refreshes;
    // 20 requests an hour are all it may send: this clock runs at 4.
  }
  over = true;
  readers.clear();
  MESSAGE("consistent reads: 32 threads, " << lent.load() << " leases and " << read.load()
                                           << " readings of the file over " << refreshes
                                           << " refreshes, " << mixed.load() << " mixed");
  CHECK(mixed == 0);
  CHECK(refreshes >= 10);
  CHECK(bench.requests == refreshes + 1);
  CHECK(lent > 0);
  CHECK(read > 0);
}
