// SPDX-License-Identifier: MIT
#include "rpc_client.hpp"

#include "cli_pool.hpp"

#include <credpool/core/file.hpp>
#include <credpool/core/platform.hpp>
#include <credpool/core/safe_url.hpp>
#include <credpool/transport/httplib.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string_view>
#include <system_error>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr auto how_to_start = "start one with: credpool serve";
constexpr std::size_t most_answer_bytes = 64 * 1024 * 1024;

cp::Result<cp::Secret> read_token(const std::filesystem::path& path, const Session& session) {
  auto text = cp::read_file(path, session.environment(), {.max_bytes = 512});
  if (!text) return cp::fail(text.error());
  auto token = text->bytes.reveal();
  while (token.ends_with('\n') || token.ends_with('\r') || token.ends_with(' '))
    token.remove_suffix(1);
  return cp::Secret{token};
}

bool is_alive(const Json& place) {
  const auto pid = place.find("pid");
  return pid == place.end() || !pid->is_number_integer() || pid->get<pid_t>() <= 0 ||
         ::kill(pid->get<pid_t>(), 0) == 0 || errno != ESRCH;
}

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// What the running server wrote down.
cp::Result<RpcPlace> written_place(const Session& session, const std::filesystem::path& directory) {
  const auto nobody = [&] {
    return cp::fail(cp::Errc::not_found, "looking for the running server", directory.string(),
                    how_to_start);
  };
  const auto text = cp::read_file(directory / "gateway.json", session.environment(),
                                  {.max_bytes = 4096, .holds_secret = false});
  if (!text && text.error().errc() == cp::Errc::not_found) return nobody();
  if (!text) return cp::fail(text.error());
  const auto place = Json::parse(text->bytes.reveal(), nullptr, false);
  if (!place.is_object() || !is_alive(place)) return nobody();
  RpcPlace found;
  found.url = text_of(place, "url");
  found.socket = text_of(place, "socket");
  if (found.url.empty() && found.socket.empty()) return nobody();
  return found;
}

cp::Unexpected system_fault(const std::filesystem::path& socket, int number) {
  if (number == ENOENT || number == ECONNREFUSED)
    return cp::fail(cp::Errc::not_found, "asking the server", socket.string(), how_to_start);
  return cp::fail(cp::Errc::network, "asking the server", socket.string(),
                  std::error_code{number, std::generic_category()}.message());
}

/// One request over a Unix socket; our own server answers, and closes after it.
cp::Result<cp::Response> send_to_socket(const std::filesystem::path& socket,
                                        std::string_view request, cp::Duration patience) {
  const auto ends = std::chrono::steady_clock::now() + patience;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) return system_fault(socket, ENAMETOOLONG);
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  const cp::Descriptor connection{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!connection) return system_fault(socket, errno);
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_fault(socket, errno);
  while (!request.empty()) {
    const auto sent = ::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return system_fault(socket, errno);
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string text;
  std::size_t body = std::string::npos;
  std::size_t length = std::string::npos;
  while (body == std::string::npos || length == std::string::npos || text.size() - body < length) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        ends - std::chrono::steady_clock::now());
    pollfd wait{connection.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0)
      return cp::fail(cp::Errc::timeout, "asking the server", socket.string());
    char buffer[16384];
    const auto got = ::recv(connection.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_fault(socket, errno);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > most_answer_bytes)
      return cp::fail(cp::Errc::too_large, "asking the server", socket.string());
    if (body == std::string::npos) {
      const auto end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      body = end + 4;
      std::string head = text.substr(0, end + 2);
      std::transform(head.begin(), head.end(), head.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      constexpr std::string_view name = "\r\ncontent-length:";
      if (const auto at = head.find(name); at != std::string::npos) {
        const auto value = head.find_first_not_of(' ', at + name.size());
        std::from_chars(head.data() + value, head.data() + head.size(), length);
      }
    }
  }
  cp::Response response;
  constexpr std::size_t status_at = 9;  // behind "HTTP/1.1 "
  const bool whole = body != std::string::npos && text.starts_with("HTTP/1.") &&
                     (length == std::string::npos || text.size() - body == length);
  if (whole) std::from_chars(text.data() + status_at, text.data() + status_at + 3, response.status);
  if (response.status == 0)
    return cp::fail(cp::Errc::malformed, "asking the server", socket.string(),
                    "what answers there is no server of ours");
  response.body = text.substr(body);
  return response;
}

