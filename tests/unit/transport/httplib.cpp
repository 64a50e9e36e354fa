// SPDX-License-Identifier: MIT
#include <credpool/transport/httplib.hpp>

#include "tls_peer.hpp"

#include <loopback_server.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <map>

#include <sys/wait.h>

namespace cp = credpool;
using std::chrono::milliseconds;

namespace {

cp::Request get(std::string url) {
  cp::Request request;
  request.url = std::move(url);
  request.timeout = milliseconds{5000};
  return request;
}

/// A server that gives every request the same answer.
LoopbackServer::Handler always(std::string answer) {
  return [answer = std::move(answer)](int socket) {
    read_http_request(socket);
    send_all(socket, answer);
  };
}

cp::Errc error_of(const cp::Result<cp::Response>& result) {
  REQUIRE_FALSE(result);
  return result.error().errc();
}

/// A TLS server, the transport that trusts it, and what arrived there.
struct TlsWorld {
  explicit TlsWorld(std::function<void(SSL*, TlsWorld&)> answer,
                    const char* names = "IP:127.0.0.1,DNS:localhost")
      : peer{names}, server{[this, answer](int socket) {
          const auto session = peer.accept(socket);
          if (!session) return;
          const auto text = read_http_request([&](char* buffer, std::size_t size) {
            const int count = ::SSL_read(session.get(), buffer, static_cast<int>(size));
            if (hang_up_early) ::SSL_shutdown(session.get());  // while the request is still coming
            return count;
          });
          if (text.find("\r\n\r\n") != std::string::npos) {
            const std::lock_guard lock{mutex};
            arrived.push_back(text);
          }
          answer(session.get(), *this);
        }} {
    options.ca_files = {home.write("ca.pem", peer.pem())};
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(server.port()) + "/"; }

  ThrowawayHome home;
  TlsPeer peer;
  cp::HttplibOptions options;
  std::atomic<bool> hang_up_early{false};
  std::mutex mutex;
  std::vector<std::string> arrived;
  LoopbackServer server;  // last: its threads use everything above
};

void tls_send(SSL* session, std::string_view text) {
  ::SSL_write(session, text.data(), static_cast<int>(text.size()));
  ::SSL_shutdown(session);
}

}  // namespace

TEST_CASE("transport/httplib: status, headers and body arrive as they were sent") {
  std::string seen;
  const LoopbackServer server{[&](int socket) {
    seen = read_http_request(socket);
    send_all(socket,
             http_answer("401 Unauthorized", "{\"a\":1}", "X-Thing: one\r\nretry-after: 7\r\n"));
  }};
  cp::HttplibTransport transport;
  auto request = get(server.url("/v1/x?pageSize=1"));
  request.method = "POST";
  request.body = "grant_type=x";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.secret_headers = {{"Authorization", "Bearer ", cp::Secret{"at-fake"}}};
  const auto response = transport.send(request);
  REQUIRE(response);
  CHECK(response->status == 401);
  CHECK(response->body == "{\"a\":1}");
  CHECK(response->header("x-thing") == "one");
  CHECK(response->header("Retry-After") == "7");
  CHECK(seen.starts_with("POST /v1/x?pageSize=1 HTTP/1.1\r\n"));
  CHECK(seen.find("\r\nAuthorization: Bearer at-fake\r\n") != std::string::npos);
  CHECK(seen.find("\r\nUser-Agent: credpool/" CREDPOOL_VERSION_STRING "\r\n") != std::string::npos);
  CHECK(seen.find("\r\nContent-Length: 12\r\n") != std::string::npos);
  CHECK(seen.ends_with("\r\n\r\ngrant_type=x"));
}

TEST_CASE("transport/httplib: A10 a redirect is an answer and is not followed") {
  const LoopbackServer target{always(http_answer("200 OK", "stolen"))};
  const LoopbackServer server{
      always(http_answer("307 Temporary Redirect", "", "Location: " + target.url() + "\r\n"))};
  cp::HttplibTransport transport;
  auto request = get(server.url());
  request.method = "POST";
  request.body = "refresh_token=rt-fake";
  const auto response = transport.send(request);
  REQUIRE(response);
  CHECK(response->status == 307);
  CHECK(target.connections() == 0);
}

