// SPDX-License-Identifier: MIT
// What can go wrong where readiness is told once: events that come together, and events that do not
// come again.
#include <credpool/server/event_engine.hpp>

#include "upstream_caller.hpp"

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// An upstream that answers when it is told to, and says when all of it has left.
class OnCommand {
 public:
  explicit OnCommand(std::string answer, bool closes = false)
      : server_{[this, answer = std::move(answer), closes](int socket) {
          (void)read_http_request(socket);
          ++asked_;
          if (!comes([&] { return told_.load(); })) return;
          (void)send_all(socket, answer);
          if (closes) ::shutdown(socket, SHUT_WR);
          ++said_;
          char byte = 0;
          while (::recv(socket, &byte, 1, 0) > 0) {
          }
          ++left_;
        }} {}

  int port() const { return server_.port(); }
  bool was_asked(int times) const {
    return comes([&] { return asked_ == times; });
  }
  /// To be called on the loop's thread: when it returns all answers wait in the loop's sockets.
  void say(int times) {
    told_ = true;
    CHECK(comes([&] { return said_ == times; }));
    std::this_thread::sleep_for(20ms);
  }
  bool was_left(int times) const {
    return comes([&] { return left_ == times; });
  }

 private:
  std::atomic<int> asked_{0};
  std::atomic<bool> told_{false};
  std::atomic<int> said_{0};
  std::atomic<int> left_{0};
  LoopbackServer server_;
};

/// Cancels the other call as soon as something comes.
struct Rival final : cp::UpstreamListener {
  void on_head(const cp::UpstreamAnswerHead&) override {}
  void on_data(std::string_view) override {
    ++heard;
    if (other) std::exchange(other, nullptr)->cancel();
  }
  void on_batch_end(bool) override {}
  void on_end() override { ++heard; }
  void on_failure(const cp::UpstreamFailure&) override { ++heard; }

  std::shared_ptr<cp::UpstreamCall> other;
  std::atomic<int> heard{0};
};

/// Pauses the other call as soon as something comes.
struct Pauser final : cp::UpstreamListener {
  void on_head(const cp::UpstreamAnswerHead&) override {}
  void on_data(std::string_view bytes) override {
    heard += static_cast<int>(bytes.size());
    if (other) std::exchange(other, nullptr)->pause();
  }
  void on_batch_end(bool) override {}
  void on_end() override { ended = true; }
  void on_failure(const cp::UpstreamFailure&) override { heard = -1; }

  std::shared_ptr<cp::UpstreamCall> call;
  std::shared_ptr<cp::UpstreamCall> other;
  std::atomic<int> heard{0};
  std::atomic<bool> ended{false};
};

std::string answer_of(std::size_t size) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
         std::string(size, 'x');
}

/// An upstream that answers once and ends each connection when it is told to.
/// @param left the peer has ended it too
LoopbackServer ending(std::atomic<bool>& ends, std::atomic<bool>& left) {
  return LoopbackServer{[&](int socket) {
    (void)read_http_request(socket);
    (void)send_all(socket, answer_of(2));
    (void)comes([&] { return ends.load(); });
    ::shutdown(socket, SHUT_WR);
    char byte = 0;
    left = ::recv(socket, &byte, 1, 0) == 0;
  }};
}

}  // namespace

TEST_CASE("server/event_socket: what another's event has closed is told nothing in the same turn") {
  OnCommand upstream{answer_of(2)};
  Caller caller;
  const auto one = std::make_shared<Rival>();
  const auto two = std::make_shared<Rival>();
  caller.on_loop([&] {
    two->other = caller.send_to(one, upstream.port(), {}, "GET", false, "127.0.0.1");
    one->other = caller.send_to(two, upstream.port(), {}, "GET", false, "127.0.0.1");
  });
  REQUIRE(upstream.was_asked(2));
  caller.on_loop([&] { upstream.say(2); });  // both answers are events of one turn
  REQUIRE(upstream.was_left(1));
  REQUIRE(comes([&] { return one->heard + two->heard == 2; }));
  CHECK(one->heard * two->heard == 0);  // the first one's data and end, the other's nothing
}

