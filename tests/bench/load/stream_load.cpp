// SPDX-License-Identifier: MIT
// Event streams by the thousand, for proxy_bench.py: the upstream that sends them and the client
// that measures them, each one thread and one epoll.
//
//   stream-load upstream [--events N] [--interval-ms M]
//     answers every request on a free loopback port, which it prints: one with "stream":true with N
//     events, the first at once and the others M ms apart, any other with a short JSON body.
//   stream-load client --port P --streams N [--spread-ms S] [--path /v1/chat/completions] [--header
//   'Name: value']...
//     connects N times, sends the N requests at once (or evenly over S ms) and prints one JSON
//     line.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using Instant = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::duration<double, std::milli>;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Options {
  bool upstream = false;
  int events = 50;
  int interval_ms = 10;
  int port = 0;
  int streams = 64;
  int spread_ms = 0;
  std::string path = "/v1/chat/completions";
  std::string headers;
};

Options parse(int count, char** words) {
  Options options;
  if (count < 2) {
    std::fputs("usage: stream-load upstream|client [options]; see the top of stream_load.cpp\n",
               stderr);
    std::exit(2);
  }
  options.upstream = std::string_view(words[1]) == "upstream";
  for (int i = 2; i + 1 < count; i += 2) {
    const std::string_view name = words[i];
    const char* value = words[i + 1];
    if (name == "--events")
      options.events = std::atoi(value);
    else if (name == "--interval-ms")
      options.interval_ms = std::atoi(value);
    else if (name == "--port")
      options.port = std::atoi(value);
    else if (name == "--streams")
      options.streams = std::atoi(value);
    else if (name == "--spread-ms")
      options.spread_ms = std::atoi(value);
    else if (name == "--path")
      options.path = value;
    else if (name == "--header")
      options.headers.append(value).append("\r\n");
    else {
      std::fprintf(stderr, "stream-load: no option %s\n", words[i]);
      std::exit(2);
    }
  }
  return options;
}

int new_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void watch(int epoll, int fd, std::uint32_t events, int how = EPOLL_CTL_ADD) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, how, fd, &event) != 0) give_up("epoll_ctl");
}

void allow_many_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string chunk(std::string_view text) {
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return std::string(size).append(text).append("\r\n");
}

// ---- the upstream

struct Answering {
  std::string in;
  std::string out;
  int left = 0;  // events of the stream that runs
};

