// SPDX-License-Identifier: MIT
#include <credpool/refresh/oauth_browser.hpp>

#include "scripted_login.hpp"
#include "throwaway_home.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/platform.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

using Login = ScriptedLogin;

const cp::Response tokens =
    Login::json(200, R"({"access_token":"at-new","refresh_token":"rt-new","expires_in":900})");

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::string decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      plain += *cp::decode_hex(text.substr(i + 1, 2));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string parameter(std::string_view query, const std::string& name) {
  const auto text = "&" + std::string{query.substr(query.find('?') + 1)};
  auto at = text.find("&" + name + "=");
  if (at == std::string::npos) return {};
  at += name.size() + 2;
  return decoded(text.substr(at, text.find('&', at) - at));
}

cp::Descriptor connect_to(int port) {
  cp::Descriptor socket{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return {};
  return socket;
}

/// The whole answer; "refused" when nobody listens.
std::string send_raw(int port, const std::string& text) {
  const auto socket = connect_to(port);
  if (!socket) return "refused";
  ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  return answer;
}

/// A browser that was sent to the authorization page, and what it can do then.
struct Browser {
  explicit Browser(const cp::BrowserTask& task)
      : state{parameter(task.url, "state")},
        redirect{parameter(task.url, "redirect_uri")},
        page{task.url} {
    const auto host_start = redirect.find("://") + 3;
    const auto slash = redirect.find('/', host_start);
    host = redirect.substr(host_start, slash - host_start);
    path = redirect.substr(slash);
    port = std::stoi("0" + host.substr(std::min(host.find(':') + 1, host.size())));
  }
  std::string get(const std::string& target, const std::string& to_host) const {
    return send_raw(port, "GET " + target + " HTTP/1.1\r\nHost: " + to_host + "\r\n\r\n");
  }
  std::string get(const std::string& query) const { return get(path + "?" + query, host); }
  std::string answer(const std::string& code = "code-1") const {
    return get("code=" + code + "&state=" + state);
  }

  std::string state, redirect, page, host, path;
  int port = 0;
};

cp::BrowserFlow test_flow() {
  cp::BrowserFlow flow;
  flow.token.provider = "test";
  flow.token.client_id = "client-1";
  flow.token.url = "https://as.test/token";
  flow.authorization_url = "https://as.test/authorize";
  flow.parameters = {{"scope", "openid offline_access"}};
  return flow;
}

/// Runs a login whose browser does what the script says, in a thread of its own.
cp::Result<cp::GrantedTokens> run(Login& login, const cp::BrowserFlow& flow,
                                  std::function<void(const Browser&)> script) {
  std::thread browser;
  login.person.on_show = [&](const cp::BrowserTask& task) {
    browser = std::thread{[task, &script] { script(Browser{task}); }};
  };
  auto result = cp::browser_login(flow, cp::BrowserReturn::loopback, login.world(), login.person);
  if (browser.joinable()) browser.join();
  return result;
}

}  // namespace

TEST_CASE("refresh/oauth_browser: from the page to the tokens, over the loopback listener") {
  Login login{{tokens}};
  std::string answer, again;
  std::string challenge, redirect;
  const auto granted = run(login, test_flow(), [&](const Browser& browser) {
    challenge = parameter(browser.page, "code_challenge");
    redirect = browser.redirect;
    CHECK(browser.page.starts_with("https://as.test/authorize?response_type=code&"));
    CHECK(parameter(browser.page, "code_challenge_method") == "S256");
    CHECK(parameter(browser.page, "scope") == "openid offline_access");
    CHECK(browser.state.size() == 43);  // 256 bits
    answer = browser.answer();
    again = browser.answer("code-2");
  });
  REQUIRE(granted);
  CHECK(granted->refresh_token.reveal() == "rt-new");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(has(answer, "Content-Security-Policy: default-src 'none'"));
  CHECK_FALSE(has(answer, "<script"));
  CHECK_FALSE(has(answer, "code-1"));
  CHECK(again == "refused");  // D16: nothing listens any more

  REQUIRE(login.server.requests().size() == 1);
  const auto body = login.server.requests()[0].body;
  CHECK(parameter(body, "grant_type") == "authorization_code");
  CHECK(parameter(body, "code") == "code-1");
  CHECK(parameter(body, "client_id") == "client-1");
  CHECK(parameter(body, "redirect_uri") == redirect);
  const auto digest = cp::sha256(parameter(body, "code_verifier"));
  CHECK(challenge ==
        cp::encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}));
}

