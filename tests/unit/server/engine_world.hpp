#pragma once
// SPDX-License-Identifier: MIT

// A running engine, handlers that a test writes in a line, and peers with raw sockets.

#include <credpool/server/event_engine.hpp>

#include "loopback_server.hpp"
#include "throwaway_home.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include <sys/un.h>

/// A client with a raw socket.
class RawClient {
 public:
  explicit RawClient(int port) : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  explicit RawClient(const std::filesystem::path& path)
      : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  int socket() const { return socket_; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void half_close() { ::shutdown(socket_, SHUT_WR); }
  bool send(std::string_view bytes) { return send_all(socket_, bytes); }

  /// Reads until that text has come; what has come so far when it does not within 10 s.
  std::string read_until(std::string_view text) {
    while (got_.find(text) == got_.npos && receive()) {
    }
    const auto at = got_.find(text);
    const auto end = at == got_.npos ? got_.size() : at + text.size();
    auto taken = got_.substr(0, end);
    got_.erase(0, end);
    return taken;
  }
  std::string read_bytes(std::size_t count) {
    while (got_.size() < count && receive()) {
    }
    auto taken = got_.substr(0, count);
    got_.erase(0, taken.size());
    return taken;
  }
  /// Reads to the end of the connection.
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(got_, {});
  }
  /// Whether the peer ended the connection, and did so properly.
  bool ended() const { return ended_; }
  bool reset() const { return reset_; }

 private:
  bool receive() {
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, 10'000) <= 0) return false;
    char buffer[16'384];
    const auto count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count > 0) got_.append(buffer, static_cast<std::size_t>(count));
    if (count == 0) ended_ = true;
    if (count < 0) reset_ = errno == ECONNRESET;
    return count > 0;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::string got_;
};

/// Waits for what another thread brings about; false when it did not come within 10 s.
template <class Holds> bool comes(Holds holds) {
  for (int i = 0; i < 2'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return false;
}

struct FunctionHandler final : credpool::ServerHandler {
  std::function<std::optional<credpool::Answer>(const credpool::RequestHead&)> admits;
  std::function<void(std::shared_ptr<credpool::ServerExchange>)> handles;

  std::optional<credpool::Answer> admit(const credpool::RequestHead& head,
                                        std::string_view) override {
    return admits ? admits(head) : std::nullopt;
  }
  void handle(std::shared_ptr<credpool::ServerExchange> exchange) override {
    handles(std::move(exchange));
  }
  credpool::Answer refusal(int status, std::string_view why) override {
    return {status, {}, std::string{why}};
  }
};

/// An engine with one loop that answers with a function.
struct EngineWorld {
  using Handle = std::function<void(std::shared_ptr<credpool::ServerExchange>)>;

  explicit EngineWorld(Handle handle, credpool::EventEngineOptions options = {})
      : engine{(options.threads = options.threads ? options.threads : 1, std::move(options))} {
    handler->handles = std::move(handle);
    const auto bound = engine.listen({}, handler);
    REQUIRE(bound);
    port = bound->port;
    REQUIRE(engine.start());
  }

  std::shared_ptr<FunctionHandler> handler = std::make_shared<FunctionHandler>();
  credpool::EventEngine engine;
  int port = 0;
};

inline void answer_with(const std::shared_ptr<credpool::ServerExchange>& exchange,
                        std::string body) {
  exchange->respond({200, {}, std::move(body)});
}

inline int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(std::string{answer.substr(9, 3)}.c_str()) : 0;
}
