#pragma once
// SPDX-License-Identifier: MIT

// One request that a thread of httplib answers. Internal.

#include <credpool/core/clock.hpp>
#include <credpool/core/time.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/limits.hpp>

#include <credpool/impl/server/httplib_head.hpp>
#include <credpool/impl/server/httplib_mailbox.hpp>

#include <httplib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

class HttplibExchange;

/// What the exchanges of one server share.
struct HttplibPeers {
  const ServerLimits limits;
  const std::size_t blocking_room;
  httplib::ThreadPool blocking;

  HttplibPeers(const ServerLimits& given, std::size_t threads, std::size_t queue)
      : limits{given}, blocking_room{threads + queue}, blocking{threads} {}

  std::atomic<std::size_t> blocked{0};
  std::shared_ptr<HttplibMailbox> afterwards = std::make_shared<HttplibMailbox>();
  std::atomic<bool> stopping{false};
  bool ended = false;  ///< seen by the thread of `afterwards` only

  std::mutex mutex;
  std::condition_variable fewer;
  bool cutting = false;
  std::set<std::shared_ptr<HttplibExchange>> running;

  bool run_blocking(std::function<void()> work, std::shared_ptr<HttplibMailbox> mailbox,
                    std::function<void()> then) {
    if (blocked.fetch_add(1) >= blocking_room) {
      blocked.fetch_sub(1);
      return false;
    }
    blocking.enqueue([this, work = std::move(work), mailbox = std::move(mailbox),
                      then = std::move(then)]() mutable {
      work();
      blocked.fetch_sub(1);
      mailbox->post(std::move(then));
    });
    return true;
  }
};

