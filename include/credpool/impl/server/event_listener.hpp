#pragma once
// SPDX-License-Identifier: MIT

// Listening sockets of the event engine. Internal.

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>
#include <credpool/server/listen_address.hpp>

#include <credpool/impl/server/event_wire.hpp>
#include <credpool/impl/server/socket_address.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Removes the socket of a server that is no more.
/// @return whether somebody still listens there
inline bool unix_socket_is_alive(const ListenAddress& address, const SocketAddress& where) {
  struct stat about {};
  if (::lstat(address.unix_path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(probe.get(), where.get(), where.size) == 0) return true;
  if (errno != ECONNREFUSED) return true;
  ::unlink(address.unix_path.c_str());
  return false;
}

/// Binds and listens, prepared for peers; `address` gets the port that was chosen.
inline Result<Descriptor> bind_listener(ListenAddress& address) {
  const auto failed = [&] {
    const auto code = errno == EADDRINUSE ? Errc::busy
                      : errno == EACCES   ? Errc::permission_denied
                                          : Errc::io;
    return fail(code, "listening", address.text(),
                code == Errc::busy
                    ? "another program listens there: choose another port with --listen"
                    : std::strerror(errno));
  };
  const bool is_unix = !address.unix_path.empty();
  auto where = is_unix ? SocketAddress::of_unix(address.unix_path.native())
                       : SocketAddress::of_ip(address.ip, address.port);
  if (!where)
    return fail(Errc::invalid_argument, "listening", address.text(),
                "give an IP address and a port, or a path of at most 107 bytes");
  if (is_unix && unix_socket_is_alive(address, *where)) {
    errno = EADDRINUSE;
    return failed();
  }
  Descriptor socket{
      ::socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return failed();
  const int on = 1;
  const int off = 0;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where->storage.ss_family == AF_INET6)
    (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), where->get(), where->size) != 0) return failed();
  prepare_for_peers(socket, where->is_loopback());
  // Before listen() nobody can connect: no moment at which others may.
  if ((is_unix && ::chmod(address.unix_path.c_str(), S_IRUSR | S_IWUSR) != 0) ||
      ::listen(socket.get(), 4096) != 0) {
    auto failure = failed();
    if (is_unix) ::unlink(address.unix_path.c_str());
    return failure;
  }
  if (!is_unix) {
    where->size = sizeof where->storage;
    if (::getsockname(socket.get(), where->get(), &where->size) != 0) return failed();
    address.port = where->port();
  }
  return socket;
}

/// Where a socket listens that somebody else has opened.
inline Result<ListenAddress> address_of_listener(const Descriptor& socket) {
  const auto bad = [] {
    return fail(Errc::invalid_argument, "taking over a socket", {},
                "it must be a stream socket (TCP or Unix) that listens");
  };
  const auto option = [&](int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  SocketAddress where;
  where.size = sizeof where.storage;
  if (option(SO_TYPE) != SOCK_STREAM || option(SO_ACCEPTCONN) != 1 ||
      ::getsockname(socket.get(), where.get(), &where.size) != 0)
    return bad();
  ListenAddress address;
  if (where.storage.ss_family == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(where.storage);
    address.unix_path = local.sun_path[0] == '\0' ? "(abstract)" : local.sun_path;
    return address;
  }
  if (where.storage.ss_family != AF_INET && where.storage.ss_family != AF_INET6) return bad();
  address.ip = where.text();
  address.port = where.port();
  return address;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
