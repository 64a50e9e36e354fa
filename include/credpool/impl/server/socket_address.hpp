#pragma once
// SPDX-License-Identifier: MIT

// A socket's address in the system's form. Internal.

#include <credpool/core/version.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }

  /// None unless `ip` is an IP address: it must not become "every address".
  static std::optional<SocketAddress> of_ip(const std::string& ip, std::uint16_t port) noexcept {
    SocketAddress made;
    auto& four = reinterpret_cast<sockaddr_in&>(made.storage);
    if (::inet_pton(AF_INET, ip.c_str(), &four.sin_addr) == 1) {
      four.sin_family = AF_INET;
      four.sin_port = htons(port);
      made.size = sizeof four;
      return made;
    }
    auto& six = reinterpret_cast<sockaddr_in6&>(made.storage);
    if (::inet_pton(AF_INET6, ip.c_str(), &six.sin6_addr) == 1) {
      six.sin6_family = AF_INET6;
      six.sin6_port = htons(port);
      made.size = sizeof six;
      return made;
    }
    return std::nullopt;
  }

  /// None for a path that does not fit.
  static std::optional<SocketAddress> of_unix(std::string_view path) noexcept {
    SocketAddress made;
    auto& local = reinterpret_cast<sockaddr_un&>(made.storage);
    if (path.size() >= sizeof local.sun_path) return std::nullopt;
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, path.data(), path.size());
    made.size = sizeof local;
    return made;
  }

  /// The address without its port; an IPv4 one as such, whatever socket it came through.
  std::string text() const {
    char text[INET6_ADDRSTRLEN] = "";
    if (storage.ss_family == AF_INET6) {
      const auto& six = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
      if (IN6_IS_ADDR_V4MAPPED(&six)) {
        ::inet_ntop(AF_INET, &six.s6_addr[12], text, sizeof text);
        return text;
      }
    }
    if (storage.ss_family == AF_INET)
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text,
                  sizeof text);
    else if (storage.ss_family == AF_INET6)
      ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text,
                  sizeof text);
    else
      return "unix";
    return text;
  }
  /// Whether it is an address of this machine alone.
  bool is_loopback() const noexcept {
    const auto four_is = [](const void* four) {
      return *static_cast<const std::uint8_t*>(four) == 127;
    };
    if (storage.ss_family == AF_INET)
      return four_is(&reinterpret_cast<const sockaddr_in&>(storage).sin_addr);
    if (storage.ss_family != AF_INET6) return false;
    const auto& six = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && four_is(&six.s6_addr[12]));
  }
  std::uint16_t port() const noexcept {
    return ntohs(storage.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  }

  friend bool operator==(const SocketAddress& left, const SocketAddress& right) noexcept {
    return left.size == right.size && std::memcmp(&left.storage, &right.storage, left.size) == 0;
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
