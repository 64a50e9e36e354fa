#pragma once
// SPDX-License-Identifier: MIT

// One peer's connection on the server side. Internal.

#include <credpool/server/exchange.hpp>
#include <credpool/server/trusted_proxies.hpp>

#include <credpool/impl/core/recycled_memory.hpp>
#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/server/answer_text.hpp>
#include <credpool/impl/server/blocking_pool.hpp>
#include <credpool/impl/server/event_output.hpp>
#include <credpool/impl/server/event_socket.hpp>
#include <credpool/impl/server/request_parser.hpp>

#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

class EventExchange;
class EventConnection;

/// What the connections of one loop share on the server side.
struct EventPeers {
  EventLoop& loop;
  const ServerLimits& limits;
  const TrustedProxies& proxies;
  BlockingPool& blocking;
  bool draining = false;
  std::set<std::shared_ptr<EventConnection>> all = {};  ///< keeps them alive
};

/// Reads requests, one at a time, and sends their answers. Lives on its loop's thread.
class EventConnection final : public EventSocket,
                              public std::enable_shared_from_this<EventConnection>,
                              private LoopDeadline {
 public:
  EventConnection(EventPeers& peers, Descriptor socket, std::string peer,
                  std::shared_ptr<ServerHandler> handler, SslHandle tls)
      : EventSocket{peers.loop, std::move(socket)},
        peers_{peers},
        peer_{std::move(peer)},
        handler_{std::move(handler)},
        parser_{peers.limits, [this](const RequestHead& head) {
                  if (!peers_.proxies.none()) asker_ = peers_.proxies.asker(peer_, head);
                  return handler_->admit(head, asker());
                }} {
    if (tls) {
      state_ = State::handshake;
      wire_.secure(std::move(tls));
    }
  }
  ~EventConnection() { EventLoop::disarm(*this); }

  void start() {
    peers_.loop.arm(*this,
                    state_ == State::handshake ? peers_.limits.head_deadline : peers_.limits.idle);
    if (!watch(shared_from_this())) return close();
    on_readable();  // in a crowd the request is there already, and need not wait for a turn
  }

  /// Ends it as soon as no request is being answered.
  void drain() {
    close_after_ = true;
    if (state_ == State::reading && !parser_.in_head() && !parser_.in_body() && early_.empty())
      end();
  }
  /// Ends it now.
  void cut() {
    if (state_ == State::handling)
      gone();
    else
      close();
  }

 private:
  friend class EventExchange;
  enum class State {
    handshake,
    reading,    ///< a request, or waiting for one
    handling,   ///< it is being answered
    finishing,  ///< the answer's last bytes are leaving
    lingering,  ///< the answer has left, what still comes is thrown away
    closed,
  };

  // --- events

  void on_readable() override {
    if (state_ == State::handshake && !shake_hands()) return;
    if (want_write_to_read_) {
      want_write_to_read_ = false;
      if (output_.has_rest()) on_writable();
    }
    for (int round = 0; round < 8; ++round) {
      if (state_ == State::closed) return;
      // While a request is answered, what comes is the next one's, or the news that its peer left.
      // What came early is parsed first: parse_early() reads on then.
      if (state_ == State::reading ? !early_.empty() : early_.size() >= max_early) return;
      const auto [state, bytes] = read(room());
      switch (state) {
        case WireState::done:
          take(bytes);
          if (!is_readable()) return wait_readable();
          break;
        case WireState::wants_read:
          return wait_readable();
        case WireState::wants_write:  // TLS renews its keys
          return wait_writable();
        case WireState::closed:
          if (state_ == State::finishing) return;  // it sends no more, but may read the answer
          [[fallthrough]];
        case WireState::failed:
          return state_ == State::handling ? gone() : close();
      }
    }
    wait_readable();  // others first
  }

  /// Where to read to. A large body is read to where it stays; what comes with its head is copied
  /// there, so that it should be little, and less where another large one is to be expected.
  std::span<char> room() {
    constexpr std::size_t most_with_head = 20 << 10;
    constexpr std::size_t head_alone = 2 << 10;
    if (state_ == State::reading)
      if (const auto room = parser_.body_room(); !room.empty()) return room;
    const auto scratch = peers_.loop.scratch();
    if (state_ != State::reading || parser_.in_body()) return scratch;
    const auto most = parser_.had_large_body() ? head_alone : most_with_head;
    return scratch.first(std::min(scratch.size(), most));
  }

  /// A body is read to where it stays.
  bool reads_ahead() const noexcept override {
    return state_ == State::reading && !parser_.in_body() && !parser_.had_large_body() &&
           early_.empty() && !want_write_to_read_;
  }

  bool shake_hands() {
    switch (noted(wire_.handshake())) {
      case WireState::done:
        state_ = State::reading;
        peers_.loop.arm(*this, peers_.limits.idle);
        return true;
      case WireState::wants_read:
        wait_readable();
        return false;
      case WireState::wants_write:
        wait_writable();
        return false;
      default:
        close();
        return false;
    }
  }

  void write_now() override {
    if (!std::exchange(writes_later_, false) || state_ != State::finishing) return;
    if (send()) answered();
  }

  void on_writable() override {
    if (state_ == State::handshake || !output_.has_rest()) return on_readable();
    switch (noted(output_.send_rest(wire_))) {
      case WireState::done:
        return drained();
      case WireState::wants_write:
        if (state_ != State::reading) peers_.loop.arm(*this, peers_.limits.write_stall);
        return wait_writable();
      case WireState::wants_read:
        want_write_to_read_ = true;
        return wait_readable();
      default:
        return state_ == State::handling ? gone() : close();
    }
  }

  void on_deadline() override {
    switch (state_) {
      case State::reading:
        if (parser_.in_body() && enough_body_for_now()) return;
        if (parser_.in_head() || parser_.in_body())
          return refuse({408, parser_.in_head() ? "the head of the request took too long"
                                                : "the body of the request took too long"});
        return close();
      case State::handling:
        return gone();  // the peer takes nothing of its answer
      default:
        return close();
    }
  }

  bool enough_body_for_now() {
    const auto seconds = std::chrono::duration<double>(loop_now() - body_since_).count();
    if (static_cast<double>(parser_.body_bytes_read()) <
        seconds * static_cast<double>(peers_.limits.min_body_rate))
      return false;
    peers_.loop.arm(*this, std::chrono::seconds{5});
    return true;
  }

  // --- requests

  std::string_view asker() const noexcept { return peers_.proxies.none() ? peer_ : asker_; }

  void take(std::string_view bytes) {
    switch (state_) {
      case State::reading:
        return parse(bytes);
      case State::handling:
      case State::finishing:
        early_.append(bytes);
        return;
      default:
        return;  // lingering: thrown away
    }
  }

  void parse(std::string_view bytes) {
    const bool had_head = parser_.in_head();
    const bool had_body = parser_.in_body();
    switch (parser_.feed(bytes)) {
      case RequestParser::State::complete:
        early_ = parser_.take_rest();
        return dispatch();
      case RequestParser::State::refused:
        if (auto& answer = parser_.refusal_answer()) return refuse(*answer, parser_.in_body());
        return refuse(parser_.refusal());
      case RequestParser::State::wants_more:
        if (parser_.in_body() && !had_body) {
          body_since_ = loop_now();
          peers_.loop.arm(*this, peers_.limits.body_deadline);
        } else if (parser_.in_head() && !had_head) {
          peers_.loop.arm(*this, peers_.limits.head_deadline);
        }
        if (parser_.take_expectation()) {
          output_.add("HTTP/1.1 100 Continue\r\n\r\n");
          (void)send();
        }
    }
  }

  void dispatch();  // below: needs EventExchange

  void refuse(const RequestRefusal& refusal) {
    refuse(handler_->refusal(refusal.status, refusal.why), true);
  }
  /// Answers without a handler and closes the connection.
  void refuse(const Answer& answer, bool more_is_coming) {
    linger_ = more_is_coming;
    close_after_ = true;
    state_ = State::finishing;
    answer_ = whole_answer(answer, peers_.loop.http_date(), parser_.head().method == "HEAD",
                           AfterAnswer::close);
    output_.add(answer_);
    if (send()) answered();
  }

  // --- answers

  /// @return whether everything has left
  bool send() {
    if (output_.has_rest()) {  // whoever kept it waits already
      output_.keep_pieces();
      return false;
    }
    switch (noted(output_.flush(wire_))) {
      case WireState::done:
        return true;
      case WireState::wants_read:
        want_write_to_read_ = true;
        wait_readable();
        break;
      case WireState::wants_write:
        wait_writable();
        break;
      default:
        fail_later();
        return false;
    }
    // Behind a "100 Continue" the body's deadline stays.
    if (state_ == State::reading) return false;
    peers_.loop.arm(*this, peers_.limits.write_stall);
    give_back(answer_);  // what has not left of it was copied
    parser_.forget_spans();
    return false;
  }

  /// Sends with others, if all of it stays where it is until then.
  bool send_later() {
    const auto stays = [this](const iovec& piece) {
      return piece.iov_base == answer_.data() || loop().is_ahead(piece.iov_base);
    };
    writes_later_ = !output_.empty() && output_.is_all(stays) && write_later();
    return writes_later_;
  }

  /// Never from inside a function of the exchange.
  void fail_later() {
    peers_.loop.post([self = shared_from_this()] {
      if (self->state_ == State::handling)
        self->gone();
      else
        self->close();
    });
  }
  void close_later() {
    exchange_.reset();
    state_ = State::finishing;
    fail_later();
  }

  void drained();  // below

  AfterAnswer after_answer() const noexcept {
    if (close_after_) return AfterAnswer::close;
    return parser_.head().minor_version == 0 ? AfterAnswer::keep_and_say_so : AfterAnswer::keep;
  }

  /// The answer has left whole.
  void answered() {
    exchange_.reset();
    EventLoop::disarm(*this);
    if (close_after_ || peers_.draining)
      return linger_ || !early_.empty() || has_ahead() || wire_.has_unread() ? linger() : end();
    state_ = State::reading;
    parser_.restart();
    answer_.clear();
    if (answer_.capacity() > max_early) give_back(answer_);
    peers_.loop.arm(*this, peers_.limits.idle);
    if (early_.empty()) return wait_readable();
    peers_.loop.post([self = shared_from_this()] { self->parse_early(); });
  }
  void parse_early() {
    if (state_ != State::reading) return;
    if (const auto early = std::exchange(early_, {}); !early.empty()) parse(early);
    // An answer that was given at once may have posted this anew.
    if ((state_ == State::reading && early_.empty()) || state_ == State::handling) wait_readable();
  }

  /// Lets the peer read the answer although it is still sending: closing at once would reset the
  /// connection under it.
  void linger() {
    state_ = State::lingering;
    wire_.shutdown_write();
    peers_.loop.arm(*this, peers_.limits.linger);
    wait_readable();
  }
  void end() {
    wire_.shutdown_write();
    close();
  }

  void gone();  // below

  void close() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    EventLoop::disarm(*this);
    output_.drop();
    close_socket();
    peers_.loop.connections.fetch_sub(1, std::memory_order_relaxed);
    peers_.all.erase(shared_from_this());
  }

  static constexpr std::size_t max_early = 64 << 10;

  EventPeers& peers_;
  std::string peer_;
  std::string asker_;  ///< of this request, behind a trusted proxy
  std::shared_ptr<ServerHandler> handler_;
  RequestParser parser_;
  EventOutput output_{loop().kept};
  std::string early_;   ///< came before the answer was complete: the next request's
  std::string answer_;  ///< the head that is being sent
  std::shared_ptr<EventExchange> exchange_;
  std::chrono::steady_clock::time_point body_since_{};
  State state_ = State::reading;
  bool want_write_to_read_ = false;
  bool writes_later_ = false;
  bool close_after_ = false;
  bool linger_ = false;
};

