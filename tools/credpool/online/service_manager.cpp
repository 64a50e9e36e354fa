// SPDX-License-Identifier: MIT
#include "service_manager.hpp"

#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

std::optional<int> number(const cp::Environment& environment, const char* variable) {
  const auto text = environment.variable(variable);
  int value = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<cp::Descriptor> inherited_sockets(const cp::Environment& environment) {
  constexpr int first = 3;
  constexpr int most = 64;
  std::vector<cp::Descriptor> sockets;
  const auto count = number(environment, "LISTEN_FDS");
  if (number(environment, "LISTEN_PID") != ::getpid() || !count || *count > most) return sockets;
  for (int fd = first; fd < first + *count; ++fd)
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) sockets.emplace_back(fd);
  return sockets;
}

void notify_service_manager(const cp::Environment& environment, std::string_view state) {
  const auto path = environment.variable("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || path->size() < 2 || path->size() >= sizeof address.sun_path ||
      (path->front() != '/' && path->front() != '@'))
    return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path->data(), path->size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const cp::Descriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const auto size = offsetof(sockaddr_un, sun_path) + path->size();
  (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
}

}  // namespace credpool_cli
