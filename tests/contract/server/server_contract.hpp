#pragma once
// SPDX-License-Identifier: MIT

// What every Server must do. Its peers are raw sockets.

#include <credpool/server/concept.hpp>
#include <credpool/server/limits.hpp>

#include "unit/server/engine_world.hpp"

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace server_contract {

namespace cp = credpool;
using namespace std::chrono_literals;
using Exchange = std::shared_ptr<cp::ServerExchange>;

/// A server that answers with a function.
template <class S> struct World {
  explicit World(std::function<void(Exchange)> handle, const cp::ServerLimits& limits = {})
      : server{options(limits)} {
    handler->handles = std::move(handle);
    const auto bound = server.listen({}, handler);
    REQUIRE(bound);
    port = bound->port;
    REQUIRE(port > 0);
    REQUIRE(server.start());
  }
  static auto options(const cp::ServerLimits& limits) {
    typename S::Options options;
    options.limits = limits;
    return options;
  }

  std::shared_ptr<FunctionHandler> handler = std::make_shared<FunctionHandler>();
  typename S::Type server;
  int port = 0;
};

/// Tells what it was told, and that it was on one thread.
struct Told final : cp::ExchangeListener {
  std::function<void()> drained;
  std::atomic<int> gone{0};
  std::thread::id thread;
  std::atomic<bool> elsewhere{false};

  void on_drained() override {
    if (std::this_thread::get_id() != thread) elsewhere = true;
    if (drained) drained();
  }
  void on_client_gone() override {
    if (std::this_thread::get_id() != thread) elsewhere = true;
    ++gone;
  }
};
inline std::shared_ptr<Told> told_of(const Exchange& exchange) {
  auto told = std::make_shared<Told>();
  told->thread = std::this_thread::get_id();
  exchange->listen(told);
  return told;
}

inline std::string get(std::string_view target, std::string_view method = "GET") {
  return std::string{method} + " " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
inline std::string post(std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string{body};
}
/// Header names are the peer's to spell.
inline std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}
inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

template <class S> void answers_whole() {
  World<S> world{[](const Exchange& exchange) {
    const auto& head = exchange->head();
    if (head.path() == "/none")
      return exchange->respond({404, {{"Content-Type", "application/json"}}, "{\"none\":1}"});
    CHECK(exchange->peer() == "127.0.0.1");
    exchange->respond({200,
                       {{"X-Seen", std::string{head.header("x-asked").value_or("nothing")}}},
                       std::string{head.method} + " " + std::string{head.target} + " " +
                           std::string{exchange->body()} + "|"});
  }};
  RawClient client{world.port};
  // All over one connection.
  client.send(
      "GET /a?b=%20c HTTP/1.1\r\nHost: a\r\nX-Asked: this\r\nRange: bytes=0-1,3-4\r\n"
      "Accept-Encoding: gzip\r\n\r\n");
  auto answer = client.read_until("|");
  CHECK(status_of(answer) == 200);
  CHECK(has(lower(answer), "x-seen: this\r\n"));
  CHECK(has(lower(answer), "\r\ndate: "));
  CHECK(answer.ends_with("\r\n\r\nGET /a?b=%20c |"));
  CHECK(has(lower(answer), "content-length: 15\r\n"));  // no range was cut out of it
  client.send(post("abc"));
  CHECK(client.read_until("|").ends_with("\r\n\r\nPOST / abc|"));
  client.send(post(""));
  CHECK(client.read_until("|").ends_with("\r\n\r\nPOST / |"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_until("|").ends_with("\r\n\r\nPOST / |"));
  client.send(
      "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
      "2\r\nde\r\n0\r\n\r\n");
  CHECK(client.read_until("|").ends_with("\r\n\r\nPUT /x abcde|"));
  // A body is nobody's but the handler's.
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Type: "
      "multipart/form-data; boundary=x\r\nContent-Length: 4\r\n\r\nnope");
  CHECK(client.read_until("|").ends_with("\r\n\r\nPOST / nope|"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  client.send("hi");
  CHECK(client.read_until("|").ends_with("\r\n\r\nPOST / hi|"));
  client.send(get("/none"));
  answer = client.read_until("}");
  CHECK(status_of(answer) == 404);
  CHECK(answer.ends_with("\r\n\r\n{\"none\":1}"));
  // Its length, but not itself: the next answer is right behind.
  client.send(get("/a", "HEAD"));
  CHECK(has(lower(client.read_until("\r\n\r\n")), "content-length: 9\r\n"));
  client.send(get("/b"));
  answer = client.read_until("|");
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(answer.ends_with("\r\n\r\nGET /b |"));
}

template <class S> void answers_in_pieces() {
  std::atomic<int> drains{0};
  std::atomic<bool> elsewhere{false};
  World<S> world{[&](const Exchange& exchange) {
    const auto path = exchange->head().path();
    cp::AnswerHead head{200, {{"content-type", "text/event-stream"}}, std::nullopt};
    if (path == "/known") head.content_length = 6;
    if (path == "/short") head.content_length = 9;
    if (path == "/none") head.status = 204;
    exchange->start({500, {}, std::nullopt});
    exchange->write("not this");
    CHECK(exchange->recall());
    CHECK_FALSE(exchange->started());
    exchange->start(head);
    auto left = std::make_shared<int>(3);
    auto told = told_of(exchange);
    auto next = std::make_shared<std::function<void()>>();
    *next = [&, left, exchange, told = told.get(), next = std::weak_ptr{next}] {
      const auto self = next.lock();  // this function outlives what it ends
      while ((*left)-- > 0) {
        const auto bytes = std::to_string(*left) + ";";
        exchange->write(bytes);
        if (exchange->flush()) continue;
        ++drains;
        return;
      }
      if (told->elsewhere) elsewhere = true;
      exchange->finish();
    };
    told->drained = [next] { (*next)(); };
    (*next)();
    CHECK_FALSE(exchange->recall());
  }};
  RawClient client{world.port};
  client.send(get("/known"));
  auto answer = client.read_until("0;");
  CHECK(has(lower(answer), "content-length: 6\r\n"));
  CHECK(has(lower(answer), "content-type: text/event-stream\r\n"));
  CHECK(answer.ends_with("\r\n\r\n2;1;0;"));
  client.send(get("/"));
  answer = client.read_until("0\r\n\r\n");
  CHECK(has(lower(answer), "transfer-encoding: chunked\r\n"));
  CHECK(answer.ends_with("\r\n\r\n2\r\n2;\r\n2\r\n1;\r\n2\r\n0;\r\n0\r\n\r\n"));
  client.send(get("/known", "HEAD"));
  answer = client.read_until("\r\n\r\n");
  CHECK(has(lower(answer), "content-length: 6\r\n"));
  client.send(get("/none"));
  answer = client.read_until("\r\n\r\n");
  CHECK(status_of(answer) == 204);
  CHECK_FALSE(has(lower(answer), "content-length"));
  client.send(get("/short"));
  CHECK(client.read_all().ends_with("\r\n\r\n2;1;0;"));
  // Without chunks the end of an answer is the connection's.
  RawClient old{world.port};
  old.send("GET / HTTP/1.0\r\n\r\n");
  answer = old.read_all();
  CHECK(answer.ends_with("\r\n\r\n2;1;0;"));
  CHECK_FALSE(has(lower(answer), "transfer-encoding"));
  CHECK_FALSE(elsewhere);
}

template <class S> void large_answers_arrive_whole() {
  const std::string body(8 << 20, 'x');
  World<S> world{[&](const Exchange& exchange) {
    exchange->start({200, {}, body.size() + 1});
    auto told = told_of(exchange);
    told->drained = [exchange] {
      exchange->write("|");
      exchange->finish();
    };
    exchange->write(body);
    if (exchange->flush()) told->drained();
  }};
  RawClient client{world.port};
  client.send(get("/"));
  const auto answer = client.read_until("|");
  CHECK(answer.substr(answer.find("\r\n\r\n") + 4) == body + "|");
}

template <class S> void refuses() {
  std::atomic<int> handled{0};
  cp::ServerLimits limits;
  limits.max_body_bytes = 1'000;
  limits.max_headers = 20;
  limits.max_target_bytes = 1'000;
  World<S> world{[&](const Exchange& exchange) {
                   ++handled;
                   answer_with(exchange, "handled|");
                 },
                 limits};
  world.handler->admits = [](const cp::RequestHead& head) -> std::optional<cp::Answer> {
    if (head.header("key") == "right") return std::nullopt;
    return cp::Answer{401, {{"x-why", "key"}}, "no key|"};
  };
  const auto refused = [&](int status, const std::string& request) {
    CAPTURE(request.substr(0, 200));
    RawClient client{world.port};
    client.send(request);
    const auto answer = client.read_all();
    CHECK(status_of(answer) == status);
    CHECK(answer.find("HTTP/1.1 ", 9) == answer.npos);  // one answer, then the end
    CHECK(has(lower(answer), "connection: close\r\n"));
    return answer;
  };
  // Its body never came.
  CHECK(refused(401, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n")
            .ends_with("no key|"));
  refused(401, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  refused(401, get("/") + get("/second"));
  const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nKey: right\r\n";
  refused(413, start + "Content-Length: 1001\r\n\r\n");
  std::string chunk = "400\r\n" + std::string(0x400, 'x') + "\r\n";
  refused(413, start + "Transfer-Encoding: chunked\r\n\r\n" + chunk);
  refused(400, start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  refused(400, start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n");
  refused(400, start + "Host: b\r\n\r\n");
  refused(400, "GET / HTTP/1.1\r\nKey: right\r\n\r\n");
  refused(400, "GET nowhere HTTP/1.1\r\nHost: a\r\nKey: right\r\n\r\n");
  refused(501, start + "Transfer-Encoding: gzip, chunked\r\n\r\n");
  refused(417, start + "Expect: more\r\nContent-Length: 1\r\n\r\n");
  std::string many = start;
  for (int i = 0; i < 20; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  refused(431, many + "\r\n");
  refused(414, "GET /" + std::string(1'500, 'x') + " HTTP/1.1\r\nHost: a\r\nKey: right\r\n\r\n");
  CHECK(handled == 0);
  RawClient client{world.port};
  client.send(start + "Content-Length: 1000\r\n\r\n" + std::string(1'000, 'x'));
  CHECK(client.read_until("|").ends_with("handled|"));
}

template <class S> void answers_two_at_once() {
  std::mutex mutex;
  std::condition_variable both;
  int here = 0;
  World<S> world{[&](const Exchange& exchange) {
    const bool queued = exchange->offload(
        [&] {
          std::unique_lock lock{mutex};
          ++here;
          both.notify_all();
          both.wait_for(lock, 10s, [&] { return here == 2; });
        },
        [&, exchange] { answer_with(exchange, here == 2 ? "both|" : "alone|"); });
    CHECK(queued);
  }};
  RawClient one{world.port};
  RawClient two{world.port};
  one.send(get("/"));
  two.send(get("/"));
  CHECK(one.read_until("|").ends_with("both|"));
  CHECK(two.read_until("|").ends_with("both|"));
}

template <class S> void a_client_that_leaves_is_told_of() {
  std::shared_ptr<Told> told;
  std::promise<void> begun;
  std::atomic<bool> late{false};
  World<S> world{[&](const Exchange& exchange) {
    told = told_of(exchange);
    exchange->start({200, {}, std::nullopt});
    exchange->write("first;");
    (void)exchange->flush();
    exchange->after(2'000ms, [&] { late = true; });
    begun.set_value();
  }};
  RawClient client{world.port};
  client.send(get("/"));
  CHECK(has(client.read_until("first;"), "first;"));
  begun.get_future().wait();
  CHECK(told->gone == 0);
  client.close();
  CHECK(comes([&] { return told->gone == 1; }));
  CHECK_FALSE(told->elsewhere);
  // Timers outlive their exchange.
  CHECK(comes([&] { return late.load(); }));
  CHECK(told->gone == 1);
}

template <class S> void a_cut_answer_is_seen_to_be_cut() {
  World<S> world{[](const Exchange& exchange) {
    if (exchange->head().path() == "/before") return exchange->cut();
    exchange->start({200, {}, std::nullopt});
    exchange->write("some;");
    auto told = told_of(exchange);
    told->drained = [exchange] { exchange->cut(); };
    if (exchange->flush()) told->drained();
  }};
  RawClient client{world.port};
  client.send(get("/"));
  const auto answer = client.read_all();
  CHECK(has(answer, "some;"));
  CHECK_FALSE(has(answer, "0\r\n\r\n"));
  RawClient other{world.port};
  other.send(get("/before"));
  const auto nothing = other.read_all();
  CHECK((nothing.empty() || nothing.ends_with("\r\n\r\n")));
  CHECK(status_of(nothing) != 200);
}

template <class S> void time_and_work_come_on_the_exchange_s_thread() {
  World<S> world{[](const Exchange& exchange) {
    const auto thread = std::this_thread::get_id();
    exchange->after(30ms, [exchange, thread] {
      const bool timer_here = std::this_thread::get_id() == thread;
      auto worked_there = std::make_shared<bool>(false);
      const bool queued = exchange->offload(
          [thread, worked_there] { *worked_there = std::this_thread::get_id() != thread; },
          [exchange, thread, timer_here, worked_there] {
            const bool here = std::this_thread::get_id() == thread;
            answer_with(exchange, timer_here && here && *worked_there ? "right|" : "wrong|");
          });
      CHECK(queued);
    });
  }};
  RawClient client{world.port};
  for (int i = 0; i < 2; ++i) {
    client.send(get("/"));
    CHECK(client.read_until("|").ends_with("right|"));
  }
}

template <class S> void stop_lets_answers_finish() {
  std::promise<void> begun;
  std::promise<void> go_on;
  World<S> world{[&](const Exchange& exchange) {
    const bool queued = exchange->offload(
        [&] {
          begun.set_value();
          go_on.get_future().wait();
        },
        [exchange] {  // it begins its answer when the server is stopping already
          exchange->start({200, {}, std::nullopt});
          auto told = told_of(exchange);
          told->drained = [exchange] {
            exchange->write("end|");
            exchange->finish();
          };
          exchange->write("begin;");
          if (exchange->flush()) told->drained();
        });
    CHECK(queued);
  }};
  RawClient client{world.port};
  client.send(get("/"));
  begun.get_future().wait();
  std::thread stopping{[&] { world.server.stop(20s); }};
  CHECK(comes([&] { return !RawClient{world.port}.connected(); }));
  go_on.set_value();
  const auto answer = client.read_all();
  CHECK(has(answer, "begin;"));
  CHECK(has(answer, "end|"));
  CHECK(answer.ends_with("0\r\n\r\n"));
  stopping.join();
  CHECK_FALSE(RawClient{world.port}.connected());
}

template <class S> void stop_cuts_what_takes_longer() {
  std::shared_ptr<Told> told;
  std::promise<void> begun;
  World<S> world{[&](const Exchange& exchange) {
    told = told_of(exchange);
    begun.set_value();
  }};
  RawClient client{world.port};
  client.send(get("/"));
  begun.get_future().wait();
  world.server.stop(10ms);
  CHECK(told->gone == 1);
  CHECK_FALSE(told->elsewhere);
  CHECK(status_of(client.read_all()) != 200);
}

template <class S> void an_address_is_bound_at_once() {
  const auto handler = std::make_shared<FunctionHandler>();
  typename S::Type one;
  const auto bound = one.listen({}, handler);
  REQUIRE(bound);
  CHECK(bound->port != 0);
  typename S::Type two;
  const auto taken = two.listen(*bound, handler);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == cp::Errc::busy);
  const auto none = two.listen({.ip = "nowhere", .port = 0, .unix_path = {}}, handler);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == cp::Errc::invalid_argument);
  one.stop(cp::Duration::zero());
  CHECK(two.listen(*bound, handler));
  CHECK_FALSE(one.listen({}, handler));
}

}  // namespace server_contract