/// One request of a connection. What is done with it after its end does nothing.
class EventExchange final : public ServerExchange {
 public:
  explicit EventExchange(std::shared_ptr<EventConnection> connection)
      : connection_{std::move(connection)} {}

  const RequestHead& head() const noexcept override {
    static const RequestHead none{};
    return connection_ ? connection_->parser_.head() : none;
  }
  std::string_view body() const noexcept override {
    return connection_ ? connection_->parser_.body() : std::string_view{};
  }
  std::string_view peer() const noexcept override {
    return connection_ ? connection_->asker() : std::string_view{};
  }
  bool started() const noexcept override { return started_; }

  void respond(const Answer& answer) override {
    if (!connection_ || started_) return;
    started_ = true;
    auto& connection = *connection_;
    decide_to_close();
    connection.answer_ = whole_answer(answer, date(), is_head(), connection.after_answer());
    connection.output_.add(connection.answer_);
    end();
  }

  void start(const AnswerHead& head) override {
    if (!connection_ || started_) return;
    started_ = true;
    auto& connection = *connection_;
    decide_to_close();
    const bool has_body = !is_head() && head.status != 204 && head.status != 304;
    bool until_close = false;
    if (has_body && !head.content_length) {
      chunked_ = connection.parser_.head().minor_version == 1;
      until_close = !chunked_;
    }
    if (until_close) {
      connection.close_after_ = true;
      end_is_close_ = true;
    }
    drop_body_ = !has_body;
    missing_ = has_body ? head.content_length : std::nullopt;
    connection.answer_ = answer_head(head, date(), chunked_, connection.after_answer(),
                                     std::move(connection.answer_));
    connection.output_.add(connection.answer_);
  }

