// SPDX-License-Identifier: MIT
#include <credpool/server/event_engine.hpp>

#include <doctest/doctest.h>

#include "open_sockets.hpp"
#include "throwaway_home.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace cp = credpool;

namespace {

class Hello final : public cp::ServerHandler {
 public:
  std::optional<cp::Answer> admit(const cp::RequestHead&, std::string_view) override { return {}; }
  void handle(std::shared_ptr<cp::ServerExchange> exchange) override {
    exchange->respond({200, {}, "hello"});
  }
  cp::Answer refusal(int status, std::string_view) override { return {status, {}, {}}; }
};

cp::Descriptor tcp(bool listens, int type = SOCK_STREAM) {
  cp::Descriptor socket{::socket(AF_INET, type, 0)};
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
  if (listens) REQUIRE(::listen(socket.get(), 8) == 0);
  return socket;
}

std::string ask(const sockaddr* where, socklen_t size, int family) {
  const cp::Descriptor peer{::socket(family, SOCK_STREAM, 0)};
  if (::connect(peer.get(), where, size) != 0) return "refused";
  constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  REQUIRE(::send(peer.get(), request.data(), request.size(), 0) ==
          static_cast<ssize_t>(request.size()));
  std::string got;
  char buffer[512];
  for (ssize_t read = 0; (read = ::recv(peer.get(), buffer, sizeof buffer, 0)) > 0;)
    got.append(buffer, static_cast<std::size_t>(read));
  return got;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  where.sin_port = htons(port);
  return where;
}

/// The engine's end of a connection.
int accepted_for(const cp::Descriptor& peer) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  REQUIRE(::getsockname(peer.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
  return socket_with_peer(ntohs(own.sin_port));
}

}  // namespace

TEST_CASE(
    "server/event_engine: what is accepted sends at once, and keeps little that was not sent") {
  cp::EventEngine engine{{.threads = 1}};
  auto given = tcp(true);
  const auto there = cp::listening_address(given);
  REQUIRE(there);
  // In the queue before the engine knows of the socket.
  const cp::Descriptor early{::socket(AF_INET, SOCK_STREAM, 0)};
  const auto where = loopback(there->port);
  REQUIRE(::connect(early.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(engine.listen_on(std::move(given), std::make_shared<Hello>(), std::nullopt));
  const auto own = engine.listen({}, std::make_shared<Hello>());
  REQUIRE(own);
  REQUIRE(engine.start());
  const cp::Descriptor late{::socket(AF_INET, SOCK_STREAM, 0)};
  const auto ours = loopback(own->port);
  REQUIRE(::connect(late.get(), reinterpret_cast<const sockaddr*>(&ours), sizeof ours) == 0);
  for (const auto* peer : {&early, &late}) {
    CAPTURE(peer == &late);
    constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    REQUIRE(::send(peer->get(), request.data(), request.size(), 0) > 0);
    char byte = 0;
    REQUIRE(::recv(peer->get(), &byte, 1, 0) == 1);  // accepted: it has answered
    const int accepted = accepted_for(*peer);
    REQUIRE(accepted >= 0);
    CHECK(tcp_option(accepted, TCP_NODELAY) == 1);
    CHECK(tcp_option(accepted, TCP_NOTSENT_LOWAT) == 128 << 10);
    CHECK(congestion_control(accepted) == "reno");  // within this machine there is none
  }
}

TEST_CASE("server/event_engine: takes over a TCP socket that listens already") {
  cp::EventEngine engine{{.threads = 1}};
  const auto bound = engine.listen_on(tcp(true), std::make_shared<Hello>(), std::nullopt);
  REQUIRE(bound);
  CHECK(bound->ip == "127.0.0.1");
  CHECK(bound->port != 0);
  REQUIRE(engine.start());
  auto where = loopback(bound->port);
  CHECK(ask(reinterpret_cast<sockaddr*>(&where), sizeof where, AF_INET).ends_with("hello"));
}

TEST_CASE("server/event_engine: a Unix socket that was taken over stays where it is") {
  const ThrowawayHome home;
  const auto path = home.path() / "s";
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::strncpy(where.sun_path, path.c_str(), sizeof where.sun_path - 1);
  cp::Descriptor socket{::socket(AF_UNIX, SOCK_STREAM, 0)};
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(socket.get(), 8) == 0);
  {
    cp::EventEngine engine{{.threads = 1}};
    const auto bound = engine.listen_on(std::move(socket), std::make_shared<Hello>(), std::nullopt);
    REQUIRE(bound);
    CHECK(bound->unix_path == path);
    REQUIRE(engine.start());
    CHECK(ask(reinterpret_cast<sockaddr*>(&where), sizeof where, AF_UNIX).ends_with("hello"));
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("server/event_engine: takes over nothing else") {
  cp::EventEngine engine{{.threads = 1}};
  const auto code = [&](cp::Descriptor socket) {
    const auto bound = engine.listen_on(std::move(socket), std::make_shared<Hello>(), std::nullopt);
    return bound ? cp::Errc{} : bound.error().errc();
  };
  CHECK(code(tcp(false)) == cp::Errc::invalid_argument);
  CHECK(code(tcp(false, SOCK_DGRAM)) == cp::Errc::invalid_argument);
  CHECK(code(cp::Descriptor{::open("/dev/null", O_RDONLY)}) == cp::Errc::invalid_argument);
  CHECK(code(cp::Descriptor{}) == cp::Errc::invalid_argument);
}