TEST_CASE("refresh/oauth_browser: D16 what does not belong to the login changes nothing") {
  Login login{{tokens}};
  std::vector<std::string> refused;
  std::string accepted;
  const auto granted = run(login, test_flow(), [&](const Browser& browser) {
    const auto& state = browser.state;
    refused = {
        browser.get("code=evil&state=wrong"),
        browser.get("code=evil"),
        browser.get("code=evil&state=" + state + "x"),
        browser.get("code=evil&state=" + state + "&state=" + state),
        browser.get("code=evil&code=b&state=" + state),
        browser.get("code=evil&error=x&state=" + state),
        browser.get("code=e%0d%0avil&state=" + state),
        browser.get("code=evil%2&state=" + state),
        browser.get("state=" + state),
        browser.get("error=access_denied&state=wrong"),
        browser.get("error=access_denied"),
        browser.get("/other?code=evil&state=" + state, browser.host),
        browser.get(browser.path + "x?code=evil&state=" + state, browser.host),
        browser.get(browser.path + "?code=evil&state=" + state, "evil.test"),
        browser.get(browser.path + "?code=evil&state=" + state, "127.0.0.1:1"),
        browser.get(browser.path + "?code=evil&state=" + state,
                    browser.host + "\r\nHost: evil.test"),
        send_raw(browser.port, "POST " + browser.path + "?code=evil&state=" + state +
                                   " HTTP/1.1\r\nHost: " + browser.host + "\r\n\r\n"),
        send_raw(browser.port,
                 "GET " + browser.path + "?code=evil&state=" + state + " HTTP/1.1\r\n\r\n"),
        send_raw(browser.port, "\r\n\r\n"),
    };
    accepted = browser.answer("good");
  });
  REQUIRE(granted);
  for (std::size_t i = 0; i < refused.size(); ++i) {
    CAPTURE(i);
    CHECK(refused[i].starts_with("HTTP/1.1 40"));
    CHECK_FALSE(has(refused[i], "evil"));
  }
  CHECK(accepted.starts_with("HTTP/1.1 200"));
  REQUIRE(login.server.requests().size() == 1);
  CHECK(parameter(login.server.requests()[0].body, "code") == "good");
}

TEST_CASE("refresh/oauth_browser: D16 the server's error page ends the login, nothing is spent") {
  for (const auto& [code, errc] : {std::pair{"access_denied", cp::Errc::cancelled},
                                   std::pair{"server_error", cp::Errc::login_needed}}) {
    Login login{{tokens}};
    std::string answer, again;
    const auto result = run(login, test_flow(), [&, error = std::string{code}](const Browser& b) {
      answer = b.get("error=" + error + "&error_description=%3Cb%3E&state=" + b.state);
      again = b.answer();
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().errc() == errc);
    CHECK_FALSE(has(answer, "<b>"));
    CHECK(again == "refused");
    CHECK(login.server.requests().empty());
  }
}

TEST_CASE(
    "refresh/oauth_browser: silent, endless and many connections do not keep the browser out") {
  Login login{{tokens}};
  std::string flood, accepted;
  const auto granted = run(login, test_flow(), [&](const Browser& browser) {
    std::vector<cp::Descriptor> silent;
    for (int i = 0; i < 40; ++i) silent.push_back(connect_to(browser.port));
    flood = send_raw(browser.port, "GET /" + std::string(64 * 1024, 'a'));
    accepted = browser.answer();
  });
  CHECK(granted);
  CHECK(flood.empty());
  CHECK(accepted.starts_with("HTTP/1.1 200"));
}

TEST_CASE("refresh/oauth_browser: a head that is not complete after 5 s is dropped") {
  Login login{{tokens}};
  std::string slow;
  const auto granted = run(login, test_flow(), [&](const Browser& browser) {
    std::thread late{[&] {
      const auto socket = connect_to(browser.port);
      ::send(socket.get(), "GET ", 4, MSG_NOSIGNAL);
      // It is heard at some time, and its 5 s begin then.
      pollfd closed{socket.get(), POLLIN, 0};
      for (int i = 0; i < 50 && ::poll(&closed, 1, 100) == 0; ++i) login.clock.advance(6s);
      char byte = 0;
      slow = ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0 ? "closed" : "open";
    }};
    late.join();
    browser.answer();
  });
  CHECK(granted);
  CHECK(slow == "closed");
}

TEST_CASE("refresh/oauth_browser: the person gives up, or nobody comes") {
  Login gives_up{{tokens}};
  gives_up.person.gives_up_after = 0;
  const auto cancelled = run(gives_up, test_flow(), [](const Browser&) {});
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().errc() == cp::Errc::cancelled);

  Login nobody{{tokens}};
  auto flow = test_flow();
  flow.patience = 0s;
  CHECK(run(nobody, flow, [](const Browser&) {}).error().errc() == cp::Errc::timeout);
  CHECK(nobody.server.requests().empty());
}