  bool recall() override {
    if (!connection_ || !started_ || flushed_) return false;
    connection_->output_.drop();
    in_chunk_ = false;
    started_ = chunked_ = drop_body_ = false;
    return true;
  }

  void write(std::string_view bytes) override {
    if (!connection_ || !started_ || bytes.empty() || drop_body_) return;
    auto& output = connection_->output_;
    if (missing_) {  // more than was promised would be taken for the next answer
      bytes = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), *missing_));
      *missing_ -= bytes.size();
    }
    if (chunked_ && !std::exchange(in_chunk_, true)) {
      chunk_head_at_ = output.add_later();
      chunk_bytes_ = 0;
    }
    output.add(bytes);
    chunk_bytes_ += bytes.size();
    if (output.is_full()) send();
  }

  bool flush() override {
    if (!connection_) return false;
    if (flushed_) give_back(connection_->answer_);  // a long answer, whose head has left
    return send();
  }

  void finish() override {
    if (!connection_) return;
    if (!started_ || missing_.value_or(0) > 0) return cut();  // that answer is not complete
    end_chunk();
    if (chunked_) connection_->output_.add("0\r\n\r\n");
    end();
  }

  void cut() override {
    // What is moved away may have been the last to hold this.
    if (const auto connection = std::exchange(connection_, nullptr)) {
      const auto listener = std::exchange(listener_, nullptr);
      if (end_is_close_) connection->wire_.reset_on_close();
      connection->close_later();
    }
  }

  void listen(std::shared_ptr<ExchangeListener> listener) override {
    if (connection_) listener_ = std::move(listener);
  }

  void after(Duration delay, std::function<void()> then) override {
    if (connection_) connection_->peers_.loop.after(delay, std::move(then));
  }

  std::function<void(std::function<void()>)> poster() override {
    if (!connection_) return [](const std::function<void()>&) {};
    return [&loop = connection_->peers_.loop](std::function<void()> what) {
      loop.post(std::move(what));
    };
  }

  bool offload(std::function<void()> work, std::function<void()> then) override {
    if (!connection_) return false;
    return connection_->peers_.blocking.run(std::move(work), connection_->peers_.loop,
                                            std::move(then));
  }

 private:
  friend class EventConnection;

  bool is_head() const noexcept { return connection_->parser_.head().method == "HEAD"; }
  std::string_view date() { return connection_->peers_.loop.http_date(); }
  void decide_to_close() {
    if (!connection_->parser_.keep_alive() || connection_->peers_.draining)
      connection_->close_after_ = true;
  }

  /// What was written since the last time is one chunk, however many pieces it came in.
  void end_chunk() {
    if (!std::exchange(in_chunk_, false)) return;
    auto& output = connection_->output_;
    output.fill(chunk_head_at_, chunk_size_line(chunk_bytes_, chunk_head_));
    output.add("\r\n");
  }
  /// @return whether all has left
  bool send() {
    end_chunk();
    flushed_ = true;
    return connection_->output_.empty() || connection_->send();
  }

  void end() {
    const auto connection = std::exchange(connection_, nullptr);
    const auto listener = std::exchange(listener_, nullptr);
    connection->state_ = EventConnection::State::finishing;
    if (connection->send_later()) return;
    if (connection->send()) connection->answered();
  }

  std::shared_ptr<EventConnection> connection_;
  std::shared_ptr<ExchangeListener> listener_;
  std::array<char, 20> chunk_head_;
  std::size_t chunk_head_at_ = 0;  ///< which piece of the output it is
  std::size_t chunk_bytes_ = 0;    ///< of the chunk that is being written
  bool in_chunk_ = false;
  bool started_ = false;
  bool chunked_ = false;
  bool drop_body_ = false;
  bool flushed_ = false;                  ///< something of the answer may have left
  bool end_is_close_ = false;             ///< the answer ends where the connection does
  std::optional<std::uint64_t> missing_;  ///< of the length that the head told
};

inline void EventConnection::dispatch() {
  state_ = State::handling;
  EventLoop::disarm(*this);
  exchange_ = make_recycled<EventExchange>(shared_from_this());
  handler_->handle(exchange_);
}

inline void EventConnection::drained() {
  if (state_ == State::reading) return;  // "100 Continue" has left
  EventLoop::disarm(*this);
  if (state_ == State::finishing) return answered();
  if (auto exchange = exchange_; exchange && exchange->listener_) {
    const auto listener = exchange->listener_;
    listener->on_drained();
  }
}

inline void EventConnection::gone() {
  const auto exchange = std::exchange(exchange_, nullptr);
  close();
  if (!exchange) return;
  exchange->connection_.reset();
  if (const auto listener = std::exchange(exchange->listener_, nullptr)) listener->on_client_gone();
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