class Upstream {
 public:
  explicit Upstream(const Options& options) : options_(options) {
    const std::string head =
        R"(data: {"id":"chatcmpl-fixed","object":"chat.completion.chunk","created":1700000000,"model":"gpt-fake",)";
    event_ = chunk(
        head +
        R"("choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]})" +
        "\n\n");
    last_ =
        chunk(
            head +
            R"("choices":[],"usage":{"prompt_tokens":11,"completion_tokens":50,"total_tokens":61}})" +
            "\n\n" + "data: [DONE]\n\n") +
        "0\r\n\r\n";
    const std::string body =
        R"({"id":"chatcmpl-fixed","object":"chat.completion","created":1700000000,"model":"gpt-fake","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":"Hello from the fixed upstream"},"logprobs":null,"finish_reason":"stop"}],)"
        R"("usage":{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}})";
    plain_ = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listener_ = new_socket();
    auto address = loopback(options_.port);
    socklen_t size = sizeof address;
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 8192) != 0)
      give_up("listen");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    watch(epoll_, listener_, EPOLLIN);
    std::vector<epoll_event> ready(1024);
    for (;;) {
      const int count =
          ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), wait_ms());
      for (int i = 0; i < count; ++i) handle(ready[static_cast<std::size_t>(i)]);
      send_due();
    }
  }

 private:
  struct Due {
    Instant at;
    int fd;
    std::uint64_t serial;  // of the stream: the descriptor may be another's by then
  };

  int wait_ms() const {
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        due_.front().at - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }

  void handle(const epoll_event& event) {
    const int fd = event.data.fd;
    if (fd == listener_) {
      for (int peer;
           (peer = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        const int on = 1;
        ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peers_[peer] = {};
        watch(epoll_, peer, EPOLLIN);
      }
      return;
    }
    const auto found = peers_.find(fd);
    if (found == peers_.end()) return;
    if ((event.events & EPOLLOUT) != 0 && !flush(fd, found->second)) return;
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(fd, found->second);
  }

  void receive(int fd, Answering& peer) {
    char buffer[65536];
    for (;;) {
      const auto got = ::read(fd, buffer, sizeof buffer);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (got <= 0) return close_peer(fd);
      peer.in.append(buffer, static_cast<std::size_t>(got));
    }
    while (peer.left == 0) {
      const auto head_end = peer.in.find("\r\n\r\n");
      if (head_end == std::string::npos) return;
      const auto whole = request_size(peer.in, head_end + 4);
      if (whole == 0 || peer.in.size() < whole) return;
      const bool streams =
          std::string_view(peer.in).substr(head_end, whole - head_end).find("\"stream\":true") !=
          std::string_view::npos;
      peer.in.erase(0, whole);
      if (!answer(fd, peer, streams)) return;
    }
  }

  /// Head and body; 0 while that cannot be told yet.
  static std::size_t request_size(std::string_view in, std::size_t head) {
    const auto field = [&](std::string_view name) {
      for (std::size_t at = 0; at + name.size() < head; ++at) {
        if (in[at] == '\n' && ::strncasecmp(in.data() + at + 1, name.data(), name.size()) == 0)
          return at + 1 + name.size();
      }
      return std::size_t{0};
    };
    if (const auto at = field("content-length:"))
      return head + static_cast<std::size_t>(std::atoll(in.data() + at));
    if (field("transfer-encoding:") == 0) return head;
    const auto end = in.find("0\r\n\r\n", head);  // no JSON that is sent here holds this
    return end == std::string_view::npos ? 0 : end + 5;
  }

  bool answer(int fd, Answering& peer, bool streams) {
    if (!streams) {
      peer.out += plain_;
      return flush(fd, peer);
    }
    serials_[fd] = ++serial_;
    peer.left = options_.events;
    peer.out +=
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    return next_event(fd, peer, std::chrono::steady_clock::now());
  }

  bool next_event(int fd, Answering& peer, Instant now) {
    peer.left -= 1;
    peer.out += peer.left > 0 ? event_ : last_;
    if (peer.left > 0)
      due_.push_back({now + std::chrono::milliseconds(options_.interval_ms), fd, serials_[fd]});
    return flush(fd, peer);
  }

  void send_due() {
    const auto now = std::chrono::steady_clock::now();
    while (!due_.empty() && due_.front().at <= now) {
      const auto due = due_.front();
      due_.pop_front();
      const auto found = peers_.find(due.fd);
      // The next one is due by this one's time, not by ours: a late one does not slow the stream.
      if (found != peers_.end() && serials_[due.fd] == due.serial)
        next_event(due.fd, found->second, due.at);
    }
  }

  bool flush(int fd, Answering& peer) {
    while (!peer.out.empty()) {
      const auto sent = ::send(fd, peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        watch(epoll_, fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        return true;
      }
      if (sent <= 0) {
        close_peer(fd);
        return false;
      }
      peer.out.erase(0, static_cast<std::size_t>(sent));
      if (peer.out.empty()) watch(epoll_, fd, EPOLLIN, EPOLL_CTL_MOD);
    }
    return true;
  }

  void close_peer(int fd) {
    serials_.erase(fd);
    peers_.erase(fd);
    ::close(fd);
  }

  Options options_;
  std::string event_, last_, plain_;
  int epoll_ = -1, listener_ = -1;
  std::uint64_t serial_ = 0;
  std::unordered_map<int, Answering> peers_;
  std::unordered_map<int, std::uint64_t> serials_;
  std::deque<Due> due_;  // in order: the interval is the same for all
};

// ---- the client

struct Stream {
  int fd = -1;
  Instant sent{};
  Instant first{};
  Instant done{};
  std::uint64_t bytes = 0;
  std::string begin;   // until the head is whole
  std::string ending;  // the last bytes: how a whole stream is told
  bool failed = false;
};

double percentile(std::vector<double>& values, double part) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

class Client {
 public:
  explicit Client(const Options& options)
      : options_(options), streams_(static_cast<std::size_t>(options.streams)) {
    const std::string body =
        R"({"model":"gpt-fake","stream":true,"messages":[{"role":"user","content":"hello"}]})";
    request_ = "POST " + options.path +
               " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) +
               "\r\nContent-Type: application/json\r\n" + options.headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  int run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    connect_all();
    const auto start = std::chrono::steady_clock::now();
    const auto deadline = start + std::chrono::seconds(30);
    std::size_t sent = 0;
    std::vector<epoll_event> ready(1024);
    while (open_ > 0 && std::chrono::steady_clock::now() < deadline) {
      for (; sent < streams_.size() && std::chrono::steady_clock::now() >= start + step() * sent;
           ++sent)
        send(streams_[sent]);
      const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()),
                                     sent < streams_.size() ? 1 : 200);
      for (int i = 0; i < count; ++i)
        receive(streams_[by_fd_[ready[static_cast<std::size_t>(i)].data.fd]]);
    }
    return report(start);
  }

 private:
  std::chrono::nanoseconds step() const {
    return std::chrono::nanoseconds(std::chrono::milliseconds(options_.spread_ms)) /
           std::max(1, options_.streams);
  }

  void connect_all() {
    const auto address = loopback(options_.port);
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      const int fd = new_socket();
      streams_[i].fd = fd;
      by_fd_[fd] = i;
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
          errno != EINPROGRESS)
        give_up("connect");
      watch(epoll_, fd, EPOLLOUT);
      ++open_;
    }
    std::vector<epoll_event> ready(1024);
    for (std::size_t connected = 0; connected < streams_.size();) {
      const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 30000);
      if (count <= 0) give_up("connect: nobody answers");
      for (int i = 0; i < count; ++i, ++connected) {
        const int fd = ready[static_cast<std::size_t>(i)].data.fd;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0)
          fail(streams_[by_fd_[fd]]);
        else
          watch(epoll_, fd, EPOLLIN, EPOLL_CTL_MOD);
      }
    }
  }

  void send(Stream& stream) {
    if (stream.failed) return;
    stream.sent = std::chrono::steady_clock::now();
    if (::send(stream.fd, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size()))
      fail(stream);
  }

  void receive(Stream& stream) {
    char buffer[65536];
    const auto got = ::read(stream.fd, buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return fail(stream);
    const std::string_view text(buffer, static_cast<std::size_t>(got));
    stream.bytes += text.size();
    if (stream.first == Instant{}) {
      stream.begin.append(text);
      if (stream.begin.find("data: ") == std::string::npos) return;
      if (stream.begin.compare(0, 12, "HTTP/1.1 200") != 0) return fail(stream);
      stream.first = std::chrono::steady_clock::now();
    }
    stream.ending.append(text.substr(text.size() - std::min<std::size_t>(text.size(), 64)));
    stream.ending.erase(0, stream.ending.size() - std::min<std::size_t>(stream.ending.size(), 64));
    if (stream.ending.find("[DONE]") == std::string::npos ||
        stream.ending.compare(stream.ending.size() - 5, 5, "0\r\n\r\n") != 0)
      return;
    stream.done = std::chrono::steady_clock::now();
    leave(stream);
  }

  void fail(Stream& stream) {
    stream.failed = true;
    leave(stream);
  }

  void leave(Stream& stream) {
    by_fd_.erase(stream.fd);
    ::close(stream.fd);
    --open_;
  }

  int report(Instant start) const {
    std::vector<double> first, whole;
    std::uint64_t bytes = 0;
    for (const auto& stream : streams_) {
      bytes += stream.bytes;
      if (stream.failed || stream.done == Instant{}) continue;
      first.push_back(Milliseconds(stream.first - stream.sent).count());
      whole.push_back(Milliseconds(stream.done - stream.sent).count());
    }
    const auto complete = whole.size();
    std::printf(
        "{\"streams\":%zu,\"complete\":%zu,\"first_p50_ms\":%.3f,\"first_p99_ms\":%.3f,\"whole_p50_"
        "ms\":%.1f,\"whole_p99_ms\":%.1f,"
        "\"bytes\":%llu,\"seconds\":%.3f}\n",
        streams_.size(), complete, percentile(first, 0.5), percentile(first, 0.99),
        percentile(whole, 0.5), percentile(whole, 0.99), static_cast<unsigned long long>(bytes),
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return complete == streams_.size() ? 0 : 1;
  }

  Options options_;
  std::string request_;
  std::vector<Stream> streams_;
  std::unordered_map<int, std::size_t> by_fd_;
  int epoll_ = -1;
  std::size_t open_ = 0;
};

}  // namespace

int main(int count, char** words) {
  allow_many_files();
  const auto options = parse(count, words);
  if (!options.upstream) return Client(options).run();
  Upstream(options).run();
}
