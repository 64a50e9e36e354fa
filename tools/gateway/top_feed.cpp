// SPDX-License-Identifier: MIT
#include "top_feed.hpp"

#include <credpool/core/clock.hpp>
#include <credpool/core/platform.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t most_events = 50;
constexpr std::chrono::seconds ask_every{2};
constexpr cp::Duration patience{5'000};  // whoever quits waits no longer for a server that hangs
constexpr std::size_t longest_line = 256 * 1024;

std::string lower(std::string_view text) {
  std::string low{text};
  for (auto& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return low;
}

cp::Descriptor connect_to(const sockaddr* address, socklen_t size, int family) {
  cp::Descriptor connection{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (connection && ::connect(connection.get(), address, size) != 0) return cp::Descriptor{-1};
  return connection;
}

/// The server's socket, or its port; none for https, whose events are not followed.
cp::Descriptor connect_to(const RpcPlace& place, std::string& host) {
  host = "localhost";
  if (!place.socket.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto& path = place.socket.native();
    if (path.size() >= sizeof address.sun_path) return cp::Descriptor{-1};
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX);
  }
  constexpr std::string_view scheme = "http://";
  if (!place.url.starts_with(scheme)) return cp::Descriptor{-1};
  host = place.url.substr(scheme.size());
  const auto colon = host.rfind(':');
  if (colon == std::string::npos) return cp::Descriptor{-1};
  auto name = host.substr(0, colon);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.c_str(), host.c_str() + colon + 1, &hints, &found) != 0)
    return cp::Descriptor{-1};
  cp::Descriptor connection{-1};
  for (const auto* each = found; each != nullptr && !connection; each = each->ai_next)
    connection = connect_to(each->ai_addr, each->ai_addrlen, each->ai_family);
  ::freeaddrinfo(found);
  return connection;
}

bool is_worth_a_line(std::string_view type) {
  return type.starts_with("credential.") || type.starts_with("pool.") || type == "flow" ||
         type == "scan.finished" || type.starts_with("settings.") || type == "cooldowns.changed";
}

}  // namespace

std::optional<std::vector<EventReader::Event>> EventReader::feed(std::string_view bytes) {
  raw_ += bytes;
  std::vector<Event> events;
  if (raw_.size() + text_.size() > longest_line) return std::nullopt;
  if (!head_done_ && !take_head()) return std::nullopt;
  if (!head_done_) return events;
  if (!chunked_)
    text_ += std::exchange(raw_, {});
  else if (!take_chunks())
    return std::nullopt;
  take_lines(events);
  return events;
}

/// @return whether it may still be an answer with events
bool EventReader::take_head() {
  const auto end = raw_.find("\r\n\r\n");
  if (end == std::string::npos) return raw_.size() < 16 * 1024;
  const auto head = lower(std::string_view{raw_}.substr(0, end + 2));
  raw_.erase(0, end + 4);
  if (!head.starts_with("http/1.1 200") || head.find("text/event-stream") == std::string::npos)
    return false;
  chunked_ = head.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos;
  head_done_ = true;
  return true;
}

bool EventReader::take_chunks() {
  while (!raw_.empty()) {
    if (chunk_left_ > 0) {
      const auto size = std::min(chunk_left_, raw_.size());
      text_ += raw_.substr(0, size);
      raw_.erase(0, size);
      chunk_left_ -= size;
      after_chunk_ = chunk_left_ == 0;
      continue;
    }
    const auto end = raw_.find("\r\n");
    if (end == std::string::npos) return raw_.size() < 64;
    if (after_chunk_) {
      if (end != 0) return false;
      after_chunk_ = false;
    } else {
      const auto* first = raw_.data();
      const auto read = std::from_chars(first, first + end, chunk_left_, 16);
      if (read.ec != std::errc{} || chunk_left_ == 0) return false;
    }
    raw_.erase(0, end + 2);
  }
  return true;
}

void EventReader::take_lines(std::vector<Event>& events) {
  for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
    auto line = text_.substr(0, end);
    text_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    constexpr std::string_view type = "event:", data = "data:";
    const auto value = [&](std::string_view name) {
      auto rest = line.substr(name.size());
      return rest.starts_with(' ') ? rest.substr(1) : rest;
    };
    if (line.starts_with(type))
      event_.type = value(type);
    else if (line.starts_with(data))
      event_.data += value(data);
    else if (line.empty() && !event_.type.empty())
      events.push_back(std::exchange(event_, {}));
  }
}

TopFeed::TopFeed(const Session& session, RpcPlace place, std::function<void()> changed)
    : session_{session}, place_{std::move(place)}, changed_{std::move(changed)} {
  data_.server = place_.url.empty() ? place_.socket.string() : place_.url;
  asks_ = std::thread{[this] { ask_always(); }};
  listens_ = std::thread{[this] { listen_always(); }};
}

