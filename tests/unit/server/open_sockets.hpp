#pragma once
// SPDX-License-Identifier: MIT

// The sockets of this process, as an engine has set them up.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>

/// The socket whose peer has that port (IPv4); -1 when there is none.
inline int socket_with_peer(std::uint16_t port) {
  for (int number = 3; number < 1024; ++number) {
    sockaddr_in other{};
    socklen_t size = sizeof other;
    if (::getpeername(number, reinterpret_cast<sockaddr*>(&other), &size) == 0 &&
        other.sin_family == AF_INET && ntohs(other.sin_port) == port)
      return number;
  }
  return -1;
}

inline int tcp_option(int socket, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, IPPROTO_TCP, name, &value, &size) == 0 ? value : -1;
}

/// The name of what decides how fast it sends.
inline std::string congestion_control(int socket) {
  std::array<char, 32> name{};
  socklen_t size = name.size();
  return ::getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) == 0 ? name.data()
                                                                                    : "none";
}
