#pragma once
// SPDX-License-Identifier: MIT

// Calls to upstreams, made on the thread of an engine's loop as handlers make them.

#include "engine_world.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Keeps what it is told; read by the test once it has ended.
struct Hearer final : credpool::UpstreamListener {
  void on_head(const credpool::UpstreamAnswerHead& head) override {
    status = head.status;
    length = head.content_length;
    for (const auto& [name, value] : head.headers)
      headers.append(name).append("=").append(value).append(";");
  }
  void on_data(std::string_view bytes) override {
    body.append(bytes);
    received += bytes.size();
    if (cancel_at_data) call->cancel();
  }
  void on_batch_end(bool) override {
    if (pause_at_batch && received > 0) call->pause();
  }
  void on_end() override { ++ends; }
  void on_failure(const credpool::UpstreamFailure& failure) override {
    code = static_cast<credpool::Errc>(failure.error.code.value());
    sent = failure.request_sent;
    ++ends;
  }
  bool wait() {
    return comes([&] { return ends > 0; });
  }

  std::shared_ptr<credpool::UpstreamCall> call;
  int status = 0;
  std::optional<std::uint64_t> length;
  std::string headers;
  std::string body;
  std::optional<credpool::Errc> code;
  bool sent = false;
  std::atomic<bool> cancel_at_data{false};
  std::atomic<bool> pause_at_batch{false};
  std::atomic<std::size_t> received{0};
  std::atomic<int> ends{0};
};

struct Caller {
  explicit Caller(credpool::EventEngineOptions options = {},
                  std::chrono::seconds keep = std::chrono::seconds{1})
      // The raw upstreams end when their connections do.
      : engine{(options.threads = 1, options.timeouts.keep = keep, std::move(options))} {
    handler->handles = [this](auto exchange) {
      if (const auto next = std::exchange(job, nullptr)) next();
      answer_with(exchange, "|");
    };
    port = engine.listen({}, handler)->port;
    REQUIRE(engine.start());
  }

  std::shared_ptr<Hearer> send(int to, std::string_view body = {}, std::string method = "POST",
                               bool tls = false, const std::string& host = "127.0.0.1") {
    auto hearer = std::make_shared<Hearer>();
    on_loop([&] { hearer->call = send_to(hearer, to, body, method, tls, host); });
    return hearer;
  }
  std::shared_ptr<credpool::UpstreamCall> send_to(
      std::shared_ptr<credpool::UpstreamListener> hearer, int to, std::string_view body,
      const std::string& method, bool tls, const std::string& host) {
    credpool::UpstreamRequest request;
    request.origin = std::make_shared<credpool::UpstreamOrigin>(
        credpool::UpstreamOrigin{host, static_cast<std::uint16_t>(to), tls});
    request.head = method +
                   " / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n";
    request.body = body;
    return engine.upstream().send(std::move(request), std::move(hearer));
  }
  /// Runs it on the loop's own thread, as a handler does.
  void on_loop(std::function<void()> what) {
    job = std::move(what);
    RawClient client{port};
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.read_until("|").ends_with("|"));
  }

  std::shared_ptr<FunctionHandler> handler = std::make_shared<FunctionHandler>();
  std::function<void()> job;
  credpool::EventEngine engine;
  int port = 0;
};

inline LoopbackServer answering(std::string text) {
  return LoopbackServer{[text](int socket) {
    while (!read_http_request(socket).empty())
      if (!send_all(socket, text)) return;
  }};
}

/// Answers once and closes.
inline LoopbackServer answering_once(std::string text) {
  return LoopbackServer{[text](int socket) {
    (void)read_http_request(socket);
    (void)send_all(socket, text);
  }};
}
