// SPDX-License-Identifier: MIT
// The server side over loopback; event_upstream.cpp has the other one.
#include <credpool/server/event_engine.hpp>

#include "engine_world.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

cp::EventEngineOptions with_limits(const cp::ServerLimits& limits) {
  cp::EventEngineOptions options;
  options.limits = limits;
  return options;
}

/// Answers with what it was asked.
void echo(const std::shared_ptr<cp::ServerExchange>& exchange) {
  answer_with(exchange, std::string{exchange->head().method} + " " +
                            std::string{exchange->head().target} + " " +
                            std::string{exchange->body()} + "|");
}

}  // namespace

TEST_CASE("server/event_engine: requests one after the other and in one piece") {
  EngineWorld world{echo};
  RawClient client{world.port};
  REQUIRE(client.connected());
  for (const char* target : {"/1", "/2"}) {
    client.send("GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.read_until("|");
    CHECK(status_of(answer) == 200);
    CHECK(answer.ends_with("\r\n\r\nGET " + std::string{target} + " |"));
    CHECK(answer.find("connection:") == answer.npos);
    CHECK(answer.find("date: ") != answer.npos);
  }
  std::string many;
  for (int i = 0; i < 300; ++i)
    many += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  client.send(many);
  for (int i = 0; i < 300; ++i)
    CHECK(client.read_until("|").ends_with("POST /" + std::to_string(i) + " abc|"));
}

TEST_CASE("server/event_engine: large requests right behind small ones and each other, in order") {
  EngineWorld world{
      [](auto exchange) { answer_with(exchange, std::to_string(exchange->body().size()) + "|"); }};
  RawClient client{world.port};
  const auto large = [](const std::string& header, std::size_t bytes) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + header + "Content-Length: " + std::to_string(bytes) +
           "\r\n\r\n" + std::string(bytes, 'x');
  };
  const std::string long_header = "X: " + std::string(5'000, 'h') + "\r\n";
  std::thread writer{[&] {  // more than one read takes, with a small request before it
    for (int i = 0; i < 5; ++i)
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + large("", 300'000) +
                  large(long_header, 200'000));
  }};
  for (int i = 0; i < 5; ++i)
    for (const char* size : {"0", "300000", "200000"})
      CHECK(client.read_until("|").ends_with("\r\n\r\n" + std::string{size} + "|"));
  writer.join();
}

TEST_CASE("server/event_engine: a body in pieces, one byte at a time, and an answer in pieces") {
  EngineWorld world{[](auto exchange) {
    exchange->start({200, {{"x", "y"}}, std::nullopt});
    for (const char& c : exchange->body()) exchange->write({&c, 1});
    exchange->finish();
  }};
  RawClient client{world.port};
  const std::string request =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n11\r\n"
      "0123456789abcdefg\r\n0\r\n\r\n";
  for (const char c : request) REQUIRE(client.send({&c, 1}));
  const auto answer = client.read_until("0\r\n\r\n");
  CHECK(answer.find("transfer-encoding: chunked\r\n") != answer.npos);
  CHECK(answer.ends_with("\r\n\r\n14\r\nabc0123456789abcdefg\r\n0\r\n\r\n"));
}

TEST_CASE("server/event_engine: what is written between two flushes is one chunk, up to a bound") {
  EngineWorld world{[](auto exchange) {
    exchange->start({200, {}, std::nullopt});
    exchange->write("ab");
    exchange->write("c");
    (void)exchange->flush();
    (void)exchange->flush();
    for (const char& c : exchange->body()) exchange->write({&c, 1});
    exchange->finish();
  }};
  RawClient client{world.port};
  const std::string body(100, 'x');
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + body));
  const auto answer = client.read_until("0\r\n\r\n");
  const auto first = answer.find("\r\n\r\n3\r\nabc\r\n");
  REQUIRE(first != answer.npos);
  // So many pieces leave before all are there, and the rest is a chunk too.
  auto rest = answer.substr(first + 12);
  std::size_t chunks = 0, bytes = 0;
  while (!rest.starts_with("0\r\n")) {
    const auto size = std::stoul(rest, nullptr, 16);
    const auto begin = rest.find("\r\n") + 2;
    REQUIRE(rest.substr(begin + size, 2) == "\r\n");
    CHECK(rest.substr(begin, size) == std::string(size, 'x'));
    rest.erase(0, begin + size + 2);
    bytes += size;
    ++chunks;
  }
  CHECK(bytes == 100);
  CHECK(chunks == 2);
}

TEST_CASE("server/event_engine: what was written may go as soon as the answer is finished") {
  EngineWorld world{[](auto exchange) {
    cp::AnswerHead head;
    head.content_length = 5;
    std::string text = "hello";
    exchange->start(head);
    exchange->write(text);
    exchange->finish();
    text = "gone.";
  }};
  RawClient client{world.port};
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(client.read_all().ends_with("\r\n\r\nhello"));
}

TEST_CASE("server/event_engine: HTTP/1.0, HEAD, 204 and answers of a known length") {
  EngineWorld world{[](auto exchange) {
    const auto path = exchange->head().path();
    cp::AnswerHead head;
    if (path == "/204") head.status = 204;
    if (path == "/known") head.content_length = 5;
    if (path == "/short") head.content_length = 9;
    exchange->start(head);
    exchange->write("hello");
    exchange->finish();
  }};
  const auto keep = [&](const std::string& request, std::string_view until) {
    RawClient client{world.port};
    client.send(request);
    auto first = client.read_until(until);
    client.send("GET /known HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(status_of(client.read_until("hello")) == 200);
    return first;
  };
  // Without a length the end of a 1.0 answer is the connection's.
  RawClient old{world.port};
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto text = old.read_all();
  CHECK(text.ends_with("\r\n\r\nhello"));
  CHECK(text.find("connection: close\r\n") != text.npos);
  CHECK(text.find("transfer-encoding") == text.npos);
  CHECK(old.ended());
  RawClient older{world.port};
  older.send("GET /known HTTP/1.0\r\n\r\n");
  CHECK(older.read_all().ends_with("hello"));

  const auto kept = keep("GET /known HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "hello");
  CHECK(kept.find("connection: keep-alive\r\n") != kept.npos);
  const auto head = keep("HEAD /known HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
  CHECK(head.find("content-length: 5\r\n") != head.npos);
  const auto none = keep("GET /204 HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
  CHECK(status_of(none) == 204);
  CHECK(none.find("content-length") == none.npos);
  // Shorter than its head says: cut, not taken for the next answer.
  RawClient cut{world.port};
  cut.send("GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET /known HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(cut.read_all().find("200") == std::string::npos);
}

TEST_CASE("server/event_engine: what is refused gets exactly one answer and then the end") {
  cp::ServerLimits limits;
  limits.head_deadline = std::chrono::seconds{1};
  limits.body_deadline = std::chrono::seconds{1};
  limits.max_body_bytes = 1'000;
  limits.linger = std::chrono::seconds{1};
  EngineWorld world{echo, with_limits(limits)};
  world.handler->admits = [](const cp::RequestHead& head) -> std::optional<cp::Answer> {
    if (head.path() == "/no") return cp::Answer{403, {{"x", "y"}}, "no"};
    return std::nullopt;
  };
  const std::pair<std::string, int> cases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n"
       "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'), 413},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", 417},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n", 403},
      {"GET / HTTP/1.1\r\nHost: a", 408},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 408},
  };
  for (const auto& one : cases) {
    const auto& [request, status] = one;
    CAPTURE(one.first.substr(0, 60));
    RawClient client{world.port};
    client.send(request);
    const auto answer = client.read_all();
    CHECK((status_of(answer) == status || (status == 400 && status_of(answer) == 501)));
    CHECK(answer.find("connection: close\r\n") != answer.npos);
    CHECK(answer.find("\r\ndate: ") == answer.rfind("\r\ndate: "));
    CHECK(client.ended());
  }
}

TEST_CASE("server/event_engine: a head that trickles is timed as a whole, not by its bytes") {
  cp::ServerLimits limits;
  limits.head_deadline = std::chrono::seconds{1};
  limits.linger = std::chrono::seconds{1};
  EngineWorld world{echo, with_limits(limits)};
  RawClient client{world.port};
  const auto start = std::chrono::steady_clock::now();
  std::string_view rest = "GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  pollfd answer{client.socket(), POLLIN, 0};
  while (::poll(&answer, 1, 100) == 0 && !rest.empty()) {
    client.send(rest.substr(0, 1));
    rest.remove_prefix(1);
  }
  CHECK(std::chrono::steady_clock::now() - start < 4s);
  CHECK(status_of(client.read_all()) == 408);
}

TEST_CASE("server/event_engine: a body may take long as long as it comes fast enough") {
  cp::ServerLimits limits;
  limits.body_deadline = std::chrono::seconds{1};
  limits.min_body_rate = 100;
  EngineWorld world{echo, with_limits(limits)};
  RawClient client{world.port};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1500\r\n\r\n");
  for (int i = 0; i < 15; ++i) {
    client.send(std::string(100, 'x'));
    std::this_thread::sleep_for(100ms);
  }
  CHECK(status_of(client.read_until("|")) == 200);
}

TEST_CASE("server/event_engine: 100 Continue is said once, when the body is waited for") {
  EngineWorld world{echo};
  RawClient client{world.port};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  CHECK(client.read_until("|").ends_with("POST / ok|"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
  CHECK(client.read_until("|").starts_with("HTTP/1.1 200"));
}

TEST_CASE("server/event_engine: who closes behind its requests still gets its answers") {
  EngineWorld world{echo};
  RawClient client{world.port};
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nmore that nobody reads");
  const auto text = client.read_all();
  CHECK(text.ends_with("GET /1 |"));
  CHECK(text.find("connection: close\r\n") != text.npos);
  CHECK(client.ended());
}

TEST_CASE("server/event_engine: idle connections end, and a slow reader's too") {
  cp::ServerLimits limits;
  limits.idle = std::chrono::seconds{1};
  limits.write_stall = std::chrono::seconds{1};
  std::atomic<int> gone{0};
  struct Listener final : cp::ExchangeListener {
    explicit Listener(std::atomic<int>& count) : gone{count} {}
    void on_drained() override {}
    void on_client_gone() override { ++gone; }
    std::atomic<int>& gone;
  };
  static const std::string large(8 << 20, 'x');
  EngineWorld world{[&](auto exchange) {
                      exchange->listen(std::make_shared<Listener>(gone));
                      exchange->start({});
                      exchange->write(large);
                      CHECK_FALSE(exchange->flush());
                    },
                    with_limits(limits)};
  RawClient idle{world.port};
  CHECK(idle.read_all().empty());
  CHECK(idle.ended());
  RawClient slow{world.port};
  slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(comes([&] { return gone == 1; }));
}

TEST_CASE("server/event_engine: an answer flows as fast as it is read, and what waits is told") {
  // Written as a relay does: the next piece when the last one has left.
  struct Writer final : cp::ExchangeListener, std::enable_shared_from_this<Writer> {
    void on_drained() override {
      ++drained;
      go();
    }
    void on_client_gone() override {}
    void go() {
      while (left-- > 0) {
        exchange->write(piece);
        if (!exchange->flush()) return;
      }
      exchange->finish();
    }
    std::shared_ptr<cp::ServerExchange> exchange;
    std::string piece = std::string(64 << 10, 'x');
    int left = 200;
    std::atomic<int> drained{0};
  };
  const auto writer = std::make_shared<Writer>();
  EngineWorld world{[&](auto exchange) {
    if (exchange->head().path() == "/next") return echo(exchange);
    exchange->listen(writer);
    exchange->start({200, {}, 200ULL << 16});
    writer->exchange = exchange;
    writer->go();
  }};
  RawClient client{world.port};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  CHECK(client.read_until("\r\n\r\n").find("content-length: 13107200\r\n") != std::string::npos);
  CHECK(client.read_bytes(200 << 16).size() == 200 << 16);
  CHECK(writer->drained > 0);
  client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");  // the connection goes on
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("server/event_engine: a client that leaves is noticed at once") {
  std::atomic<bool> gone{false};
  struct Listener final : cp::ExchangeListener {
    explicit Listener(std::atomic<bool>& said) : gone{said} {}
    void on_drained() override {}
    void on_client_gone() override { gone = true; }
    std::atomic<bool>& gone;
  };
  std::atomic<int> asked{0};
  EngineWorld world{[&](auto exchange) {
    exchange->listen(std::make_shared<Listener>(gone));
    ++asked;
  }};
  RawClient client{world.port};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(comes([&] { return asked == 1; }));
  client.close();
  CHECK(comes([&] { return gone.load(); }));
}

TEST_CASE("server/event_engine: an answer that is cut is seen to be cut, also by HTTP/1.0") {
  EngineWorld world{[](auto exchange) {
    exchange->start({});
    exchange->write("hello");
    CHECK(exchange->flush());
    exchange->cut();
    exchange->write("never");
    exchange->finish();
  }};
  RawClient client{world.port};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto text = client.read_all();
  CHECK(text.ends_with("5\r\nhello\r\n"));
  RawClient old{world.port};
  old.send("GET / HTTP/1.0\r\n\r\n");
  (void)old.read_all();
  CHECK(old.reset());
}

TEST_CASE("server/event_engine: after() and offload(), and a full queue") {
  cp::EventEngineOptions options;
  options.blocking_threads = 1;
  options.blocking_queue = 1;
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::atomic<int> refused{0};
  EngineWorld world{[&](std::shared_ptr<cp::ServerExchange> exchange) {
                      if (exchange->head().path() == "/later") {
                        exchange->after(20ms, [exchange] { answer_with(exchange, "later|"); });
                        return;
                      }
                      const auto loop = std::this_thread::get_id();
                      const bool taken = exchange->offload(
                          [&, loop] {
                            CHECK(std::this_thread::get_id() != loop);
                            std::unique_lock lock{mutex};
                            changed.wait(lock, [&] { return open; });
                          },
                          [exchange, loop] {
                            CHECK(std::this_thread::get_id() == loop);
                            answer_with(exchange, "worked|");
                          });
                      if (!taken) {
                        ++refused;
                        exchange->respond({503, {}, "full|"});
                      }
                    },
                    options};
  RawClient first{world.port};
  RawClient second{world.port};
  RawClient third{world.port};
  first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(status_of(third.read_until("|")) == 503);
  RawClient fourth{world.port};  // the loop goes on meanwhile
  fourth.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(fourth.read_until("|").ends_with("later|"));
  {
    const std::lock_guard lock{mutex};
    open = true;
  }
  changed.notify_all();
  CHECK(first.read_until("|").ends_with("worked|"));
  CHECK(second.read_until("|").ends_with("worked|"));
  CHECK(refused == 1);
}

TEST_CASE("server/event_engine: a drain ends what is idle, lets the rest finish, cuts at the end") {
  std::atomic<int> asked{0};
  std::atomic<bool> gone{false};
  struct Listener final : cp::ExchangeListener {
    explicit Listener(std::atomic<bool>& said) : gone{said} {}
    void on_drained() override {}
    void on_client_gone() override { gone = true; }
    std::atomic<bool>& gone;
  };
  EngineWorld world{[&](std::shared_ptr<cp::ServerExchange> exchange) {
    ++asked;
    if (exchange->head().path() == "/never")
      exchange->listen(std::make_shared<Listener>(gone));
    else
      exchange->after(300ms, [exchange] { answer_with(exchange, "done"); });
  }};
  RawClient idle{world.port};
  RawClient running{world.port};
  RawClient stuck{world.port};
  running.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  stuck.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(comes([&] { return asked == 2; }));
  std::thread stopper{[&] { world.engine.stop(1s); }};
  CHECK(idle.read_all().empty());
  CHECK(idle.ended());
  const auto text = running.read_all();
  CHECK(text.ends_with("done"));
  CHECK(text.find("connection: close\r\n") != text.npos);
  CHECK_FALSE(gone);
  CHECK_FALSE(RawClient{world.port}.connected());
  stopper.join();
  CHECK(gone);
  CHECK(stuck.read_all().empty());
  world.engine.stop(0s);  // again does nothing
  CHECK_FALSE(world.engine.start());
}

TEST_CASE("server/event_engine: a handler that keeps timers and exchanges past the end") {
  struct Holder {
    std::shared_ptr<cp::ServerExchange> exchange;
    ~Holder() { exchange->cut(); }
  };
  std::atomic<int> asked{0};
  {
    EngineWorld world{[&](std::shared_ptr<cp::ServerExchange> exchange) {
      auto holder = std::make_shared<Holder>(Holder{exchange});
      exchange->after(1h, [holder] {});
      ++asked;
    }};
    RawClient client{world.port};
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(comes([&] { return asked == 1; }));
  }
  CHECK(asked == 1);
}

TEST_CASE("server/event_engine: a Unix socket is its owner's, and is taken away again") {
  const ThrowawayHome home;
  cp::ListenAddress address;
  address.unix_path = home.path() / "s";
  const auto handler = std::make_shared<FunctionHandler>();
  std::string peer;
  handler->handles = [&](auto exchange) {
    peer = exchange->peer();
    echo(exchange);
  };
  {
    cp::EventEngine never;
    REQUIRE(never.listen(address, handler));
    cp::EventEngine second;
    CHECK_FALSE(second.listen(address, handler));  // somebody listens there
  }
  CHECK_FALSE(std::filesystem::exists(address.unix_path));
  cp::EventEngine engine{{.threads = 2}};
  REQUIRE(engine.start());
  REQUIRE(engine.listen(address, handler));  // while it runs
  struct stat about {};
  REQUIRE(::stat(address.unix_path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  RawClient client{address.unix_path};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_until("|").ends_with("GET / |"));
  engine.stop(0s);
  CHECK(peer == "unix");
  CHECK_FALSE(std::filesystem::exists(address.unix_path));
}

TEST_CASE("server/event_engine: an address that is none does not become every address") {
  cp::EventEngine engine;
  const auto handler = std::make_shared<FunctionHandler>();
  cp::ListenAddress named;
  named.ip = "localhost";
  const auto refused = engine.listen(named, handler);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == cp::Errc::invalid_argument);
  cp::ListenAddress long_one;
  long_one.unix_path = "/" + std::string(200, 'x');
  CHECK_FALSE(engine.listen(long_one, handler));
  const auto bound = engine.listen({}, handler);
  REQUIRE(bound);
  const auto taken = engine.listen(*bound, handler);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == cp::Errc::busy);
}

TEST_CASE("server/event_engine: two thousand idle connections, and the one over the limit") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 4'300) return;
  cp::ServerLimits limits;
  limits.max_connections = 2'001;
  auto options = with_limits(limits);
  options.threads = 2;
  EngineWorld world{echo, options};
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 2'000; ++i) {
    idle.push_back(std::make_unique<RawClient>(world.port));
    REQUIRE(idle.back()->connected());
  }
  RawClient client{world.port};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_until("|").ends_with("GET / |"));
  RawClient over{world.port};
  CHECK(over.read_all().empty());
  for (auto& one : {idle.front().get(), idle.back().get()}) {
    one->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(one->read_until("|").ends_with("GET / |"));
  }
}
