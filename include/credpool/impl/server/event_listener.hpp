#pragma once
// SPDX-License-Identifier: MIT

// Listening sockets of the event engine. Internal.

#include <credpool/core/result.hpp>
#include <credpool/server/listen_address.hpp>

#include <asio/basic_socket_acceptor.hpp>
#include <asio/error.hpp>
#include <asio/generic/stream_protocol.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A socket's address in the system's form.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }

  /// Of an address that is_usable().
  static SocketAddress of(const ListenAddress& address) noexcept {
    SocketAddress made;
    if (!address.unix_path.empty()) {
      auto& local = reinterpret_cast<sockaddr_un&>(made.storage);
      local.sun_family = AF_UNIX;
      std::memcpy(local.sun_path, address.unix_path.c_str(), address.unix_path.native().size());
      made.size = sizeof local;
    } else if (address.ip.find(':') != std::string::npos) {
      auto& six = reinterpret_cast<sockaddr_in6&>(made.storage);
      six.sin6_family = AF_INET6;
      six.sin6_port = htons(address.port);
      ::inet_pton(AF_INET6, address.ip.c_str(), &six.sin6_addr);
      made.size = sizeof six;
    } else {
      auto& four = reinterpret_cast<sockaddr_in&>(made.storage);
      four.sin_family = AF_INET;
      four.sin_port = htons(address.port);
      ::inet_pton(AF_INET, address.ip.c_str(), &four.sin_addr);
      made.size = sizeof four;
    }
    return made;
  }

  /// Whether a path fits, or an IP address is one: an address that is none must not become "every
  /// address".
  static bool is_usable(const ListenAddress& address) noexcept {
    if (!address.unix_path.empty())
      return address.unix_path.native().size() < sizeof(sockaddr_un::sun_path);
    in6_addr ignored{};
    const bool six = address.ip.find(':') != std::string::npos;
    return ::inet_pton(six ? AF_INET6 : AF_INET, address.ip.c_str(), &ignored) == 1;
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
  std::uint16_t port() const noexcept {
    return ntohs(storage.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  }
};

/// A descriptor that is closed unless it is given away.
class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int descriptor) noexcept : descriptor_{descriptor} {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept
      : descriptor_{std::exchange(other.descriptor_, -1)} {}
  OwnedDescriptor& operator=(OwnedDescriptor&&) = delete;
  ~OwnedDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// Removes the socket of a server that is no more.
/// @return whether somebody still listens there
inline bool unix_socket_is_alive(const ListenAddress& address) {
  struct stat about {};
  if (::lstat(address.unix_path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  const OwnedDescriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto where = SocketAddress::of(address);
  if (::connect(probe.get(), where.get(), where.size) == 0) return true;
  if (errno != ECONNREFUSED) return true;
  ::unlink(address.unix_path.c_str());
  return false;
}

/// Binds and listens; `address` gets the port that was chosen.
inline Result<OwnedDescriptor> bind_listener(ListenAddress& address) {
  const auto failed = [&] {
    const auto code = errno == EADDRINUSE ? Errc::busy
                      : errno == EACCES   ? Errc::permission_denied
                                          : Errc::io;
    return fail(code, "listening", address.text(),
                code == Errc::busy
                    ? "another program listens there: choose another port with --listen"
                    : std::strerror(errno));
  };
  if (!SocketAddress::is_usable(address))
    return fail(Errc::invalid_argument, "listening", address.text(),
                "give an IP address and a port, or a path of at most 107 bytes");
  if (!address.unix_path.empty() && unix_socket_is_alive(address)) {
    errno = EADDRINUSE;
    return failed();
  }
  auto where = SocketAddress::of(address);
  OwnedDescriptor socket{
      ::socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.get() < 0) return failed();
  const int on = 1;
  const int off = 0;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (where.storage.ss_family == AF_INET6)
    (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), where.get(), where.size) != 0) return failed();
  // Before listen() nobody can connect: no moment at which others may.
  const bool is_unix = !address.unix_path.empty();
  if ((is_unix && ::chmod(address.unix_path.c_str(), S_IRUSR | S_IWUSR) != 0) ||
      ::listen(socket.get(), 4096) != 0) {
    auto failure = failed();
    if (is_unix) ::unlink(address.unix_path.c_str());
    return failure;
  }
  if (address.unix_path.empty()) {
    where.size = sizeof where.storage;
    if (::getsockname(socket.get(), where.get(), &where.size) != 0) return failed();
    address.port = where.port();
  }
  return socket;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