/// Lives on its connection's thread, which runs `mailbox_` while it is being answered. httplib asks
/// for the head first, then for the whole body in one call: it asks no second time once it stops.
class HttplibExchange final : public ServerExchange,
                              public std::enable_shared_from_this<HttplibExchange> {
 public:
  HttplibExchange(HttplibPeers& peers, httplib::Request& request)
      : peers_{peers}, peer_{request.remote_addr} {
    head_.take(request);
  }

  /// Of the request that this thread is answering; from its head to the end of its answer.
  static HttplibExchange*& of_this_thread() noexcept {
    thread_local HttplibExchange* current = nullptr;
    return current;
  }

  std::optional<HttplibHead::Refusal> check() { return head_.check(peers_.limits); }
  bool has_request_body() const noexcept { return head_.has_body; }

  bool add_to_body(std::string_view bytes) {
    if (bytes.size() > peers_.limits.max_body_bytes - body_.size()) {
      too_large_ = true;
      return false;
    }
    body_.append(bytes);
    return true;
  }
  bool body_is_too_large() const noexcept { return too_large_; }

  /// Answers without a handler, and ends the connection: what follows may be the request's body.
  void refuse(const Answer& answer, httplib::Request& request, httplib::Response& response) {
    phase_ = Phase::answering;
    must_close_ = true;
    respond(answer);
    give_head(request, response);
  }

  /// Has the request answered, up to where the head can leave.
  void run(ServerHandler& handler, httplib::Request& request, httplib::Response& response) {
    {
      const std::lock_guard lock{peers_.mutex};
      running_ = !peers_.cutting;
      if (running_) peers_.running.insert(shared_from_this());
    }
    if (!running_) return refuse(handler.refusal(503, "the server is stopping"), request, response);
    phase_ = Phase::answering;
    handler.handle(shared_from_this());
    while (phase_ == Phase::answering && (!flushed_ || has_no_body()))
      mailbox_->run_one(HttplibMailbox::Clock::now() + std::chrono::hours{1});
    give_head(request, response);
  }

  /// Called when httplib has forgotten the request, however it went.
  void over() {
    of_this_thread() = nullptr;
    gone();
    mailbox_->leave_to(peers_.afterwards);
    if (!running_) return;
    const std::lock_guard lock{peers_.mutex};
    peers_.running.erase(shared_from_this());
    peers_.fewer.notify_all();
  }

  /// From another thread: no byte of the answer is sent any more.
  void cut_off() {
    mailbox_->post([self = shared_from_this()] { self->gone(); });
  }

  /// The head that leaves, in place of what httplib adds to it.
  void set_headers(httplib::Response& response) const {
    httplib::Headers headers;
    for (const auto* framing : {"Content-Length", "Transfer-Encoding", "Connection"}) {
      const bool counts = may_tell_length() || same_header_name(framing, "Connection");
      if (counts && response.has_header(framing))
        headers.emplace(framing, response.get_header_value(framing));
    }
    for (const auto& [name, value] : answer_headers_) headers.emplace(name, value);
    headers.emplace("Date", date());
    response.headers = std::move(headers);
  }

  // --- ServerExchange

  const RequestHead& head() const noexcept override { return head_.views; }
  std::string_view body() const noexcept override { return body_; }
  std::string_view peer() const noexcept override { return peer_; }
  bool started() const noexcept override { return started_; }

  void respond(const Answer& answer) override {
    if (phase_ != Phase::answering || started_) return;
    started_ = true;
    status_ = answer.status;
    answer_headers_ = answer.headers;
    length_ = answer.body.size();
    if (!has_no_body()) pending_ = answer.body;
    end(Phase::ended);
  }

  void start(const AnswerHead& head) override {
    if (phase_ != Phase::answering || started_) return;
    started_ = true;
    status_ = head.status;
    answer_headers_.clear();
    for (const auto& [name, value] : head.headers) answer_headers_.emplace_back(name, value);
    length_ = head.content_length;
    missing_ = has_no_body() ? std::nullopt : length_;
  }

  bool recall() override {
    if (phase_ != Phase::answering || !started_ || flushed_) return false;
    pending_.clear();
    started_ = false;
    return true;
  }

  void write(std::string_view bytes) override {
    if (phase_ != Phase::answering || !started_ || has_no_body()) return;
    if (missing_) {  // more than was promised would be taken for the next answer
      bytes = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), *missing_));
      *missing_ -= bytes.size();
    }
    pending_.append(bytes);
  }

  bool flush() override {
    if (phase_ != Phase::answering) return false;
    if (!started_) return true;
    flushed_ = true;
    // What has no body leaves when it is finished.
    if (has_no_body() || (head_given_ && pending_.empty())) return true;
    drained_is_due_ = true;
    return false;
  }

  void finish() override {
    if (phase_ != Phase::answering) return;
    end(!started_ || missing_.value_or(0) > 0 ? Phase::cut : Phase::ended);
  }
  void cut() override {
    if (phase_ == Phase::answering) end(Phase::cut);
  }

  void listen(std::shared_ptr<ExchangeListener> listener) override {
    if (phase_ == Phase::answering) listener_ = std::move(listener);
  }
  void after(Duration delay, std::function<void()> then) override {
    if (phase_ == Phase::answering)
      mailbox_->at(HttplibMailbox::Clock::now() + delay, std::move(then));
  }
  std::function<void(std::function<void()>)> poster() override {
    return [mailbox = mailbox_](std::function<void()> what) { mailbox->post(std::move(what)); };
  }

  bool offload(std::function<void()> work, std::function<void()> then) override {
    if (phase_ != Phase::answering) return false;
    return peers_.run_blocking(std::move(work), mailbox_, std::move(then));
  }

 private:
  enum class Phase { reading, answering, ended, cut, gone };

  bool has_no_body() const noexcept {
    return head_.method == "HEAD" || (started_ && (status_ == 204 || status_ == 304));
  }
  /// Whether a length may stand in the head of this answer.
  bool may_tell_length() const noexcept {
    return !has_no_body() || (length_ && status_ != 204 && status_ != 304);
  }

  static std::string date() {
    const auto now = std::chrono::system_clock::to_time_t(SystemClock{}.now());
    tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 40> text;
    return {text.data(), ::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
  }

  void end(Phase how) {
    phase_ = how;
    drained_is_due_ = false;
    // Not destroyed under its own feet: it may have called us.
    mailbox_->post([ended = std::exchange(listener_, nullptr)] {});
  }

  void gone() {
    if (phase_ != Phase::answering) return;
    phase_ = Phase::gone;
    if (const auto listener = std::exchange(listener_, nullptr)) listener->on_client_gone();
  }

  void give_head(httplib::Request& request, httplib::Response& response) {
    head_given_ = true;
    if (peers_.stopping) must_close_ = true;
    if (phase_ == Phase::cut || phase_ == Phase::gone) {
      // httplib sends a head in any case: one whose body does not come.
      status_ = 500;
      answer_headers_.clear();
      pending_.clear();
      length_ = 1;
      must_close_ = true;
    }
    const bool until_close = !has_no_body() && !length_ && head_.views.minor_version == 0;
    if (until_close) must_close_ = true;
    response.status = status_;
    response.headers.clear();
    if (must_close_) response.set_header("Connection", "close");
    if (must_close_ && head_.method == "HEAD")
      request.method = "GET";  // else it asks for no body, and a connection ends only by that
    const auto over = [self = shared_from_this()](bool) { self->over(); };
    if (has_no_body() || length_ == 0) {
      if (must_close_)
        response.set_content_provider(
            "", [](std::size_t, httplib::DataSink&) { return false; }, over);
      if (length_) response.set_header("Content-Length", std::to_string(*length_));
    } else if (length_) {
      response.set_content_provider(
          *length_, "",
          [this](std::size_t, std::size_t, httplib::DataSink& sink) {
            return send_body(sink) && !must_close_;
          },
          over);
      response.set_header("Content-Length", std::to_string(*length_));
    } else {
      const auto provider = [this](std::size_t, httplib::DataSink& sink) {
        if (!send_body(sink)) return false;
        sink.done();
        return !must_close_;
      };
      if (until_close)
        response.set_content_provider("", provider, over);
      else
        response.set_chunked_content_provider("", provider, over);
    }
  }

  /// @return whether the answer is complete
  bool send_body(httplib::DataSink& sink) {
    constexpr auto look_after = std::chrono::milliseconds{500};
    for (;;) {
      if (!send_pending(sink)) gone();
      if (phase_ == Phase::ended) return pending_.empty();
      if (phase_ != Phase::answering) return false;
      if (std::exchange(drained_is_due_, false)) {
        if (const auto listener = listener_) listener->on_drained();
      } else if (!mailbox_->run_one(HttplibMailbox::Clock::now() + look_after)) {
        if (!sink.is_writable()) gone();
      }
    }
  }

  bool send_pending(httplib::DataSink& sink) {
    constexpr std::size_t piece = 64 << 10;
    const auto bytes = std::exchange(pending_, {});
    for (std::size_t sent = 0; sent < bytes.size(); sent += piece)
      if (!sink.write(bytes.data() + sent, std::min(piece, bytes.size() - sent))) {
        if (phase_ == Phase::ended) phase_ = Phase::cut;
        return false;
      }
    return true;
  }

  HttplibPeers& peers_;
  std::string peer_;
  HttplibHead head_;
  std::string body_;
  std::shared_ptr<HttplibMailbox> mailbox_ = std::make_shared<HttplibMailbox>();
  std::shared_ptr<ExchangeListener> listener_;
  Phase phase_ = Phase::reading;
  int status_ = 200;
  std::vector<std::pair<std::string, std::string>> answer_headers_;
  std::optional<std::uint64_t> length_;
  std::optional<std::uint64_t> missing_;  ///< of the length that the head told
  std::string pending_;
  bool started_ = false;
  bool flushed_ = false;
  bool head_given_ = false;
  bool drained_is_due_ = false;
  bool must_close_ = false;
  bool too_large_ = false;
  bool running_ = false;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
