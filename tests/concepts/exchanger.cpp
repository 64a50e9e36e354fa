// SPDX-License-Identifier: MIT
// An embedder's own store of a login and its own exchanger, and what is none.
// docs/concepts/LoginStore.md and docs/concepts/Exchanger.md show them.
#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>
#include <credpool/refresh/oauth_refresh.hpp>

#include "throwaway_home.hpp"

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

// [store]
/// A login of our own: two lines in a file, the access token and the refresh token.
class TwoLines final : public cp::LoginStore {
 public:
  TwoLines(std::filesystem::path file, cp::Environment environment)
      : file_{std::move(file)}, environment_{std::move(environment)} {}

  std::string_view cli() const noexcept override { return "two-lines"; }
  std::string_view provider() const noexcept override { return "acme"; }
  const std::filesystem::path& file() const noexcept override { return file_; }

  cp::Result<cp::StoredLogin> read() const override {
    auto text = cp::read_file(file_, environment_);
    if (!text) return cp::fail(text.error());
    const auto lines = text->bytes.reveal();
    const auto end = lines.find('\n');
    if (end == std::string_view::npos)
      return cp::fail(cp::Errc::malformed, "reading a login", file_.string());
    cp::StoredLogin login;
    login.text = text->bytes;
    login.tokens.access_token = cp::Secret{lines.substr(0, end)};
    login.tokens.refresh_token = cp::Secret{lines.substr(end + 1)};
    return login;
  }
  cp::Result<cp::Secret> rewritten(const cp::StoredLogin& current, const cp::GrantedTokens& granted,
                                   cp::TimePoint) const override {
    const auto& next =
        granted.refresh_token.empty() ? current.tokens.refresh_token : granted.refresh_token;
    return cp::Secret{std::string{granted.access_token.reveal()} + '\n' +
                      std::string{next.reveal()}};
  }

  // No other program writes this file: there is nobody to keep out.
  cp::Result<std::unique_ptr<cp::StoreLock>> lock_exchange(cp::Duration) override {
    return nullptr;
  }
  cp::Result<std::unique_ptr<cp::StoreLock>> lock_write(cp::Duration) override { return nullptr; }
  cp::Duration longest_hold() const noexcept override { return std::chrono::hours{1}; }
  cp::Duration advisory_window(cp::Duration lifetime) const noexcept override {
    return lifetime / 5;
  }
  bool single_use() const noexcept override { return true; }

 private:
  std::filesystem::path file_;
  cp::Environment environment_;
};
// [store]

// [exchanger]
/// Asks a function instead of a token endpoint; everything else is the library's exchange().
struct FromFunction {
  cp::Environment environment;
  cp::SendOnce ask;
  std::function<cp::TimePoint()> now;

  cp::Result<cp::ExchangeReport> run(const cp::Credential& credential,
                                     const cp::ExchangeRequest& request) {
    TwoLines store{credential.places.front().location, environment};
    cp::TokenEndpoint endpoint;
    endpoint.provider = credential.provider;
    endpoint.url = "https://login.example/token";
    endpoint.client_id = "our-client";
    cp::ExchangeWorld world;
    world.send = ask;
    world.now = now;
    world.steady = [] { return std::chrono::steady_clock::now().time_since_epoch(); };
    world.sleep = [](cp::Duration) {};
    return cp::exchange(store, endpoint, request, world);
  }
};
static_assert(cp::Exchanger<FromFunction>);
static_assert(cp::RefreshMethod<cp::OAuthRefresh<FromFunction>>);
// [exchanger]

struct AnswersTokens {
  cp::Result<cp::StoredTokens> run(const cp::Credential&, const cp::ExchangeRequest&);
};
static_assert(!cp::Exchanger<AnswersTokens>);

struct WantsTheTokens {
  cp::Result<cp::ExchangeReport> run(cp::StoredTokens, const cp::ExchangeRequest&);
};
static_assert(!cp::Exchanger<WantsTheTokens>);

struct CannotMove {
  CannotMove(CannotMove&&) = delete;
  cp::Result<cp::ExchangeReport> run(const cp::Credential&, const cp::ExchangeRequest&);
};
static_assert(!cp::Exchanger<CannotMove>);

}  // namespace

TEST_CASE("concepts/Exchanger: an embedder's own store and exchanger refresh a login") {
  const ThrowawayHome home;
  const auto file = home.write("login", "access-0\nrefresh-0");
  int sent = 0;
  cp::OAuthRefresh method{FromFunction{
      home.environment(),
      [&](const cp::Request& request) -> cp::Result<cp::Response> {
        if (auto ready = request.before_body(); !ready) return cp::fail(ready.error());
        ++sent;
        CHECK(request.body.find("refresh-0") != std::string::npos);
        return cp::Response{
            200, {}, R"({"access_token":"access-1","refresh_token":"refresh-1","expires_in":900})"};
      },
      [] { return cp::TimePoint{std::chrono::milliseconds{1'800'000'000'000}}; }}};

  auto login = cp::Credential::login("two-lines", "acme", file.string());
  login.kind = cp::Kind::oauth;
  login.ownership = cp::Ownership::adopt;
  login.places = {{file.string(), ""}};
  login.secret = cp::Secret{"access-0"};
  login.refresh_token = cp::Secret{"refresh-0"};
  login.status = cp::Status::revoked;  // refused: nothing else tells that it is time
  const auto fresh = method.refresh(login, {});
  REQUIRE(fresh);
  CHECK(fresh->secret.reveal() == "access-1");
  CHECK(sent == 1);
  const auto stored = TwoLines{file, home.environment()}.read();
  REQUIRE(stored);
  CHECK(stored->tokens.refresh_token.reveal() == "refresh-1");
  CHECK(std::filesystem::status(file).permissions() == std::filesystem::perms{0600});
}
