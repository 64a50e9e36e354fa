// SPDX-License-Identifier: MIT
// How do I refresh a login myself? A source that stores logins, a transport, and who runs the
// exchange. The token endpoint is made up here; HttplibTransport would reach the real one.

#include <credpool/credpool.hpp>

#include <iostream>

namespace cp = credpool;

struct FakeEndpoint {
  cp::Result<cp::Response> send(const cp::Request& request) {
    if (auto ready = request.before_body(); !ready) return cp::fail(ready.error());
    if (request.body.find("refresh_token=rt-old") == std::string::npos)
      return cp::Response{401, {}, R"({"error":"invalid_grant"})"};
    return cp::Response{
        200, {}, R"({"access_token":"at-new","refresh_token":"rt-new","expires_in":900})"};
  }
};
static_assert(cp::Transport<FakeEndpoint>);

int main() {
  const auto environment = cp::Environment::of_process();
  const cp::KimiCli kimi;
  const auto store_of = [&](const cp::Credential& credential) {
    return kimi.login_store(credential, environment);
  };
  // before_body is where the exchange writes down that the token is about to be spent.
  cp::OAuthRefresh method{
      cp::InProcess{FakeEndpoint{}, cp::SystemClock{}, cp::InProcessParts{store_of, environment}}};

  const auto found = kimi.discover(environment);
  if (!found || found->empty()) return 1;
  const auto& login = found->front();
  std::cout << login.profile_id << " is " << cp::to_string(login.status_at(cp::SystemClock{}.now()))
            << '\n';
  const auto fresh = method.refresh(login, {});
  if (!fresh) {
    std::cerr << fresh.error().message() << '\n';
    return cp::exit_code(fresh.error());
  }
  std::cout << "a new access token: " << (fresh->secret.reveal() == "at-new") << '\n';

  // The store has both new tokens: the CLI goes on with them, and the old one is spent.
  const auto stored = kimi.discover(environment);
  if (!stored || stored->empty()) return 1;
  std::cout << "the store's refresh token: " << stored->front().refresh_token.reveal() << '\n';
}
