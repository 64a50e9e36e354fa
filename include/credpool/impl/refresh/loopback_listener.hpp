#pragma once
// SPDX-License-Identifier: MIT

// Hears the one GET that a browser sends back after a login. Internal.
//
// A socket and some hundred lines instead of an HTTP server: no thread, a bound on everything, and
// the header that uses it needs no third party.

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>
#include <credpool/impl/refresh/oauth_providers.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What is answered to one request.
struct LoopbackReply {
  int status = 400;
  std::string_view text;  ///< one sentence without markup
  bool last = false;      ///< the listener is closed after it
};

/// A listener on 127.0.0.1.
class LoopbackListener {
 public:
  /// @param ports tried in order; 0: any free one
  /// @errors busy when none can be had
  static Result<LoopbackListener> open(const std::vector<int>& ports) {
    for (const int port : ports) {
      Descriptor socket{::socket(AF_INET, SOCK_STREAM, 0)};
      if (!socket) continue;
      make_nonblocking(socket.get());
      // A port that another program left a minute ago can be had; one that is listened on cannot.
      const int yes = 1;
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(static_cast<std::uint16_t>(port));
      socklen_t size = sizeof address;
      auto* const generic = reinterpret_cast<sockaddr*>(&address);
      if (::bind(socket.get(), generic, size) != 0 || ::listen(socket.get(), most_peers) != 0 ||
          ::getsockname(socket.get(), generic, &size) != 0)
        continue;
      LoopbackListener listener;
      listener.socket_ = std::move(socket);
      listener.port_ = ntohs(address.sin_port);
      return listener;
    }
    return fail(Errc::busy, "listening for the browser's answer", "127.0.0.1",
                "another program holds the port: end its login, or paste the answer instead "
                "(--no-browser)");
  }

  int port() const noexcept { return port_; }

  /// Takes requests for at most `slice`.
  /// @param judge decides on one whole request head
  /// @param now   monotonic
  /// @return whether the last answer was given; then nothing listens any more
  bool serve(std::chrono::milliseconds slice,
             const std::function<LoopbackReply(std::string_view head)>& judge,
             const std::function<std::chrono::nanoseconds()>& now) {
    std::vector<pollfd> watched{{socket_.get(), POLLIN, 0}};
    for (const auto& peer : peers_) watched.push_back({peer.socket.get(), POLLIN, 0});
    if (::poll(watched.data(), watched.size(), static_cast<int>(slice.count())) < 0) return false;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      auto& peer = peers_[i];
      if (watched[i + 1].revents != 0 && read_some(peer)) {
        const auto reply = judge(peer.text);
        if (reply.last) socket_.reset();  // first, so that whoever has the answer finds nobody here
        answer(peer, reply);
        if (reply.last) {
          peers_.clear();
          return true;
        }
      }
      if (now() - peer.since > longest_head) peer.socket.reset();
    }
    std::erase_if(peers_, [](const Peer& peer) { return !peer.socket; });
    if (watched[0].revents != 0) accept_one(now());
    return false;
  }

 private:
  static constexpr std::size_t most_bytes = 8 * 1024;
  static constexpr int most_peers = 16;
  static constexpr std::chrono::seconds longest_head{5};

  struct Peer {
    Descriptor socket;
    std::chrono::nanoseconds since{};
    std::string text;
  };

  static void make_nonblocking(int socket) {
    ::fcntl(socket, F_SETFD, FD_CLOEXEC);
    ::fcntl(socket, F_SETFL, O_NONBLOCK);
  }

  void accept_one(std::chrono::nanoseconds now) {
    Descriptor socket{::accept(socket_.get(), nullptr, nullptr)};
    if (!socket) return;
    make_nonblocking(socket.get());
    // Browsers open connections in advance and leave them silent: the oldest one gives way.
    if (peers_.size() >= most_peers) peers_.erase(peers_.begin());
    peers_.push_back({std::move(socket), now, {}});
  }

  /// Whether the whole head is there now. A peer that is gone or sends too much is dropped.
  static bool read_some(Peer& peer) {
    char buffer[2048];
    const auto count = ::recv(peer.socket.get(), buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (count <= 0) {
      peer.socket.reset();
      return false;
    }
    peer.text.append(buffer, static_cast<std::size_t>(count));
    if (peer.text.find("\r\n\r\n") != std::string::npos) return true;
    if (peer.text.size() > most_bytes) peer.socket.reset();
    return false;
  }

  /// The answer is far smaller than the socket's buffer, so that one send does.
  static void answer(Peer& peer, const LoopbackReply& reply) {
    const auto page = "<!doctype html><meta charset=utf-8><title>credpool</title><p>" +
                      std::string{reply.text} + "</p>\n";
    const auto message = "HTTP/1.1 " + std::to_string(reply.status) +
                         (reply.status == 200 ? " OK" : " Refused") +
                         "\r\nContent-Type: text/html; charset=utf-8"
                         "\r\nContent-Length: " +
                         std::to_string(page.size()) +
                         "\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'"
                         "\r\nX-Content-Type-Options: nosniff"
                         "\r\nReferrer-Policy: no-referrer"
                         "\r\nCache-Control: no-store"
                         "\r\nConnection: close\r\n\r\n" +
                         page;
#if defined(MSG_NOSIGNAL)
    constexpr int flags = MSG_NOSIGNAL;
#else
    constexpr int flags = 0;
    const int yes = 1;
    ::setsockopt(peer.socket.get(), SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
    // Who does not take the page may do without it.
    [[maybe_unused]] const auto sent =
        ::send(peer.socket.get(), message.data(), message.size(), flags);
    ::shutdown(peer.socket.get(), SHUT_WR);
    peer.socket.reset();
  }

  Descriptor socket_;
  int port_ = 0;
  std::vector<Peer> peers_;
};

/// The request target of a GET to that host; empty when it is anything else.
/// @param host "127.0.0.1:1455", which the Host header must be: a page of another name that leads
///        here is refused
inline std::string_view get_target(std::string_view head, std::string_view host) {
  const auto line_end = head.find("\r\n");
  const auto line = head.substr(0, line_end);
  if (!line.starts_with("GET ") || !line.ends_with(" HTTP/1.1")) return {};
  auto rest = head.substr(line_end + 2);
  int hosts = 0;
  while (true) {
    const auto end = rest.find("\r\n");
    if (end == 0 || end == std::string_view::npos) break;
    const auto field = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) return {};
    if (folded_header(field.substr(0, colon)) != "host") continue;
    auto value = field.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    if (value != host || ++hosts > 1) return {};
  }
  return hosts == 1 ? line.substr(4, line.size() - 4 - 9) : std::string_view{};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
