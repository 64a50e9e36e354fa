// SPDX-License-Identifier: MIT
// The upstream side over loopback, with upstreams of raw sockets.
#include <credpool/server/event_engine.hpp>

#include "open_sockets.hpp"
#include "tls_peer.hpp"
#include "upstream_caller.hpp"

namespace cp = credpool;
using namespace std::chrono_literals;

TEST_CASE("server/event_upstream: answers of every framing, over one connection where it may be") {
  Caller caller;
  const auto known = answering("HTTP/1.1 200 OK\r\nX-A:  b \r\nContent-Length: 5\r\n\r\nhello");
  for (int i = 0; i < 3; ++i) {
    const auto heard = caller.send(known.port(), "body");
    REQUIRE(heard->wait());
    CHECK(heard->status == 200);
    CHECK(heard->length == 5);
    CHECK(heard->headers == "X-A=b;Content-Length=5;");
    CHECK(heard->body == "hello");
    CHECK_FALSE(heard->code);
  }
  CHECK(known.connections() == 1);
  const int kept = socket_with_peer(static_cast<std::uint16_t>(known.port()));
  CHECK(tcp_option(kept, TCP_NODELAY) == 1);
  CHECK(congestion_control(kept) == "reno");

  const auto chunked = answering(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nT: "
      "x\r\n\r\n");
  for (int i = 0; i < 2; ++i) {
    const auto heard = caller.send(chunked.port());
    REQUIRE(heard->wait());
    CHECK(heard->body == "hello!");
    CHECK_FALSE(heard->length);
  }
  CHECK(chunked.connections() == 1);

  const auto until_end = answering_once("HTTP/1.1 200 OK\r\n\r\nall of it");
  const auto heard = caller.send(until_end.port());
  REQUIRE(heard->wait());
  CHECK(heard->body == "all of it");
  CHECK_FALSE(heard->code);

  const auto continued = answering(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
  const auto after = caller.send(continued.port());
  REQUIRE(after->wait());
  CHECK(after->status == 201);
  CHECK(after->headers == "Content-Length=2;");
  CHECK(after->body == "ok");

  const auto head = answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  for (int i = 0; i < 2; ++i) {
    const auto bare = caller.send(head.port(), {}, "HEAD");
    REQUIRE(bare->wait());
    CHECK(bare->body.empty());
    CHECK(bare->length == 5);
  }
  CHECK(head.connections() == 1);
}

TEST_CASE("server/event_upstream: what is not to be kept is not used again") {
  Caller caller;
  for (const char* text : {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
                           "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
                           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 "
                           "OK\r\nContent-Length: 4\r\n\r\nevil"}) {
    CAPTURE(text);
    const auto server = answering(text);
    for (int i = 0; i < 2; ++i) {
      const auto heard = caller.send(server.port());
      REQUIRE(heard->wait());
      CHECK(heard->body == "ok");
    }
    CHECK(server.connections() == 2);
  }
}

TEST_CASE("server/event_upstream: failures, and whether the request may have arrived") {
  cp::EventEngineOptions options;
  options.timeouts.first_byte = std::chrono::seconds{1};
  options.timeouts.idle = std::chrono::seconds{1};
  Caller caller{options};
  const auto fails = [&](int port, cp::Errc code, bool sent) {
    const auto heard = caller.send(port, "body");
    REQUIRE(heard->wait());
    REQUIRE(heard->code);
    CHECK(*heard->code == code);
    CHECK(heard->sent == sent);
  };
  int refused = 0;
  {
    const auto gone = answering("");
    refused = gone.port();
  }
  fails(refused, cp::Errc::network, false);
  for (const char* text :
       {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\x01\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"}) {
    CAPTURE(text);
    const auto server = answering_once(text);
    fails(server.port(), cp::Errc::malformed, true);
  }
  const auto large =
      answering_once("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
  fails(large.port(), cp::Errc::too_large, true);
  for (const char* text : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    CAPTURE(text);
    const auto server = answering_once(text);
    fails(server.port(), cp::Errc::network, true);
  }
  // Silence, before and within the answer; pieces of a head and 1xx give no more time.
  for (const char* text :
       {"", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    CAPTURE(text);
    const LoopbackServer silent{[&](int socket) {
      (void)read_http_request(socket);
      char byte = 0;
      const timeval often{0, 200'000};
      ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &often, sizeof often);
      (void)send_all(socket, text);
      for (int i = 0; i < 50 && ::recv(socket, &byte, 1, 0) != 0; ++i)
        if (std::string_view{text}.find("100") != std::string_view::npos)
          (void)send_all(socket, text);
    }};
    fails(silent.port(), cp::Errc::timeout, true);
  }
}

TEST_CASE("server/event_upstream: an answer that comes before the request is whole") {
  Caller caller;
  const LoopbackServer early{[](int socket) {
    char byte = 0;
    (void)::recv(socket, &byte, 1, 0);
    (void)send_all(socket, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!");
    while (::recv(socket, &byte, 1, 0) > 0) {
    }
  }};
  const std::string body(16 << 20, 'x');
  const auto heard = caller.send(early.port(), body);
  REQUIRE(heard->wait());
  CHECK(heard->status == 413);
  CHECK(heard->body == "no!");
}

TEST_CASE("server/event_upstream: a large body arrives whole") {
  Caller caller;
  std::atomic<std::size_t> got{0};
  const LoopbackServer server{[&](int socket) {
    std::string room(256 << 10, '\0');
    while (got < 16 << 20)
      if (const auto count = ::recv(socket, room.data(), room.size(), 0); count > 0)
        got += static_cast<std::size_t>(count);
      else
        return;
    (void)send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }};
  const std::string body(16 << 20, 'x');
  const auto heard = caller.send(server.port(), body);
  REQUIRE(heard->wait());
  CHECK(heard->status == 200);
  CHECK(got > body.size());
  CHECK(got < body.size() + 100);
}

TEST_CASE("server/event_upstream: paused, an upstream is read no further; cancelled, it is left") {
  Caller caller;
  std::atomic<std::size_t> written{0};
  std::atomic<bool> left{false};
  const LoopbackServer endless{[&](int socket) {
    (void)read_http_request(socket);
    (void)send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string piece(64 << 10, 'x');
    while (send_all(socket, piece)) written += piece.size();
    left = true;
  }};
  auto hearer = std::make_shared<Hearer>();
  hearer->pause_at_batch = true;
  caller.on_loop([&] {
    hearer->call = caller.send_to(hearer, endless.port(), {}, "GET", false, "127.0.0.1");
  });
  REQUIRE(comes([&] { return hearer->received > 0; }));
  std::this_thread::sleep_for(200ms);
  CHECK(hearer->received <= 128 << 10);  // the rest stays in the sockets
  const auto before = hearer->received.load();
  caller.on_loop([&] { hearer->call->resume(); });
  CHECK(comes([&] { return hearer->received > before; }));
  CHECK_FALSE(left);
  hearer->pause_at_batch = false;
  hearer->cancel_at_data = true;
  caller.on_loop([&] { hearer->call->resume(); });
  CHECK(comes([&] { return left.load(); }));
  CHECK(hearer->ends == 0);
}

TEST_CASE("server/event_upstream: requests and answers' beginnings in the order they came") {
  struct Noted final : cp::UpstreamListener {
    explicit Noted(std::function<void(const std::string&)> note) : note_{std::move(note)} {}
    void on_head(const cp::UpstreamAnswerHead&) override { note_("head"); }
    void on_data(std::string_view bytes) override { note_(std::string{bytes}); }
    void on_batch_end(bool) override {}
    void on_end() override {}
    void on_failure(const cp::UpstreamFailure&) override {}

   private:
    std::function<void(const std::string&)> note_;
  };
  // An upstream that says `first`; what comes then the test sends.
  struct Upstream {
    explicit Upstream(std::string first)
        : server{[this, first = std::move(first)](int accepted) {
            (void)read_http_request(accepted);
            (void)send_all(accepted, first);
            socket = accepted;
            char byte = 0;
            (void)::recv(accepted, &byte, 1, 0);
          }} {}
    std::atomic<int> socket{-1};
    LoopbackServer server;
  };
  Upstream streaming{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none"};
  Upstream waiting{""};
  std::string log;  // the loop's
  std::vector<std::shared_ptr<cp::UpstreamCall>> calls;
  std::atomic<std::size_t> noted{0};
  const auto note = [&](const std::string& what) {
    log += what + ' ';
    ++noted;
  };
  Caller caller;
  RawClient client{caller.port};
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  client.send(request);
  REQUIRE(client.read_until("|").ends_with("|"));
  caller.on_loop([&] {
    for (const auto* upstream : {&streaming, &waiting})
      calls.push_back(caller.send_to(std::make_shared<Noted>(note), upstream->server.port(), {},
                                     "GET", false, "127.0.0.1"));
  });
  REQUIRE(comes([&] { return noted == 2 && waiting.socket >= 0; }));
  // The loop is here meanwhile: it learns of all three at once.
  caller.on_loop([&] {
    (void)send_all(streaming.socket, "two");
    client.send(request);
    (void)send_all(waiting.socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    caller.job = [&] { note("request"); };
  });
  REQUIRE(comes([&] { return noted == 5; }));
  caller.on_loop([&] { CHECK(log == "head one request head two "); });
}

TEST_CASE("server/event_upstream: an unused connection that its peer ended is not used again") {
  Caller caller;
  const LoopbackServer once{[](int socket) {
    (void)read_http_request(socket);
    (void)send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }};
  for (int i = 0; i < 20; ++i) {
    const auto heard = caller.send(once.port());
    REQUIRE(heard->wait());
    std::this_thread::sleep_for(5ms);
    CHECK(heard->body == "ok");
  }
  CHECK(once.connections() == 20);
}

TEST_CASE("server/event_upstream: what still runs at the end is told so") {
  auto hearer = std::make_shared<Hearer>();
  const LoopbackServer silent{[](int socket) {
    (void)read_http_request(socket);
    char byte = 0;
    (void)::recv(socket, &byte, 1, 0);
  }};
  {
    Caller caller;
    caller.on_loop([&] {
      hearer->call = caller.send_to(hearer, silent.port(), {}, "GET", false, "127.0.0.1");
    });
    REQUIRE(comes([&] { return silent.connections() == 1; }));
  }
  CHECK(hearer->code == cp::Errc::cancelled);
  CHECK(hearer->ends == 1);
}

TEST_CASE("server/event_upstream: TLS, with the host checked and the session used again") {
  const ThrowawayHome home;
  const TlsPeer peer{"IP:127.0.0.1,DNS:localhost"};
  const TlsPeer foreign{"DNS:other.example"};
  std::atomic<int> resumed{0};
  const auto serve = [&](const TlsPeer& with) {
    return [&](int socket) {
      const auto session = with.accept(socket);
      if (!session) return;
      if (::SSL_session_reused(session.get())) ++resumed;
      const auto request = read_http_request([&](char* buffer, std::size_t size) {
        return ::SSL_read(session.get(), buffer, static_cast<int>(size));
      });
      const std::string answer =
          http_answer("200 OK", std::to_string(request.size()) + std::string(100'000, 'x'),
                      "Connection: close\r\n");
      (void)::SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
      (void)::SSL_shutdown(session.get());
    };
  };
  const LoopbackServer good{serve(peer)};
  const LoopbackServer wrong{serve(foreign)};
  cp::EventEngineOptions options;
  options.ca_files = {home.write("ca.pem", peer.pem()), home.write("foreign.pem", foreign.pem())};
  Caller caller{options};
  const std::string body(200'000, 'b');
  for (int i = 0; i < 3; ++i) {
    const auto heard = caller.send(good.port(), body, "POST", true);
    REQUIRE(heard->wait());
    CHECK_FALSE(heard->code);
    CHECK(heard->status == 200);
    CHECK(heard->body.size() == 6 + 100'000);
  }
  CHECK(resumed == 2);
  const auto by_name = caller.send(good.port(), {}, "POST", true, "localhost");
  REQUIRE(by_name->wait());
  CHECK(by_name->status == 200);
  const auto other = caller.send(wrong.port(), {}, "POST", true);
  REQUIRE(other->wait());
  CHECK(other->code == cp::Errc::tls);
  CHECK_FALSE(other->sent);
  Caller strict;  // trusts nobody that we know
  const auto unknown = strict.send(good.port(), {}, "POST", true);
  REQUIRE(unknown->wait());
  CHECK(unknown->code == cp::Errc::tls);
  CHECK_FALSE(unknown->sent);
}

TEST_CASE("server/event_upstream: a TLS connection is used again until its peer ends it") {
  const ThrowawayHome home;
  const TlsPeer peer{"IP:127.0.0.1"};
  std::atomic<int> ended{0};
  const LoopbackServer good{[&](int socket) {
    const auto session = peer.accept(socket);
    if (!session) return;
    // Less than a record, more than one, and what takes many reads.
    for (const std::size_t size : {std::size_t{10}, std::size_t{20'000}, std::size_t{500'000}}) {
      (void)read_http_request([&](char* buffer, std::size_t room) {
        return ::SSL_read(session.get(), buffer, static_cast<int>(room));
      });
      const std::string answer = http_answer("200 OK", std::string(size, 'x'), {});
      (void)::SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
    }
    (void)::SSL_shutdown(session.get());
    ++ended;
  }};
  cp::EventEngineOptions options;
  options.ca_files = {home.write("ca.pem", peer.pem())};
  Caller caller{options};
  for (int connections = 1; connections <= 2; ++connections) {
    for (const std::size_t size : {std::size_t{10}, std::size_t{20'000}, std::size_t{500'000}}) {
      const auto heard = caller.send(good.port(), "body", "POST", true);
      REQUIRE(heard->wait());
      CHECK_FALSE(heard->code);
      CHECK(heard->body.size() == size);
      CHECK(good.connections() == connections);
    }
    REQUIRE(comes([&] { return ended == connections; }));
  }
}

namespace {

/// By TLS; each connection waits with its handshake until the test says that it goes on or ends.
class SlowHandshakes {
 public:
  SlowHandshakes() : ca_{home_.write("ca.pem", peer_.pem())} {}
  ~SlowHandshakes() {
    fated = everyone;
    fate = Fate::end;
  }

  static constexpr int everyone = std::numeric_limits<int>::max();
  enum class Fate { waits, go_on, end };
  std::atomic<Fate> fate{Fate::waits};
  std::atomic<int> fated{everyone};  ///< how many connections it is for: the others wait
  /// The first answer waits for it; then its connection ends.
  std::atomic<bool> answers{true};             ///< else it waits with that, too
  std::atomic<bool> ends_after_answer{false};  ///< without a word of TLS

  cp::EventEngineOptions options() const {
    cp::EventEngineOptions options;
    options.ca_files = {ca_};
    return options;
  }
  int port() const { return server_.port(); }
  int connections() const { return server_.connections(); }
  int ready() const { return ready_; }
  int asked() const { return asked_; }
  int ended() const { return ended_; }

 private:
  void serve(int socket) {
    const int number = begun_++;
    if (!comes([&] { return fate != Fate::waits && number < fated; }) || fate == Fate::end) return;
    const auto session = peer_.accept(socket);
    if (!session) return;
    ++ready_;
    for (;;) {
      const auto request = read_http_request([&](char* buffer, std::size_t room) {
        return ::SSL_read(session.get(), buffer, static_cast<int>(room));
      });
      if (request.empty()) return;
      ++asked_;
      if (!comes([this] { return answers.load(); })) return;
      const std::string answer = http_answer("200 OK", "hello", {});
      (void)::SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
      if (!ends_after_answer) continue;
      ::shutdown(socket, SHUT_WR);
      ++ended_;
      return;
    }
  }

  ThrowawayHome home_;
  TlsPeer peer_{"IP:127.0.0.1"};
  std::filesystem::path ca_;
  std::atomic<int> begun_{0};
  std::atomic<int> ready_{0};
  std::atomic<int> asked_{0};
  std::atomic<int> ended_{0};
  LoopbackServer server_{[this](int socket) { serve(socket); }};
};

using Fate = SlowHandshakes::Fate;

}  // namespace

TEST_CASE("server/event_upstream: who waits for a handshake takes what is free before it") {
  SlowHandshakes upstream;
  upstream.fated = 1;
  upstream.fate = Fate::go_on;
  Caller caller{upstream.options(), std::chrono::seconds{60}};
  const auto three_are_answered = [&] {
    const std::array all{std::make_shared<Hearer>(), std::make_shared<Hearer>(),
                         std::make_shared<Hearer>()};
    caller.on_loop([&] {
      for (const auto& hearer : all)
        hearer->call = caller.send_to(hearer, upstream.port(), "body", "POST", true, "127.0.0.1");
    });
    for (const auto& hearer : all) {
      REQUIRE(hearer->wait());
      CHECK(hearer->body == "hello");
      CHECK_FALSE(hearer->code);
    }
  };
  three_are_answered();
  CHECK(comes([&] { return upstream.connections() == 3; }));

  // The others stand in the end, and are used: their tickets, which come behind the handshake, are
  // no answer that nobody asked for.
  upstream.fated = SlowHandshakes::everyone;
  CHECK(comes([&] { return upstream.ready() == 3; }));
  for (int i = 0; i < 3; ++i) three_are_answered();
  CHECK(upstream.connections() == 3);
}

TEST_CASE("server/event_upstream: what ended with its answer is not for who waits") {
  SlowHandshakes upstream;
  upstream.answers = false;
  upstream.ends_after_answer = true;
  upstream.fated = 1;
  upstream.fate = Fate::go_on;
  Caller caller{upstream.options()};
  const auto first = caller.send(upstream.port(), "body", "POST", true);
  REQUIRE(comes([&] { return upstream.asked() == 1; }));
  const auto second = caller.send(upstream.port(), "body", "POST", true);
  REQUIRE(comes([&] { return upstream.connections() == 2; }));
  // The loop hears of both in one turn.
  caller.on_loop([&] {
    upstream.answers = true;
    CHECK(comes([&] { return upstream.ended() == 1; }));
  });
  REQUIRE(first->wait());
  CHECK(first->body == "hello");
  CHECK(second->ends == 0);
  upstream.fated = SlowHandshakes::everyone;
  REQUIRE(second->wait());
  CHECK(second->body == "hello");
  CHECK_FALSE(second->code);
  CHECK(upstream.connections() == 2);
}

TEST_CASE("server/event_upstream: what a cancelled call has begun serves the next one") {
  SlowHandshakes upstream;
  Caller caller{upstream.options()};
  const auto left = caller.send(upstream.port(), "body", "POST", true);
  REQUIRE(comes([&] { return upstream.connections() == 1; }));
  caller.on_loop([&] { left->call->cancel(); });
  const auto next = caller.send(upstream.port(), "body", "POST", true);
  upstream.fate = Fate::go_on;
  REQUIRE(next->wait());
  CHECK(next->body == "hello");
  CHECK(upstream.connections() == 1);
  CHECK(left->ends == 0);
}

TEST_CASE("server/event_upstream: a handshake that fails is that of calls made before it began") {
  SlowHandshakes upstream;
  Caller caller{upstream.options()};
  const auto left = caller.send(upstream.port(), "body", "POST", true);
  const auto told = caller.send(upstream.port(), "body", "POST", true);
  REQUIRE(comes([&] { return upstream.connections() == 2; }));
  caller.on_loop([&] { left->call->cancel(); });
  const auto next = caller.send(upstream.port(), "body", "POST", true);
  // Whichever of the two fails first, one of them was begun after `told`, and none after `next`.
  upstream.fated = 2;
  upstream.fate = Fate::end;
  REQUIRE(told->wait());
  CHECK(told->code == cp::Errc::tls);
  CHECK_FALSE(told->sent);
  REQUIRE(comes([&] { return upstream.connections() == 3; }));
  CHECK(next->ends == 0);
  upstream.fated = SlowHandshakes::everyone;
  REQUIRE(next->wait());
  CHECK(next->code == cp::Errc::tls);
  CHECK(left->ends == 0);
}

TEST_CASE("server/event_upstream: who waits for a handshake at the end is told so") {
  SlowHandshakes upstream;
  std::shared_ptr<Hearer> hearer;
  {
    Caller caller{upstream.options()};
    hearer = caller.send(upstream.port(), "body", "POST", true);
    REQUIRE(comes([&] { return upstream.connections() == 1; }));
  }
  CHECK(hearer->code == cp::Errc::cancelled);
  CHECK(hearer->ends == 1);
}

TEST_CASE("server/event_upstream: a TLS listener, seen by our own upstream side") {
  const ThrowawayHome home;
  const TlsPeer peer;
  cp::EventEngineOptions options;
  options.ca_files = {home.write("chain.pem", peer.pem())};
  Caller caller{options};
  const auto handler = std::make_shared<FunctionHandler>();
  handler->handles = [](auto exchange) {
    answer_with(exchange, std::to_string(exchange->body().size()) + std::string(300'000, 'x'));
  };
  const cp::ServerCertificate certificate{home.path() / "chain.pem",
                                          home.write("key.pem", peer.key_pem())};
  const auto bound = caller.engine.listen({}, handler, certificate);
  REQUIRE(bound);
  const std::string body(400'000, 'b');
  for (int i = 0; i < 3; ++i) {
    const auto heard = caller.send(bound->port, body, "POST", true);
    REQUIRE(heard->wait());
    CHECK_FALSE(heard->code);
    CHECK(heard->body.size() == 6 + 300'000);
  }
  RawClient plain{bound->port};
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(plain.read_all().find("HTTP/") == std::string::npos);
  CHECK_FALSE(caller.engine.listen({}, handler, cp::ServerCertificate{"/nowhere", "/nowhere"}));
}
