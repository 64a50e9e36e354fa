#pragma once
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/// A server on 127.0.0.1 that hands every connection to a function, each in a thread of its own.
class LoopbackServer {
 public:
  using Handler = std::function<void(int socket)>;

  explicit LoopbackServer(Handler handler) : handler_{std::move(handler)} {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error{"cannot listen on loopback"};
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept(); }};
  }
  ~LoopbackServer() {
    stopping_ = true;
    acceptor_.join();
    for (auto& worker : workers_) worker.join();
    ::close(listener_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
  }
  int connections() const { return connections_; }
  bool stopping() const { return stopping_; }

 private:
  void accept() {
    while (!stopping_) {
      pollfd wait{listener_, POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      ++connections_;
      workers_.emplace_back([this, socket] {
        sigset_t pipe;  // here only: the client under test has to do without our help
        ::sigemptyset(&pipe);
        ::sigaddset(&pipe, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
        handler_(socket);
        ::close(socket);
      });
    }
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::vector<std::thread> workers_;  // touched by the acceptor, and after it has ended
  std::thread acceptor_;
};

/// Reads one HTTP request: its head, and as many bytes of body as its Content-Length says.
/// `read(buffer, size)` returns the number of bytes, or at most 0 at the end.
template <class Read> std::string read_http_request(Read&& read) {
  std::string text;
  std::size_t wanted = std::string::npos;
  while (text.size() < wanted) {
    char buffer[4096];
    const auto count = read(buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    wanted = end + 4;
    const auto length = text.find("Content-Length: ");
    if (length < end) wanted += std::stoul(text.substr(length + 16));
  }
  return text;
}

inline std::string read_http_request(int socket) {
  return read_http_request(
      [socket](char* buffer, std::size_t size) { return ::recv(socket, buffer, size, 0); });
}

/// Sends all bytes; false when the peer has gone.
inline bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// An HTTP answer with its Content-Length.
inline std::string http_answer(std::string_view status_line, std::string_view body,
                               std::string_view headers = {}) {
  return "HTTP/1.1 " + std::string{status_line} +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string{headers} +
         "\r\n" + std::string{body};
}