TEST_CASE("transport/httplib: a truncated answer, garbage and silence are network errors") {
  cp::HttplibTransport transport;
  for (const std::string answer : {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                                   "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-", ""}) {
    CAPTURE(answer);
    const LoopbackServer server{always(answer)};
    auto request = get(server.url());
    request.secret_headers = {{"Authorization", "Bearer ", cp::Secret{"at-fake-secret"}}};
    const auto response = transport.send(request);
    CHECK(error_of(response) == cp::Errc::network);
    CHECK(response.error().place == "127.0.0.1");
    CHECK(response.error().message().find("at-fake-secret") == std::string::npos);
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("transport/httplib: an answer of one byte now and then ends at the deadline") {
  for (const bool slow_head : {false, true}) {
    CAPTURE(slow_head);
    std::atomic<bool> over{false};
    const LoopbackServer server{[&](int socket) {
      read_http_request(socket);
      if (!slow_head)
        send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
      else
        send_all(socket, "HTTP/1.1 200 OK\r\nX-Slow: ");
      while (!over && send_all(socket, "x")) std::this_thread::sleep_for(milliseconds{20});
    }};
    cp::HttplibTransport transport;
    auto request = get(server.url());
    request.timeout = milliseconds{300};
    const auto start = std::chrono::steady_clock::now();
    const auto response = transport.send(request);
    const auto took = std::chrono::steady_clock::now() - start;
    over = true;
    CHECK(error_of(response) == cp::Errc::timeout);
    CHECK(took >= milliseconds{290});
    CHECK(took < milliseconds{3000});
  }
}

TEST_CASE("transport/httplib: a server that accepts and never speaks ends at the deadline") {
  std::atomic<bool> over{false};
  const LoopbackServer server{[&](int) {
    while (!over) std::this_thread::sleep_for(milliseconds{5});
  }};
  cp::HttplibTransport transport;
  for (const std::string scheme : {"http", "https"}) {
    CAPTURE(scheme);
    auto request = get(scheme + "://127.0.0.1:" + std::to_string(server.port()) + "/");
    request.timeout = milliseconds{200};
    const auto start = std::chrono::steady_clock::now();
    CHECK(error_of(transport.send(request)) == cp::Errc::timeout);
    CHECK(std::chrono::steady_clock::now() - start < milliseconds{3000});
  }
  over = true;
}

TEST_CASE("transport/httplib: an answer over the cap is refused, with or without a length") {
  cp::HttplibTransport transport;
  const std::string big(20000, 'x');
  for (const auto& answer : {http_answer("200 OK", big), "HTTP/1.1 200 OK\r\n\r\n" + big}) {
    const LoopbackServer server{always(answer)};
    auto request = get(server.url());
    request.max_answer_bytes = 10000;
    CHECK(error_of(transport.send(request)) == cp::Errc::too_large);
    request.max_answer_bytes = 20000;
    const auto whole = transport.send(request);
    REQUIRE(whole);
    CHECK(whole->body.size() == big.size());
  }
}

TEST_CASE("transport/httplib: nobody listens") {
  int port = 0;
  {
    const LoopbackServer server{[](int) {}};
    port = server.port();
  }
  cp::HttplibTransport transport;
  CHECK(error_of(transport.send(get("http://127.0.0.1:" + std::to_string(port) + "/"))) ==
        cp::Errc::network);
  CHECK(error_of(transport.send(get("https://host.invalid/"))) == cp::Errc::network);
}

TEST_CASE("transport/httplib: B13 plain http goes to loopback only") {
  cp::HttplibTransport transport;
  for (const auto* url :
       {"http://evil/", "http://example.com/", "http://192.0.2.1/", "http://127.0.0.1.example.com/",
        "http://localhost.example.com/", "http://0.0.0.0/", "http://2130706433/"}) {
    CAPTURE(url);
    CHECK(error_of(transport.send(get(url))) == cp::Errc::configuration);
  }
  for (const auto* url : {"", "ftp://127.0.0.1/", "https://", "https:///x", "http://127.0.0.1:0/",
                          "http://127.0.0.1:99999/", "http://127.0.0.1:8x/", "https://a b/",
                          "https://a\r\nHost: b/", "https://[::1/", "https://u:p@host/"}) {
    CAPTURE(url);
    const auto result = transport.send(get(url));
    CHECK(error_of(result) == cp::Errc::configuration);
    CHECK(result.error().message().find("u:p") == std::string::npos);
  }
  const LoopbackServer server{always(http_answer("204 No Content", ""))};
  CHECK(transport.send(get("http://localhost:" + std::to_string(server.port()) + "/")));
}

TEST_CASE("transport/httplib: D12 a header with CR, LF or NUL is refused") {
  const LoopbackServer server{always(http_answer("200 OK", ""))};
  cp::HttplibTransport transport;
  const std::vector<std::string> values{"a\r\nX-Evil: 1", "a\nb", "a\rb", {"a\0b", 3}, "a\x7f"};
  for (const auto& value : values) {
    CAPTURE(value);
    auto request = get(server.url());
    request.headers = {{"X-Thing", value}};
    CHECK(error_of(transport.send(request)) == cp::Errc::invalid_argument);
    request.headers = {{value, "x"}};
    CHECK(error_of(transport.send(request)) == cp::Errc::invalid_argument);
    request.headers.clear();
    request.secret_headers = {{"Authorization", "Bearer ", cp::Secret{value}}};
    const auto result = transport.send(request);
    CHECK(error_of(result) == cp::Errc::invalid_argument);
    CHECK(result.error().message().find("Evil") == std::string::npos);
  }
  auto request = get(server.url());
  request.headers = {{"X-Thing", std::string{"a\0b", 3}}};
  CHECK(error_of(transport.send(request)) == cp::Errc::invalid_argument);
  CHECK(server.connections() == 0);
}

TEST_CASE("transport/httplib: TLS with a certificate of our own list") {
  TlsWorld world{
      [](SSL* session, TlsWorld&) { tls_send(session, http_answer("200 OK", "hello")); }};
  cp::HttplibTransport trusting{world.options};
  const auto response = trusting.send(get(world.url()));
  REQUIRE(response);
  CHECK(response->body == "hello");

  cp::HttplibTransport strict;
  CHECK(error_of(strict.send(get(world.url()))) == cp::Errc::tls);
  CHECK(world.arrived.size() == 1);
}

TEST_CASE("transport/httplib: a certificate for another host is refused") {
  TlsWorld world{[](SSL* session, TlsWorld&) { tls_send(session, http_answer("200 OK", "x")); },
                 "DNS:other.example"};
  cp::HttplibTransport transport{world.options};
  CHECK(error_of(transport.send(get(world.url()))) == cp::Errc::tls);
  CHECK(world.arrived.empty());
}

TEST_CASE("transport/httplib: closed without an answer over TLS, the request arrived once") {
  for (const bool with_body : {true, false}) {
    CAPTURE(with_body);
    TlsWorld world{[](SSL* session, TlsWorld&) { ::SSL_shutdown(session); }};
    world.hang_up_early = true;
    cp::HttplibTransport transport{world.options};
    constexpr int rounds = 20;
    for (int i = 0; i < rounds; ++i) {
      auto request = get(world.url());
      if (with_body) {
        request.method = "POST";
        request.body.assign(400'000, 'x');
      }
      CHECK(error_of(transport.send(request)) == cp::Errc::network);
    }
    const std::lock_guard lock{world.mutex};
    CHECK(world.arrived.size() == rounds);
  }
}

TEST_CASE("transport/httplib: token requests over TLS without an answer are sent once") {
  // 1,000 in CI; a connection reads the system's certificates, so fewer here.
  const char* wanted = std::getenv("CREDPOOL_TLS_CLOSES");
  constexpr int servers = 10;
  const int rounds = (wanted != nullptr ? std::atoi(wanted) : 200) / servers;
  REQUIRE(rounds > 0);
  std::map<std::string, int> bodies;
  for (int number = 0; number < servers; ++number) {
    // Every second server ends the session in order, the others cut the connection.
    TlsWorld world{[&](SSL* session, TlsWorld&) {
      if (number % 2 == 0) ::SSL_shutdown(session);
    }};
    cp::HttplibTransport transport{world.options};
    for (int i = 0; i < rounds; ++i) {
      auto request = get(world.url());
      request.method = "POST";
      request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
      request.body = "refresh_token=rt-" + std::to_string(number * rounds + i);
      if (i % 2 == 0) request.before_body = [] { return cp::Result<void>{}; };
      CHECK(error_of(transport.send(request)) == cp::Errc::network);
    }
    const std::lock_guard lock{world.mutex};
    for (const auto& text : world.arrived) ++bodies[text.substr(text.find("\r\n\r\n") + 4)];
  }
  CHECK(bodies.size() == static_cast<std::size_t>(servers * rounds));
  for (const auto& counted : bodies) {
    CAPTURE(counted.first);
    CHECK(counted.second == 1);
  }
}

TEST_CASE("transport/httplib: a peer that resets the connection while we write kills nobody") {
  // In a process of its own, where SIGPIPE does what it does by default. It is started before there
  // are threads, and learns the port through a pipe.
  const ThrowawayHome home;
  const TlsPeer peer;
  cp::HttplibOptions options;
  options.ca_files = {home.write("ca.pem", peer.pem())};
  int ports[2];
  REQUIRE(::pipe(ports) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    int port = 0;
    if (::read(ports[0], &port, sizeof port) != sizeof port) ::_exit(2);
    cp::HttplibTransport transport{options};
    auto request = get("https://127.0.0.1:" + std::to_string(port) + "/");
    request.method = "POST";
    request.body.assign(8 << 20, 'x');
    for (int i = 0; i < 3; ++i)
      if (transport.send(request)) ::_exit(3);
    ::_exit(0);
  }
  // Its half is closed first: a reset that comes after that makes the next write raise SIGPIPE,
  // while a reset alone makes it fail with ECONNRESET (Linux, tcp_reset()).
  const LoopbackServer server{[&](int socket) {
    const auto session = peer.accept(socket);
    ::shutdown(socket, SHUT_WR);
    pollfd more{socket, POLLIN, 0};
    ::poll(&more, 1, 5000);
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }};
  const int port = server.port();
  REQUIRE(::write(ports[1], &port, sizeof port) == sizeof port);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK_FALSE(WIFSIGNALED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(server.connections() == 3);
  ::close(ports[0]);
  ::close(ports[1]);
}

TEST_CASE(
    "transport/httplib: https goes through the proxy by CONNECT, loopback and NO_PROXY do not") {
  std::mutex mutex;
  std::string seen;
  const LoopbackServer proxy{[&](int socket) {
    const auto text = read_http_request(socket);
    {
      const std::lock_guard lock{mutex};
      seen = text;
    }
    send_all(socket, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  }};
  const ThrowawayHome home;
  const auto options = cp::HttplibOptions::from(home.environment(
      {{"HTTPS_PROXY", "http://user:proxy-password@127.0.0.1:" + std::to_string(proxy.port())},
       {"no_proxy", "direct.invalid, .corp.invalid"}}));
  CHECK(options.no_proxy == std::vector<std::string>{"direct.invalid", ".corp.invalid"});
  cp::HttplibTransport transport{options};
  const auto refused = transport.send(get("https://api.example.invalid/v1"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("proxy-password") == std::string::npos);
  {
    const std::lock_guard lock{mutex};
    CHECK(seen.starts_with("CONNECT api.example.invalid:443 HTTP/1.1\r\n"));
    CHECK(seen.find("\r\nProxy-Authorization: Basic ") != std::string::npos);
  }
  const auto before = proxy.connections();
  CHECK_FALSE(transport.send(get("https://direct.invalid/")));
  CHECK_FALSE(transport.send(get("https://a.corp.invalid/")));
  CHECK_FALSE(transport.send(get("https://127.0.0.1:1/")));
  CHECK(proxy.connections() == before);
}

TEST_CASE("transport/httplib: unusable settings are told, with no secret in the text") {
  cp::HttplibOptions options;
  options.proxy = cp::Secret{"socks5://user:proxy-password@host:1"};
  cp::HttplibTransport transport{options};
  const auto result = transport.send(get("https://api.example.invalid/"));
  CHECK(error_of(result) == cp::Errc::configuration);
  CHECK(result.error().message().find("proxy-password") == std::string::npos);

  options = {};
  options.ca_files = {"/nowhere/ca.pem"};
  cp::HttplibTransport untrusting{options};
  CHECK(error_of(untrusting.send(get("https://127.0.0.1:1/"))) == cp::Errc::configuration);
}

TEST_CASE("transport/httplib: before_body is asked once, when the server has the head only") {
  const LoopbackServer server{[](int socket) {
    const auto text = read_http_request(socket);
    if (text.ends_with("a=b")) send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }};
  cp::HttplibTransport transport;
  auto request = get(server.url());
  request.method = "POST";
  request.body = "a=b";
  int asked = 0;
  request.before_body = [&]() -> cp::Result<void> {
    ++asked;
    return {};
  };
  const auto answered = transport.send(request);
  REQUIRE(answered);
  CHECK(answered->body == "ok");
  CHECK(asked == 1);

  request.before_body = [&]() -> cp::Result<void> {
    ++asked;
    return cp::fail(cp::Errc::busy, "looking at the lock", "x.lock");
  };
  const auto stopped = transport.send(request);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().errc() == cp::Errc::busy);
  CHECK(asked == 2);
}

TEST_CASE("transport/httplib: before_body is not asked when nobody listens") {
  cp::HttplibTransport transport;
  auto request = get("http://127.0.0.1:1/");
  request.method = "POST";
  request.body = "a=b";
  bool asked = false;
  request.before_body = [&]() -> cp::Result<void> {
    asked = true;
    return {};
  };
  CHECK_FALSE(transport.send(request));
  CHECK_FALSE(asked);
}