TopFeed::~TopFeed() {
  stopping_ = true;
  wake_.notify_all();
  asks_.join();
  listens_.join();
}

TopData TopFeed::data() const {
  const std::lock_guard lock{mutex_};
  return data_;
}

void TopFeed::pause(bool paused) {
  const std::lock_guard lock{mutex_};
  paused_ = paused;
  due_ = !paused;
  wake_.notify_all();
}

cp::Result<TopData> TopFeed::ask(const Session& session, const RpcPlace& place) {
  const auto call = [&](const char* method) -> cp::Result<Json> {
    auto outcome = call_method(session, place, method, Json::object(), patience);
    if (!outcome) return cp::fail(outcome.error());
    if (outcome->refusal)
      return cp::fail(outcome->refusal->errc, "asking the server", method, outcome->refusal->hint);
    return std::move(outcome->result);
  };
  TopData data;
  data.server = place.url.empty() ? place.socket.string() : place.url;
  auto status = call("tokenDiscovery.status");
  if (!status) return cp::fail(status.error());
  data.status = std::move(*status);
  auto activity = call("activity.recent");
  if (!activity) return cp::fail(activity.error());
  data.activity = std::move(*activity);
  return data;
}

cp::Result<std::size_t> TopFeed::clear_cooldown(const std::string& credential) {
  const auto outcome =
      call_method(session_, place_, "cooldown.clear", Json{{"credential", credential}}, patience);
  if (!outcome) return cp::fail(outcome.error());
  if (outcome->refusal)
    return cp::fail(outcome->refusal->errc, "clearing a cooldown", {}, outcome->refusal->hint);
  happened();
  const auto cleared =
      outcome->result.is_object() ? outcome->result.find("cleared") : outcome->result.end();
  if (cleared == outcome->result.end()) return std::size_t{0};
  if (cleared->is_array()) return cleared->size();
  return cleared->is_number_unsigned() ? cleared->get<std::size_t>() : std::size_t{0};
}

void TopFeed::ask_always() {
  constexpr std::chrono::milliseconds soonest{300};  // between two questions
  while (!stopping_) {
    auto asked = ask(session_, place_);
    {
      std::unique_lock lock{mutex_};
      data_.trouble.clear();
      if (asked) {
        data_.status = std::move(asked->status);
        data_.activity = std::move(asked->activity);
      } else {
        data_.trouble = harmless(asked.error().message());
      }
      due_ = false;
    }
    changed_();
    std::unique_lock lock{mutex_};
    wake_.wait_for(lock, soonest, [this] { return stopping_.load(); });
    while (!stopping_ && (paused_ || !due_))
      if (wake_.wait_for(lock, ask_every) == std::cv_status::timeout && !paused_) break;
  }
}

void TopFeed::happened() {
  const std::lock_guard lock{mutex_};
  due_ = true;
  wake_.notify_all();
}

void TopFeed::take(const EventReader::Event& event) {
  if (is_worth_a_line(event.type)) {
    const std::lock_guard lock{mutex_};
    auto data = Json::parse(event.data, nullptr, false);
    if (data.is_discarded()) return;
    data_.events.push_back({cp::SystemClock{}.now(), harmless(event.type), std::move(data)});
    if (data_.events.size() > most_events) data_.events.pop_front();
  }
  happened();
}

void TopFeed::listen_always() {
  while (!stopping_) {
    listen();
    std::unique_lock lock{mutex_};
    wake_.wait_for(lock, ask_every, [this] { return stopping_.load(); });
  }
}

void TopFeed::listen() {
  constexpr int slice = 250;
  std::string host;
  const auto connection = connect_to(place_, host);
  if (!connection) return;
  std::string head = "GET /events HTTP/1.1\r\nhost: " + host + "\r\naccept: text/event-stream\r\n";
  head += "authorization: Bearer ";
  head += place_.token.reveal();
  head += "\r\n\r\n";
  const auto sent = ::send(connection.get(), head.data(), head.size(), MSG_NOSIGNAL);
  const bool whole = sent == static_cast<ssize_t>(head.size());
  cp::wipe(head.data(), head.size());
  EventReader reader;
  while (whole && !stopping_) {
    pollfd wanted{connection.get(), POLLIN, 0};
    if (::poll(&wanted, 1, slice) <= 0) continue;
    char buffer[16'384];
    const auto got = ::recv(connection.get(), buffer, sizeof buffer, 0);
    if (got <= 0) return;
    const auto events = reader.feed({buffer, static_cast<std::size_t>(got)});
    if (!events) return;
    for (const auto& event : *events) take(event);
  }
}

}  // namespace credpool_cli
