#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/core/encoding.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/refresh/exchange.hpp>

#include "throwaway_home.hpp"

#include <atomic>
#include <thread>

/// How many of a fake store's locks are held now, and whether they were taken away from us.
struct FakeLocks {
  int held = 0;
  bool taken_away = false;
};

class FakeLock final : public credpool::StoreLock {
 public:
  explicit FakeLock(FakeLocks& locks) : locks_{locks} { ++locks_.held; }
  ~FakeLock() override { --locks_.held; }
  credpool::Result<void> still_held() const override {
    if (locks_.taken_away) return credpool::fail(credpool::Errc::busy, "looking at a lock");
    return {};
  }

 private:
  FakeLocks& locks_;
};

/// A login in a JSON file of our own, for tests of the exchange alone.
class FakeLoginStore final : public credpool::LoginStore {
 public:
  explicit FakeLoginStore(std::filesystem::path file) : file_{std::move(file)} {}

  std::string_view cli() const noexcept override { return "fake-cli"; }
  std::string_view provider() const noexcept override { return "kimi-code"; }
  const std::filesystem::path& file() const noexcept override { return file_; }
  credpool::Result<credpool::StoredLogin> read() const override {
    ++reads;
    std::ifstream in{file_, std::ios::binary};
    if (!in) return credpool::fail(credpool::Errc::not_found, "reading", file_.string());
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto fields = credpool::detail::parse_json(text);
    if (!fields) return credpool::fail(credpool::Errc::malformed, "reading", file_.string());
    credpool::StoredLogin login;
    login.text = credpool::Secret{text};
    using credpool::detail::text_or_empty;
    login.tokens.access_token = credpool::Secret{text_or_empty(*fields, "access")};
    login.tokens.refresh_token = credpool::Secret{text_or_empty(*fields, "refresh")};
    login.tokens.account_id = text_or_empty(*fields, "account");
    const auto end = fields->value("end", 0LL);
    if (end != 0) login.tokens.expires_at = credpool::TimePoint{credpool::Duration{end}};
    login.tokens.lifetime = credpool::Duration{900'000};
    return login;
  }
  credpool::Result<credpool::Secret> rewritten(const credpool::StoredLogin& current,
                                               const credpool::GrantedTokens& granted,
                                               credpool::TimePoint now) const override {
    if (on_rewrite) on_rewrite();
    auto fields = credpool::detail::Json::object();
    if (!current.text.empty()) fields = *credpool::detail::parse_json(current.text.reveal());
    fields["access"] = std::string{granted.access_token.reveal()};
    if (!granted.refresh_token.empty())
      fields["refresh"] = std::string{granted.refresh_token.reveal()};
    fields["end"] =
        granted.lifetime ? (now + skew + *granted.lifetime).time_since_epoch().count() : 0;
    return credpool::Secret{fields.dump()};
  }
  credpool::Result<std::unique_ptr<credpool::StoreLock>> lock_exchange(
      credpool::Duration patience) override {
    lock_patience = std::max(lock_patience, patience);
    if (on_lock) on_lock();
    if (lock_lost) return std::unique_ptr<credpool::StoreLock>{new LostLock};
    if (busy > 0) {
      --busy;
      return credpool::fail(credpool::Errc::busy, "waiting", file_.string());
    }
    if (locks != nullptr) return std::make_unique<FakeLock>(*locks);
    return std::unique_ptr<credpool::StoreLock>{};
  }
  credpool::Duration longest_hold() const noexcept override { return std::chrono::hours{1}; }
  credpool::Result<std::unique_ptr<credpool::StoreLock>> lock_write(credpool::Duration) override {
    if (on_write) on_write();
    if (!locks_write) return std::unique_ptr<credpool::StoreLock>{};
    return std::unique_ptr<credpool::StoreLock>{new HeldLock};
  }
  credpool::Duration advisory_window(credpool::Duration) const noexcept override {
    return std::chrono::minutes{5};
  }
  bool single_use() const noexcept override { return !reusable; }
  bool cli_removes_refused() const noexcept override { return removes_refused; }

  std::function<void()> on_lock, on_write;
  std::function<void()> on_rewrite;  ///< between the last reading and the exchange of names
  FakeLocks* locks = nullptr;        ///< of a CLI that has a lock
  int busy = 0;
  bool lock_lost = false;     ///< the CLI takes its lock over
  bool locks_write = false;   ///< the CLI waits while the file is replaced
  credpool::Duration skew{};  ///< of the server's clock, which writes the end into the token
  credpool::Duration lock_patience{-1};  ///< the longest one that was asked for
  bool removes_refused = false;
  bool reusable = false;
  mutable std::atomic<int> reads{0};

 private:
  struct HeldLock final : credpool::StoreLock {
    credpool::Result<void> still_held() const override { return {}; }
  };
  struct LostLock final : credpool::StoreLock {
    credpool::Result<void> still_held() const override {
      return credpool::fail(credpool::Errc::busy, "holding");
    }
  };

  std::filesystem::path file_;
};

inline constexpr credpool::TimePoint exchange_start{std::chrono::milliseconds{1'800'000'000'000}};

/// A login, its store, a server that rotates, and a clock: what a test of the exchange needs.
struct ExchangeBench {
  ExchangeBench() { login("access-0", "refresh-0", exchange_start + std::chrono::seconds{30}); }

  void login(std::string_view access, std::string_view refresh, credpool::TimePoint end,
             std::string_view account = "me") const {
    home.write("login.json", credpool::detail::Json{{"access", access},
                                                    {"refresh", refresh},
                                                    {"account", account},
                                                    {"end", end.time_since_epoch().count()},
                                                    {"other", "kept"}}
                                 .dump());
  }
  std::string field(const char* name) const {
    const auto login = store.read();
    if (!login) return "(none)";
    return std::string{
        credpool::detail::text_or_empty(*credpool::detail::parse_json(login->text.reveal()), name)};
  }
  static credpool::Response granted(int number) {
    const auto n = std::to_string(number);
    return {200,
            {},
            R"({"access_token":"access-)" + n + R"(","refresh_token":"refresh-)" + n +
                R"(","expires_in":900,"token_type":"Bearer"})"};
  }
  credpool::ExchangeWorld world() {
    return {[this](const credpool::Request& request) -> credpool::Result<credpool::Response> {
              if (request.before_body)
                if (auto ready = request.before_body(); !ready)
                  return credpool::fail(ready.error());
              ++sent;
              return answer();
            },
            [this] { return clock.now(); },
            [this] { return clock.steady(); },
            [this](credpool::Duration time) {
              clock.advance(time);
              if (on_sleep) on_sleep();
            },
            "host",
            claims};
  }
  credpool::Result<credpool::ExchangeReport> run(credpool::ExchangeRequest request = {}) {
    return credpool::exchange(store, endpoint, request, world());
  }
  bool has(const std::string& suffix) const {
    return std::filesystem::exists(home.path() / (".credpool-login.json." + suffix));
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{home.path()}, {}));
  }

  ThrowawayHome home;
  FakeLoginStore store{home.path() / "login.json"};
  credpool::TokenEndpoint endpoint = [] {
    credpool::TokenEndpoint made;
    made.provider = "kimi-code";
    made.url = "http://127.0.0.1/token";
    made.client_id = "client";
    return made;
  }();
  credpool::ManualClock clock{exchange_start};
  std::atomic<int> sent{0};
  std::function<credpool::Result<credpool::Response>()> answer = [this] { return granted(sent); };
  std::function<void()> on_sleep;
  credpool::RefreshClaims* claims = nullptr;
};
