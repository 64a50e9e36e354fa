// SPDX-License-Identifier: MIT
// A server of an embedder's own, and what is none. docs/concepts/Server.md shows it.
#include <credpool/server/fake.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

// [server]
/// Serves requests of this process only, without a socket: who has the object asks it.
class InThisProcess {
 public:
  cp::Result<cp::ListenAddress> listen(const cp::ListenAddress& address,
                                       std::shared_ptr<cp::ServerHandler> handler) {
    return server_.listen(address, std::move(handler));
  }
  cp::Result<void> start() { return server_.start(); }
  void stop(cp::Duration drain) { server_.stop(drain); }

  cp::FakeAnswer get(std::string target) {
    return server_.request({.method = "GET", .target = std::move(target)})->answer();
  }

 private:
  cp::FakeServer server_;
};
static_assert(cp::Server<InThisProcess>);
// [server]

struct StopsAtOnce {
  cp::Result<cp::ListenAddress> listen(const cp::ListenAddress&,
                                       std::shared_ptr<cp::ServerHandler>);
  cp::Result<void> start();
  void stop();
};
static_assert(!cp::Server<StopsAtOnce>);

struct TellsNoAddress {
  cp::Result<void> listen(const cp::ListenAddress&, std::shared_ptr<cp::ServerHandler>);
  cp::Result<void> start();
  void stop(cp::Duration);
};
static_assert(!cp::Server<TellsNoAddress>);

struct SaysHello final : cp::ServerHandler {
  std::optional<cp::Answer> admit(const cp::RequestHead&, std::string_view) override { return {}; }
  void handle(std::shared_ptr<cp::ServerExchange> exchange) override {
    exchange->respond({200, {}, "hello " + std::string{exchange->head().path()}});
  }
  cp::Answer refusal(int status, std::string_view) override { return {status, {}, {}}; }
};

}  // namespace

TEST_CASE("concepts/Server: an embedder's own server") {
  InThisProcess server;
  REQUIRE(server.listen({}, std::make_shared<SaysHello>()));
  REQUIRE(server.start());
  CHECK(server.get("/you?x").body == "hello /you");
  server.stop(cp::Duration{});
}
