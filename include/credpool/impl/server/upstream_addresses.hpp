#pragma once
// SPDX-License-Identifier: MIT

// The addresses behind an upstream's name. Internal.

#include <credpool/impl/core/forbidden_address.hpp>
#include <credpool/impl/server/blocking_pool.hpp>
#include <credpool/impl/server/socket_address.hpp>

#include <netdb.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether nothing is sent there, whatever name leads to it.
inline bool is_forbidden(const SocketAddress& address) noexcept {
  if (address.storage.ss_family == AF_INET6)
    return is_forbidden_v6(
        reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr.s6_addr);
  if (address.storage.ss_family != AF_INET) return true;
  return is_forbidden_v4(reinterpret_cast<const unsigned char*>(
      &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr));
}

/// Asks the system for a name's addresses; may take its time.
inline std::vector<SocketAddress> look_up(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  std::vector<SocketAddress> found;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &list) != 0) return found;
  for (const auto* each = list; each; each = each->ai_next) {
    SocketAddress address;
    if (each->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
    if (!is_forbidden(address)) found.push_back(address);
  }
  ::freeaddrinfo(list);
  return found;
}

/// Looks a host up once for all who wait, keeps the answer for a while, and gives the address that
/// worked last first.
class UpstreamAddresses {
 public:
  using Found = std::vector<SocketAddress>;
  using Then = std::function<void(const Found&)>;

  UpstreamAddresses(EventLoop& loop, BlockingPool& lookups, std::string host, std::uint16_t port)
      : loop_{loop}, lookups_{lookups}, host_{std::move(host)}, port_{port} {}

  /// `then` gets none when the name cannot be looked up; it may be called before this returns.
  void find(Then then) {
    if (const auto address = SocketAddress::of_ip(host_, port_)) return then({*address});
    if (loop_now() < valid_until_) return then(found_);
    waiting_.push_back(std::move(then));
    if (waiting_.size() > 1) return;  // it is being asked for
    const auto found = std::make_shared<Found>();
    const bool asks =
        lookups_.run([found, host = host_, port = port_] { *found = look_up(host, port); }, loop_,
                     [this, found] { tell(std::move(*found)); });
    if (!asks) tell({});
  }

  /// This one worked.
  void prefer(const SocketAddress& address) {
    const auto at = std::find(found_.begin(), found_.end(), address);
    if (at != found_.end()) std::rotate(found_.begin(), at, at + 1);
  }
  /// None of them worked: look again next time.
  void forget() noexcept { valid_until_ = {}; }

 private:
  void tell(Found found) {
    found_ = std::move(found);
    if (!found_.empty()) valid_until_ = loop_now() + std::chrono::seconds{30};
    for (const auto& next : std::exchange(waiting_, {})) next(found_);
  }

  EventLoop& loop_;
  BlockingPool& lookups_;
  std::string host_;
  std::uint16_t port_;
  Found found_;
  LoopTime valid_until_{};
  std::vector<Then> waiting_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
