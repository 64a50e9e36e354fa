// SPDX-License-Identifier: MIT
// What is particular to it; tests/contract/server has what every server does.
#include <credpool/server/httplib_server.hpp>

#include "engine_world.hpp"

#include <signal.h>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

struct HttplibWorld {
  using Handle = std::function<void(std::shared_ptr<cp::ServerExchange>)>;

  explicit HttplibWorld(Handle handle, cp::HttplibServerOptions options = {}) : server{options} {
    handler->handles = std::move(handle);
    const auto bound = server.listen({}, handler);
    REQUIRE(bound);
    port = bound->port;
    REQUIRE(server.start());
  }

  std::shared_ptr<FunctionHandler> handler = std::make_shared<FunctionHandler>();
  cp::HttplibServer server;
  int port = 0;
};

}  // namespace

TEST_CASE("server/httplib_server: what httplib refuses itself has the handler's shape") {
  HttplibWorld world{[](auto exchange) { answer_with(exchange, "handled|"); }};
  RawClient head{world.port};
  head.send("HEAD / HTTP/3.0\r\nHost: a\r\n\r\n");
  CHECK(head.read_all().ends_with("\r\n\r\n"));
  const auto refused = [&](int status, const std::string& request) {
    CAPTURE(request.substr(0, 100));
    RawClient client{world.port};
    client.send(request);
    const auto answer = client.read_all();
    CHECK(status_of(answer) == status);
    CHECK(answer.ends_with("\r\n\r\nthe request is not valid HTTP"));
    CHECK(answer.find("HTTP/1.1 ", 9) == answer.npos);
  };
  refused(400, "this is none\r\n\r\n");
  refused(400, "GET / HTTP/3.0\r\nHost: a\r\n\r\n");
  refused(414, "GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n");
  refused(400, "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=x-y\r\n\r\n");
  refused(400, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n");
}

TEST_CASE("server/httplib_server: a decoded header value cannot break a line") {
  HttplibWorld world{[](auto exchange) { answer_with(exchange, "handled|"); }};
  RawClient client{world.port};
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: a%0d%0aY: b\r\n\r\n");
  const auto answer = client.read_until("|");
  const bool decodes = status_of(answer) == 400;  // as old versions do
  CHECK((decodes || answer.ends_with("handled|")));
}

TEST_CASE("server/httplib_server: a body where none may be is not taken for a request") {
  std::atomic<int> handled{0};
  HttplibWorld world{[&](auto exchange) {
    ++handled;
    answer_with(exchange, "handled|");
  }};
  const std::string inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
    RawClient client{world.port};
    client.send(std::string{method} + " / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                std::to_string(inner.size()) + "\r\n\r\n");
    CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 400 "));
    client.send(inner);
    CHECK(client.read_all().find("HTTP/1.1") == std::string::npos);
  }
  CHECK(handled == 0);
}

TEST_CASE("server/httplib_server: the process's SIGPIPE stays as it was") {
  struct sigaction before {};
  ::sigaction(SIGPIPE, nullptr, &before);
  HttplibWorld world{[](auto exchange) { answer_with(exchange, "|"); }};
  struct sigaction after {};
  ::sigaction(SIGPIPE, nullptr, &after);
  CHECK((after.sa_handler == before.sa_handler));
}

TEST_CASE("server/httplib_server: a full queue of blocking work is told") {
  cp::HttplibServerOptions options;
  options.blocking_threads = 1;
  options.blocking_queue = 1;
  std::atomic<bool> go_on{false};
  HttplibWorld world{[&](auto exchange) {
                       const auto wait = [&] { (void)comes([&] { return go_on.load(); }); };
                       int taken = 0;
                       for (int i = 0; i < 4; ++i) taken += exchange->offload(wait, [] {}) ? 1 : 0;
                       go_on = true;
                       answer_with(exchange, std::to_string(taken) + "|");
                     },
                     options};
  RawClient client{world.port};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_until("|").ends_with("\r\n\r\n2|"));
}

TEST_CASE("server/httplib_server: a server that never ran gives its address back") {
  const auto handler = std::make_shared<FunctionHandler>();
  cp::ListenAddress address;
  {
    cp::HttplibServer server;
    address = server.listen({}, handler).value();
  }
  cp::HttplibServer server;
  CHECK(server.listen(address, handler));
  REQUIRE(server.start());
  CHECK_FALSE(server.start());
  CHECK(server.listen({}, handler));  // while it runs
  server.stop(0ms);
  CHECK_FALSE(RawClient{address.port}.connected());
}
