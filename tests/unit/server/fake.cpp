// SPDX-License-Identifier: MIT
#include <credpool/server/fake.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

namespace cp = credpool;

namespace {

/// Keeps what it is handed, and answers when a test does.
struct Keeper final : cp::ServerHandler, cp::ExchangeListener {
  std::optional<cp::Answer> admit(const cp::RequestHead& head, std::string_view) override {
    if (head.path() == "/forbidden") return cp::Answer{403, {}, "no"};
    return std::nullopt;
  }
  void handle(std::shared_ptr<cp::ServerExchange> given) override { exchange = std::move(given); }
  cp::Answer refusal(int status, std::string_view) override { return {status, {}, {}}; }
  void on_drained() override { ++drained; }
  void on_client_gone() override { ++gone; }

  std::shared_ptr<cp::ServerExchange> exchange;
  int drained = 0;
  int gone = 0;
};

struct Hearer final : cp::UpstreamListener {
  void on_head(const cp::UpstreamAnswerHead& head) override {
    heard += "head " + std::to_string(head.status) + ";";
  }
  void on_data(std::string_view bytes) override {
    heard += std::string{bytes} + ";";
    if (pause_at_data) call->pause();
  }
  void on_batch_end(bool) override {
    heard += "batch;";
    if (cancel_at_batch) call->cancel();
  }
  void on_end() override { heard += "end;"; }
  void on_failure(const cp::UpstreamFailure& failure) override {
    heard += failure.request_sent ? "failed, sent;" : "failed;";
  }

  std::shared_ptr<cp::UpstreamCall> call;
  std::string heard;
  bool pause_at_data = false;
  bool cancel_at_batch = false;
};

struct World {
  World() {
    REQUIRE(server.listen({}, handler));
    REQUIRE(server.start());
  }
  std::shared_ptr<Keeper> handler = std::make_shared<Keeper>();
  cp::FakeServer server;
};

cp::UpstreamRequest a_request() {
  auto origin = std::make_shared<cp::UpstreamOrigin>();
  origin->host = "api.example";
  return {origin, "POST /v1 HTTP/1.1\r\nhost: api.example\r\nx-key: abc\r\n\r\n", "{}"};
}

}  // namespace

TEST_CASE("server/fake: a request reaches its handler and the answer is kept") {
  World world;
  const auto peer =
      world.server.request({.target = "/v1?x=1", .headers = {{"Host", "a"}}, .body = "hello"});
  auto& exchange = *world.handler->exchange;
  CHECK(exchange.head().method == "POST");
  CHECK(exchange.head().path() == "/v1");
  CHECK(exchange.head().header("host") == "a");
  CHECK(exchange.body() == "hello");
  CHECK(peer->answer().status == 0);
  exchange.start({200, {{"x-one", "1"}}, std::nullopt});
  std::string lent = "one ";
  exchange.write(lent);
  CHECK(peer->answer().status == 0);  // kept back until the first flush
  CHECK(exchange.flush());
  lent = "gone";
  exchange.write("two");
  exchange.finish();
  CHECK(peer->answer().status == 200);
  CHECK(peer->answer().header("X-One") == "1");
  CHECK(peer->answer().body == "one two");
  CHECK(peer->end() == cp::FakeExchange::End::finished);
  exchange.cut();  // after the end nothing does anything
  CHECK(peer->end() == cp::FakeExchange::End::finished);
}

TEST_CASE("server/fake: admit() refuses before the handler is asked") {
  World world;
  const auto peer = world.server.request({.target = "/forbidden"});
  CHECK(peer->answer().status == 403);
  CHECK(peer->answer().body == "no");
  CHECK_FALSE(world.handler->exchange);
}

TEST_CASE("server/fake: a peer that does not read holds the answer back, one that leaves ends it") {
  World world;
  const auto peer = world.server.request({});
  const auto exchange = world.handler->exchange;
  exchange->listen(world.handler);
  exchange->start({});
  peer->stop_reading();
  exchange->write("one");
  CHECK_FALSE(exchange->flush());
  CHECK(peer->answer().body.empty());
  CHECK_THROWS_AS(exchange->write("two"), std::logic_error);
  peer->read_on();
  CHECK(world.handler->drained == 1);
  CHECK(peer->answer().body == "one");
  peer->leave();
  peer->leave();
  CHECK(world.handler->gone == 1);
  CHECK_FALSE(exchange->flush());
  CHECK(peer->end() == cp::FakeExchange::End::client_gone);
}

