#pragma once
// SPDX-License-Identifier: MIT

// Guards around one exchange of cpp-httplib: time, repetition, addresses. Internal.

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>
#include <credpool/impl/core/sigpipe.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Watches the one connection of an exchange.
///
/// httplib's own time-outs count anew for every read, so a server that sends a byte a second would
/// hold us for ever: here the socket is shut down when the time for the whole exchange is up. It
/// works on a duplicate of the descriptor, so that a closed and reused number cannot be hit.
class ConnectionGuard {
 public:
  ConnectionGuard(Duration allowed, bool single_connection)
      : single_connection_{single_connection},
        deadline_{std::chrono::steady_clock::now() + allowed},
        timer_{[this] { run(); }} {}
  ~ConnectionGuard() {
    {
      const std::lock_guard lock{mutex_};
      done_ = true;
    }
    changed_.notify_all();
    timer_.join();
  }
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  /// Called by httplib for every socket that it makes, before it connects.
  void adopt(int socket) {
    const std::lock_guard lock{mutex_};
    if ((single_connection_ && duplicate_) || expired_) {
      // httplib would now send the request a second time: what cannot connect cannot send.
      refused_ = refused_ || !expired_;
      if (const Descriptor nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)})
        ::dup2(nothing.get(), socket);
      return;
    }
    duplicate_ = Descriptor{::fcntl(socket, F_DUPFD_CLOEXEC, 0)};
  }

  Duration left() const {
    const auto left =
        std::chrono::duration_cast<Duration>(deadline_ - std::chrono::steady_clock::now());
    return std::max(left, Duration{0});
  }
  bool expired() const {
    const std::lock_guard lock{mutex_};
    return expired_;
  }
  bool refused() const {
    const std::lock_guard lock{mutex_};
    return refused_;
  }
  /// A connection that never came about does not count: the next address may be tried.
  void forget_connection() {
    const std::lock_guard lock{mutex_};
    duplicate_.reset();
  }

 private:
  void run() {
    std::unique_lock lock{mutex_};
    if (changed_.wait_until(lock, deadline_, [this] { return done_; })) return;
    expired_ = true;
    if (duplicate_) ::shutdown(duplicate_.get(), SHUT_RDWR);
  }

  const bool single_connection_;
  const std::chrono::steady_clock::time_point deadline_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Descriptor duplicate_;
  bool done_ = false;
  bool expired_ = false;
  bool refused_ = false;
  std::thread timer_;  // last: it uses everything above
};

struct HostAddress {
  std::string text;
  bool loopback = false;
};

/// The addresses of a host, in the order of the system's resolver.
/// @errors network when the name is not known
inline Result<std::vector<HostAddress>> resolve_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0)
    return fail(Errc::network, "looking up the host name", host, "check the name and the network");
  std::vector<HostAddress> addresses;
  for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
    char text[INET6_ADDRSTRLEN] = {};
    HostAddress address;
    if (entry->ai_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(entry->ai_addr);
      ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
      address.loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    } else if (entry->ai_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(entry->ai_addr);
      ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
      address.loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else {
      continue;
    }
    address.text = text;
    addresses.push_back(std::move(address));
  }
  ::freeaddrinfo(list);
  if (addresses.empty()) return fail(Errc::network, "looking up the host name", host);
  return addresses;
}

/// Whether the text is "localhost" or a loopback IP address.
inline bool names_loopback(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