TEST_CASE(
    "server/event_socket: what was read of a call that another's event pauses is kept for it") {
  OnCommand upstream{answer_of(1000)};
  Caller caller;
  const auto one = std::make_shared<Pauser>();
  const auto two = std::make_shared<Pauser>();
  caller.on_loop([&] {
    two->other = one->call = caller.send_to(one, upstream.port(), {}, "GET", false, "127.0.0.1");
    one->other = two->call = caller.send_to(two, upstream.port(), {}, "GET", false, "127.0.0.1");
  });
  REQUIRE(upstream.was_asked(2));
  caller.on_loop([&] { upstream.say(2); });  // both answers are events of one turn
  REQUIRE(comes([&] { return one->ended || two->ended; }));
  caller.on_loop([] {});  // the loop has turned
  CHECK(one->ended != two->ended);
  auto& paused = one->ended ? *two : *one;
  CHECK(paused.heard == 0);
  // The second request of a connection is read to where its answer was.
  RawClient other{caller.port};
  for (const std::size_t size : {1, 4000}) {
    other.send("GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(size, 'z') + "\r\n\r\n");
    REQUIRE(other.read_until("|").ends_with("|"));
  }
  caller.on_loop([&] { paused.call->resume(); });
  CHECK(comes([&] { return paused.ended.load(); }));
  CHECK(paused.heard == 1000);
  caller.on_loop([&] { one->call = two->call = one->other = two->other = nullptr; });
}

TEST_CASE("server/event_socket: an unused connection is given up as soon as its peer ends it") {
  std::atomic<bool> ends{false};
  std::atomic<bool> left{false};
  const auto server = ending(ends, left);
  Caller caller{{}, 60s};
  REQUIRE(caller.send(server.port())->wait());
  ends = true;
  CHECK(comes([&] { return left.load(); }));
  REQUIRE(caller.send(server.port())->wait());
  CHECK(server.connections() == 2);
}

TEST_CASE("server/event_socket: an unused connection's end is known to who is told before it") {
  std::atomic<bool> ends{false};
  std::atomic<bool> left{false};
  const auto server = ending(ends, left);
  Caller caller{{}, 60s};
  REQUIRE(caller.send(server.port())->wait());
  RawClient asks{caller.port};
  asks.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(asks.read_until("|").ends_with("|"));

  // While the loop is held up: first a request comes, then the end of the connection that it would
  // go out on.
  auto hearer = std::make_shared<Hearer>();
  caller.on_loop([&] {
    asks.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    std::this_thread::sleep_for(20ms);
    ends = true;
    std::this_thread::sleep_for(20ms);
    caller.job = [&] {
      hearer->call = caller.send_to(hearer, server.port(), {}, "GET", false, "127.0.0.1");
    };
  });
  REQUIRE(asks.read_until("|").ends_with("|"));
  REQUIRE(hearer->wait());
  CHECK_FALSE(hearer->code);
  CHECK(hearer->body == "xx");
  CHECK(server.connections() == 2);
}

TEST_CASE(
    "server/event_socket: who was paused goes on with what came before, without a new event") {
  constexpr std::size_t size = 200 << 10;
  OnCommand upstream{answer_of(size)};
  Caller caller;
  auto hearer = std::make_shared<Hearer>();
  hearer->pause_at_batch = true;
  caller.on_loop([&] {
    hearer->call = caller.send_to(hearer, upstream.port(), {}, "GET", false, "127.0.0.1");
  });
  REQUIRE(upstream.was_asked(1));
  caller.on_loop([&] { upstream.say(1); });
  REQUIRE(comes([&] { return hearer->received > 0; }));
  caller.on_loop([] {});  // the loop has turned
  CHECK(hearer->received < size);
  // How many pieces it comes in is the kernel's affair.
  REQUIRE(comes([&] {
    if (hearer->ends == 0) caller.on_loop([&] { hearer->call->resume(); });
    return hearer->ends > 0;
  }));
  REQUIRE(hearer->wait());
  CHECK(hearer->received == size);
  CHECK_FALSE(hearer->code);
}

TEST_CASE("server/event_socket: last bytes and the end behind them, told together") {
  for (const std::size_t size : {std::size_t{2}, std::size_t{150} << 10, std::size_t{64} << 10}) {
    CAPTURE(size);
    OnCommand upstream{"HTTP/1.1 200 OK\r\n\r\n" + std::string(size, 'x'), true};
    Caller caller;
    auto hearer = std::make_shared<Hearer>();
    caller.on_loop([&] {
      hearer->call = caller.send_to(hearer, upstream.port(), {}, "GET", false, "127.0.0.1");
    });
    REQUIRE(upstream.was_asked(1));
    caller.on_loop([&] { upstream.say(1); });
    REQUIRE(hearer->wait());
    CHECK(hearer->received == size);
    CHECK_FALSE(hearer->code);
    CHECK(upstream.was_left(1));
  }
}

TEST_CASE("server/event_socket: a request that came together with its peer's end is answered") {
  Caller caller;
  RawClient client{caller.port};
  caller.on_loop([&] {
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.half_close();
    std::this_thread::sleep_for(20ms);
  });
  CHECK(client.read_all().ends_with("|"));
  CHECK(client.ended());
}

TEST_CASE("server/event_socket: who sends without end holds nobody up") {
  std::atomic<bool> left{false};
  const LoopbackServer endless{[&](int socket) {
    (void)read_http_request(socket);
    (void)send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    const std::string piece(256 << 10, 'x');
    while (send_all(socket, piece)) {
    }
    left = true;
  }};
  Caller caller;
  const auto listener = std::make_shared<Rival>();
  std::shared_ptr<cp::UpstreamCall> call;
  caller.on_loop(
      [&] { call = caller.send_to(listener, endless.port(), {}, "GET", false, "127.0.0.1"); });
  REQUIRE(comes([&] { return listener->heard > 100; }));
  for (int i = 0; i < 20; ++i) {
    const auto before = listener->heard.load();
    caller.on_loop([] {});
    REQUIRE(comes([&] { return listener->heard > before; }));
  }
  caller.on_loop([&] { call->cancel(); });
  CHECK(comes([&] { return left.load(); }));
}