cp::Result<cp::Response> send(const Session& session, const RpcPlace& place, std::string body,
                              cp::Duration patience) {
  if (place.url.empty()) {
    const cp::Secret request{
        "POST /rpc HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        "content-type: application/json\r\nauthorization: Bearer " +
        std::string{place.token.reveal()} + "\r\ncontent-length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body};
    return send_to_socket(place.socket, request.reveal(), patience);
  }
  cp::HttplibTransport transport{cp::HttplibOptions::from(session.environment())};
  cp::Request request;
  request.method = "POST";
  request.url = place.url + "/rpc";
  request.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
  request.secret_headers = {{"authorization", "Bearer ", place.token}};
  request.body = std::move(body);
  request.timeout = patience;
  request.max_answer_bytes = most_answer_bytes;
  auto response = transport.send(request);
  if (!response && response.error().errc() == cp::Errc::network) {
    auto error = response.error();
    error.hint += (error.hint.empty() ? "" : "; ") + std::string{how_to_start};
    return cp::fail(std::move(error));
  }
  return response;
}

cp::Errc errc_of(std::string_view name) {
  for (int code = static_cast<int>(cp::Errc::not_found);
       code <= static_cast<int>(cp::Errc::configuration); ++code)
    if (cp::to_string(static_cast<cp::Errc>(code)) == name) return static_cast<cp::Errc>(code);
  return cp::Errc::io;
}

}  // namespace

cp::Result<RpcPlace> find_server(const Session& session, const RpcTarget& target) {
  // A file that is wrong now must not keep anybody from the server, which runs with what it had.
  const auto report = cp::read_settings(session.environment());
  const auto directory = open_state_directory(session, report.settings);
  if (!directory) return cp::fail(directory.error());
  RpcPlace place;
  constexpr std::string_view unix_scheme = "unix:";
  if (target.url.empty()) {
    auto written = written_place(session, directory->path());
    if (!written) return written;
    place = std::move(*written);
  } else if (target.url.starts_with(unix_scheme)) {
    place.socket = target.url.substr(unix_scheme.size());
  } else {
    place.url = target.url;
    while (place.url.ends_with('/')) place.url.pop_back();
    if (!cp::is_safe_base_url(place.url))
      return cp::fail(cp::Errc::invalid_argument, "asking a server", "--url",
                      "it is https://HOST:PORT, http://127.0.0.1:PORT or unix:/PATH");
    // Ours is for the server of this machine; nobody else is to see it.
    if (place.url.starts_with("https://") && target.token_file.empty())
      return cp::fail(cp::Errc::invalid_argument, "asking a server", "--url",
                      "name the file with that server's token: --token-file");
  }
  auto token =
      read_token(target.token_file.empty() ? directory->path() / "gateway.token"
                                           : session.environment().expand(target.token_file),
                 session);
  if (!token && token.error().errc() == cp::Errc::not_found && target.token_file.empty())
    return cp::fail(cp::Errc::not_found, "looking for the running server",
                    directory->path().string(), how_to_start);
  if (!token) return cp::fail(token.error());
  place.token = std::move(*token);
  return place;
}

cp::Result<RpcOutcome> call_method(const Session& session, const RpcPlace& place,
                                   const std::string& method, const Json& params,
                                   cp::Duration patience) {
  const auto where = place.url.empty() ? place.socket.string() : place.url;
  const Json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
  const auto response =
      send(session, place, request.dump(-1, ' ', false, Json::error_handler_t::replace), patience);
  if (!response) return cp::fail(response.error());
  if (response->status == 401)
    return cp::fail(cp::Errc::unauthorized, "asking the server", where,
                    "it does not know our token: is it another user's, or of another state "
                    "directory?");
  const auto document = Json::parse(response->body, nullptr, false);
  if (!document.is_object() || document.value("jsonrpc", "") != "2.0") {
    cp::Error error{
        cp::Errc::http_status, "asking the server", where,
        "it answered " + std::to_string(response->status) + "; is it a server of ours with RPC?"};
    error.http_status = response->status;
    return cp::fail(std::move(error));
  }
  const auto fault = document.find("error");
  if (fault == document.end()) return RpcOutcome{document.value("result", Json(nullptr))};
  RpcRefusal refusal;
  refusal.message = "the server refused";
  if (fault->is_object()) {
    const auto code = fault->find("code");
    if (code != fault->end() && code->is_number_integer()) refusal.code = code->get<int>();
    if (const auto data = fault->find("data"); data != fault->end() && data->is_object()) {
      refusal.errc = errc_of(text_of(*data, "code"));
      refusal.message = text_of(*data, "message");
      refusal.hint = text_of(*data, "hint");
      refusal.retry_at = text_of(*data, "retryAt");
    }
  }
  return RpcOutcome{nullptr, std::move(refusal)};
}

}  // namespace credpool_cli