TEST_CASE("server/fake: what the contract forbids throws") {
  World world;
  (void)world.server.request({});
  const auto exchange = world.handler->exchange;
  CHECK_THROWS_AS(exchange->write("x"), std::logic_error);
  CHECK_THROWS_AS(exchange->finish(), std::logic_error);
  CHECK_THROWS_AS(exchange->start({200, {{"Content-Length", "1"}}, 1}), std::logic_error);
  (void)world.server.request({});
  const auto second = world.handler->exchange;
  CHECK_THROWS_AS(second->start({200, {{"x", "a\r\nb: c"}}, 1}), std::logic_error);
  (void)world.server.request({});
  const auto third = world.handler->exchange;
  third->start({200, {}, 5});
  CHECK_THROWS_AS(third->start({}), std::logic_error);
  third->write("four");
  CHECK_THROWS_AS(third->finish(), std::logic_error);
}

TEST_CASE("server/fake: timers are called as time passes, offloaded work on command") {
  World world;
  (void)world.server.request({});
  const auto exchange = world.handler->exchange;
  std::string order;
  exchange->after(cp::Duration{200}, [&] { order += "b"; });
  exchange->after(cp::Duration{100}, [&] {
    order += "a";
    exchange->after(cp::Duration{50}, [&] { order += "A"; });
  });
  auto& loop = world.server.loop();
  loop.advance(cp::Duration{99});
  CHECK(order.empty());
  loop.advance(cp::Duration{101});
  CHECK(order == "aAb");
  loop.offload_room(1);
  CHECK(exchange->offload([&] { order += "w"; }, [&] { order += "t"; }));
  CHECK_FALSE(exchange->offload([] {}, [] {}));
  CHECK(order == "aAb");
  CHECK(loop.run_offloaded() == 1);
  CHECK(order == "aAbwt");
}

TEST_CASE("server/fake: stop() tells running exchanges") {
  World world;
  const auto peer = world.server.request({});
  world.handler->exchange->listen(world.handler);
  world.server.stop(cp::Duration{});
  CHECK(world.handler->gone == 1);
  CHECK_THROWS_AS((void)world.server.request({}), std::logic_error);
}

TEST_CASE("server/fake: an upstream keeps what was sent and answers as told") {
  cp::FakeUpstream upstream;
  const auto hearer = std::make_shared<Hearer>();
  CHECK_THROWS_AS(upstream.last(), std::logic_error);
  hearer->call = upstream.send(a_request(), hearer);
  auto& call = upstream.last();
  CHECK(call.header("X-Key") == "abc");
  CHECK(call.header("absent").empty());
  CHECK(call.body() == "{}");
  CHECK(call.origin().host == "api.example");
  call.answer_head(200);
  call.answer_batch({"a", "b"});
  call.answer_end();
  CHECK(hearer->heard == "head 200;batch;a;b;batch;batch;end;");
  CHECK(call.ended());
  call.fail(cp::Errc::network, true);
  CHECK(hearer->heard == "head 200;batch;a;b;batch;batch;end;");
}

TEST_CASE("server/fake: a paused call is told nothing until it is resumed, a cancelled one never") {
  cp::FakeUpstream upstream;
  const auto hearer = std::make_shared<Hearer>();
  hearer->call = upstream.send(a_request(), hearer);
  hearer->pause_at_data = true;
  upstream.last().answer_head(200);
  upstream.last().answer_data("a");
  upstream.last().answer_data("b");
  CHECK(hearer->heard == "head 200;batch;a;batch;");
  CHECK(upstream.last().paused());
  hearer->call->resume();
  CHECK(hearer->heard == "head 200;batch;a;batch;");  // never from inside
  hearer->cancel_at_batch = true;
  upstream.last().deliver();
  CHECK(hearer->heard == "head 200;batch;a;batch;b;batch;");
  upstream.last().answer_end();
  CHECK(hearer->heard == "head 200;batch;a;batch;b;batch;");
  CHECK(upstream.last().cancelled());
  CHECK_FALSE(upstream.last().ended());
}

TEST_CASE("server/fake: a failure says whether the request may have arrived") {
  cp::FakeUpstream upstream;
  const auto hearer = std::make_shared<Hearer>();
  hearer->call = upstream.send(a_request(), hearer);
  hearer->call->pause();
  upstream.last().fail(cp::Errc::timeout, true);
  CHECK(hearer->heard == "failed, sent;");
}