TEST_CASE(
    "refresh/oauth_browser: who has the browser elsewhere brings its address to the listener") {
  Login login{{tokens}};
  std::string address;
  login.person.on_show = [&](const cp::BrowserTask& task) {
    const Browser browser{task};
    address = browser.redirect + "?code=code-1&state=" + browser.state;
    login.person.offers = {browser.redirect + "?code=evil&state=wrong", address};
  };
  const auto granted =
      cp::browser_login(test_flow(), cp::BrowserReturn::loopback, login.world(), login.person);
  REQUIRE(granted);
  REQUIRE(login.server.requests().size() == 1);
  CHECK(has(login.server.requests().front().body, "code=code-1"));
  CHECK(login.person.said == std::vector<std::string>{"Waiting for the browser.",
                                                      "That is not the answer to this login."});
  CHECK(login.person.asked.empty());
}

TEST_CASE("refresh/oauth_browser: a server that knows certain ports only") {
  const auto taken = [](cp::Descriptor& holder) {
    holder = cp::Descriptor{::socket(AF_INET, SOCK_STREAM, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(holder.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(holder.get(), 1) == 0);
    ::getsockname(holder.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return static_cast<int>(ntohs(address.sin_port));
  };
  cp::Descriptor holder;
  auto flow = test_flow();
  flow.ports = {taken(holder)};
  Login busy{{tokens}};
  CHECK(run(busy, flow, [](const Browser&) {}).error().errc() == cp::Errc::busy);
  CHECK(busy.person.shown.empty());
  flow.ports.push_back(0);
  Login next{{tokens}};
  CHECK(run(next, flow, [](const Browser& browser) { browser.answer(); }));
}

TEST_CASE("refresh/oauth_browser: a code is sent once, whatever comes of it") {
  const auto after = [](cp::Result<cp::Response> reply) {
    Login login{{std::move(reply)}};
    auto result =
        run(login, test_flow(), [](const Browser& browser) { browser.answer("one-use"); });
    CHECK(login.server.requests().size() == 1);
    REQUIRE_FALSE(result);
    CHECK_FALSE(has(result.error().message(), "one-use"));
    return result.error().errc();
  };
  CHECK(after(cp::fail(cp::Errc::network, "sending")) == cp::Errc::network);
  CHECK(after(Login::error(400, "invalid_grant")) == cp::Errc::login_needed);
  CHECK(after(Login::error(401, "invalid_client")) == cp::Errc::configuration);
  CHECK(after(Login::json(503, "{}")) == cp::Errc::overloaded);
  CHECK(after(Login::json(200, "{}")) == cp::Errc::malformed);
}

TEST_CASE("refresh/oauth_browser: the answer is pasted on a machine without a browser") {
  const auto paste = [](const cp::BrowserFlow& flow,
                        const std::function<std::vector<std::string>(const Browser&)>& answers,
                        std::string& body) {
    Login login{{tokens}};
    login.person.on_show = [&](const cp::BrowserTask& task) {
      for (auto& text : answers(Browser{task})) login.person.answers.push_back(text);
    };
    auto result = cp::browser_login(flow, cp::BrowserReturn::paste, login.world(), login.person);
    body = login.server.requests().empty() ? "" : login.server.requests()[0].body;
    return result;
  };
  using Answers = std::vector<std::string>;
  std::string body;
  const auto flow = test_flow();
  CHECK(paste(
      flow,
      [](const Browser& b) {
        return Answers{" " + b.redirect + "?code=c1&state=" + b.state + "#x\n"};
      },
      body));
  CHECK(parameter(body, "code") == "c1");
  CHECK(paste(
      flow, [](const Browser& b) { return Answers{"c2#" + b.state}; }, body));
  CHECK(parameter(body, "code") == "c2");
  CHECK(paste(
      flow, [](const Browser&) { return Answers{"c3"}; }, body));
  CHECK(parameter(body, "code") == "c3");

  // D16: another state, port, path; then the right one.
  CHECK(paste(
      flow,
      [](const Browser& b) {
        return Answers{b.redirect + "?code=evil&state=other", "evil#other",
                       b.redirect + "?code=c4&state=" + b.state};
      },
      body));
  CHECK(parameter(body, "code") == "c4");
  const auto refused = paste(
      flow,
      [](const Browser& b) {
        return Answers{"http://127.0.0.1:1/callback?code=evil&state=" + b.state,
                       b.redirect + "/x?code=evil&state=" + b.state, "two words"};
      },
      body);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().errc() == cp::Errc::malformed);
  CHECK(body.empty());
  CHECK(paste(
            flow, [](const Browser&) { return Answers{}; }, body)
            .error()
            .errc() == cp::Errc::cancelled);
  CHECK(paste(
            flow,
            [](const Browser& b) {
              return Answers{b.redirect + "?error=access_denied&state=" + b.state};
            },
            body)
            .error()
            .errc() == cp::Errc::cancelled);
}

TEST_CASE("refresh/oauth_browser: claude, codex and gemini") {
  const ThrowawayHome home;
  const auto flow_of = [&](const char* cli, cp::TokenEndpointSettings settings = {}) {
    return cp::browser_flow_of(*cp::find_login_provider(cli), home.environment(), settings);
  };
  const auto codex = flow_of("codex-cli");
  CHECK(codex->authorization_url == "https://auth.openai.com/oauth/authorize");
  CHECK(codex->ports == std::vector{1455, 1457});
  CHECK(codex->redirect_host == "localhost");
  CHECK(codex->exchange_encoding == cp::TokenEncoding::form);

  auto claude = flow_of("claude-cli");
  claude->token.url = "http://127.0.0.1:1/token";
  Login login{{tokens}};
  std::string state;
  login.person.on_show = [&](const cp::BrowserTask& task) {
    const Browser browser{task};
    state = browser.state;
    CHECK(browser.redirect == "https://platform.claude.com/oauth/code/callback");
    login.person.answers.push_back("cc#" + state);
  };
  REQUIRE(cp::browser_login(*claude, cp::BrowserReturn::paste, login.world(), login.person));
  CHECK(has(login.server.requests()[0].body, R"("state":")" + state + '"'));
  CHECK(has(login.server.requests()[0].body, R"("grant_type":"authorization_code")"));

  CHECK(flow_of("gemini-cli").error().errc() == cp::Errc::unsupported);
  home.write("client", "a-secret");
  cp::TokenEndpointSettings settings;
  settings.client_secrets_files["google-gemini-cli"] = "~/client";
  const auto gemini = flow_of("gemini-cli", settings);
  REQUIRE(gemini);
  CHECK(gemini->authorization_url == "https://accounts.google.com/o/oauth2/v2/auth");
  settings.urls["google-gemini-cli"] = "http://127.0.0.1:6";
  CHECK(flow_of("gemini-cli", settings)->authorization_url ==
        "http://127.0.0.1:6/o/oauth2/v2/auth");

  CHECK(flow_of("kimi-cli").error().errc() == cp::Errc::unsupported);
}
