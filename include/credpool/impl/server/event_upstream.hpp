#pragma once
// SPDX-License-Identifier: MIT

// Connections to upstreams, kept and used again. Internal.

#include <credpool/impl/server/answer_parser.hpp>
#include <credpool/impl/server/upstream_pool.hpp>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One connection: connects, sends a request, hands its answer on, and waits for the next one.
class UpstreamConnection final : public EventSocket,
                                 public std::enable_shared_from_this<UpstreamConnection>,
                                 private LoopDeadline,
                                 private AnswerSink {
 public:
  explicit UpstreamConnection(UpstreamOriginPool& pool)
      : EventSocket{pool.loop(), Descriptor{}}, pool_{pool} {}
  ~UpstreamConnection() { EventLoop::disarm(*this); }

  /// The pool is told what comes of it, of a failure never from inside.
  /// @param calls what it is told with a failure
  void connect(std::uint64_t calls) {
    calls_ = calls;
    pool_.opened(*this);
    loop().arm(*this, pool_.timeouts().connect);
    pool_.addresses().find([self = shared_from_this()](const UpstreamAddresses::Found& found) {
      if (self->state_ == State::closed) return;
      if (found.empty()) return self->fail_soon(Errc::network, "its name cannot be looked up");
      self->addresses_ = found;
      self->connect_next();
    });
  }

  /// Sends over a connection that stands. Never tells the listener from inside.
  static void send(std::shared_ptr<EventCall> call, std::shared_ptr<UpstreamConnection> over) {
    auto& connection = *over;
    call->connection_ = std::move(over);
    connection.call_ = std::move(call);
    connection.begin();
  }

  /// Not ended by its peer, and without bytes that nobody asked for, which would be taken for the
  /// next answer. What came before this turn's events is known; to ask the socket each time would
  /// cost a system call and know of a moment more.
  bool is_quiet() {
    if (!is_readable()) return true;
    if (has_ahead() || wire_.is_stale()) return false;
    is_drained();
    return true;
  }
  void idle() {
    state_ = State::idle;
    loop().arm(*this, pool_.timeouts().keep);
    wait_readable();
  }
  void close() {
    if (std::exchange(state_, State::closed) == State::closed) return;
    EventLoop::disarm(*this);
    close_socket();
    pool_.closed(*this);
  }
  /// The engine stops.
  void end() {
    if (call_)
      fail_with(Errc::cancelled, "the program is stopping");
    else
      close();
  }

  void resume() {
    if (state_ != State::waiting && state_ != State::answering) return;
    arm_answer_deadline();
    wait_readable();
  }
  void pause() {
    if (busy()) EventLoop::disarm(*this);
  }
  void keep_session(SSL_SESSION* session) noexcept { pool_.keep_session(session); }

 private:
  friend class EventCall;
  enum class State { connecting, handshake, waiting, answering, idle, closed };

  bool busy() const noexcept { return state_ == State::waiting || state_ == State::answering; }

  // --- connecting

  void connect_next() {
    for (;;) {
      close_socket();
      if (next_address_ == addresses_.size()) {
        pool_.addresses().forget();
        return fail_soon(Errc::network, "the connection was refused or the host is unreachable");
      }
      const auto& address = addresses_[next_address_++];
      wire_.replace(Descriptor{
          ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)});
      if (address.is_loopback()) wire_.send_without_pacing();
      if ((::connect(wire_.descriptor(), address.get(), address.size) == 0 ||
           errno == EINPROGRESS) &&
          watch(shared_from_this()))
        break;
    }
    loop().arm(*this, pool_.timeouts().connect);
    // A host that is near has answered by now; a handshake may fail, which is told from the loop
    // only.
    if (!pool_.origin().tls && wire_.is_connected()) return connected();
    wait_writable();
  }

  void connect_ended() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(wire_.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
      return connect_next();
    connected();
  }

  void connected() {
    pool_.addresses().prefer(addresses_[next_address_ - 1]);
    wire_.send_without_delay();
    if (!pool_.origin().tls) return pool_.connected(shared_from_this());
    auto tls = pool_.new_tls(*this);
    if (!tls) return fail(std::move(tls).error());
    wire_.secure(std::move(*tls));
    state_ = State::handshake;
    shake_hands();
  }

  void shake_hands() {
    switch (noted(wire_.handshake())) {
      case WireState::done:
        return pool_.connected(shared_from_this());
      case WireState::wants_read:
        return wait_readable();
      case WireState::wants_write:
        return wait_writable();
      default: {
        const auto verdict = ::SSL_get_verify_result(wire_.tls());
        return fail_with(Errc::tls, verdict == X509_V_OK
                                        ? "the TLS handshake failed"
                                        : "its certificate is not trusted or is for another host");
      }
    }
  }

  // --- the request

  void begin() {
    state_ = State::waiting;
    bytes_sent_ = 0;
    request_written_ = write_wants_read_ = false;
    answer_.begin(*this, call_->request_.head.starts_with("HEAD "));
    loop().arm(*this, pool_.timeouts().first_byte);
    if (!write_later()) send_request();
    wait_readable();
  }
  void write_now() override {
    if (busy() && !request_written_) send_request();
  }

  /// Sends from where the request lies: nothing of it is kept elsewhere, so that wiping its head is
  /// enough.
  void send_request() {
    const auto& request = call_->request_;
    std::array<iovec, 2> parts{
        iovec{const_cast<char*>(request.head.data()), request.head.size()},
        iovec{const_cast<char*>(request.body.data()), request.body.size()},
    };
    auto gone = bytes_sent_;
    for (auto& part : parts) {
      const auto skip = std::min(gone, part.iov_len);
      gone -= skip;
      part.iov_base = static_cast<char*>(part.iov_base) + skip;
      part.iov_len -= skip;
    }
    const auto [state, bytes] = wire_.write(parts);
    bytes_sent_ += bytes;
    // The time for the answer begins anew with every byte that the upstream takes.
    if (bytes > 0 && state_ == State::waiting && !call_->paused_)
      loop().arm(*this, pool_.timeouts().first_byte);
    switch (noted(state)) {
      case WireState::done:
        request_written_ = true;
        return call_->forget_head();
      case WireState::wants_read:
        write_wants_read_ = true;
        return wait_readable();
      case WireState::wants_write:
        return wait_writable();
      default:
        return;  // an answer may be there all the same: reading tells
    }
  }

  // --- events

  /// In an answer's middle nobody waits as much as for the beginning of another one.
  Turn turn() const noexcept override {
    return state_ == State::answering ? Turn::late : Turn::usual;
  }
  bool reads_ahead() const noexcept override {
    return busy() && !call_->paused_ && !write_wants_read_;
  }

  void on_writable() override {
    if (state_ == State::connecting) return connect_ended();
    if (state_ == State::handshake) return shake_hands();
    if (!busy()) return;
    if (!request_written_) send_request();
    if (std::exchange(read_wants_write_, false)) on_readable();
  }

  void on_readable() override {
    if (state_ == State::handshake) return shake_hands();
    if (state_ == State::idle) return is_quiet() ? wait_readable() : retire();
    if (!busy()) return;
    if (std::exchange(write_wants_read_, false)) send_request();
    if (call_->paused_) return;  // resume() asks again
    for (int round = 0; round < 4; ++round) {
      const auto [state, bytes] = read(loop().scratch());
      switch (state) {
        case WireState::done:
          if (!take(bytes)) return;
          if (!is_readable()) return wait_readable();
          break;
        case WireState::wants_read:
          return wait_readable();
        case WireState::wants_write:
          read_wants_write_ = true;
          return wait_writable();
        case WireState::closed:
        case WireState::failed:
          return ended_by_peer(state == WireState::closed);
      }
    }
    wait_readable();  // others first
  }

  void on_deadline() override {
    switch (state_) {
      case State::idle:
        return retire();
      case State::connecting:
        if (next_address_ < addresses_.size()) return connect_next();
        pool_.addresses().forget();
        return fail_with(Errc::timeout, "it did not accept the connection in time");
      case State::handshake:
        return fail_with(Errc::timeout, "the TLS handshake took too long");
      case State::waiting:
        return fail_with(Errc::timeout, "no answer came in time");
      case State::answering:
        return fail_with(Errc::timeout, "its answer stalled");
      case State::closed:
        return;
    }
  }

  void arm_answer_deadline() {
    loop().arm(*this,
               state_ == State::waiting ? pool_.timeouts().first_byte : pool_.timeouts().idle);
  }

  // --- the answer

  /// @return whether to read on
  bool take(std::string_view bytes) {
    const auto listener = call_->listener_;  // it may cancel from inside: then there is no call
    const auto state = answer_.feed(bytes);
    if (state_ == State::closed) return false;  // was cancelled
    if (state == AnswerParser::State::complete) {
      finish(*listener, answer_.used() == bytes.size() && !wire_.has_pending());
      return false;
    }
    if (state == AnswerParser::State::refused) {
      fail_with(answer_.too_large() ? Errc::too_large : Errc::malformed,
                answer_.too_large() ? "the head of its answer is too large"
                                    : "its answer is not valid HTTP");
      return false;
    }
    // A piece of a head, or a 1xx, gives no more time.
    if (state_ == State::waiting) return !call_->paused_;
    listener->on_batch_end(false);
    answer_.forget_head();  // the answer is a long one
    if (state_ == State::closed || call_->paused_) return false;
    arm_answer_deadline();
    return true;
  }

  void ended_by_peer(bool properly) {
    const auto listener = call_->listener_;
    if (properly && answer_.end() == AnswerParser::State::complete) return finish(*listener, false);
    if (state_ == State::answering)
      return fail_with(Errc::network, "the connection ended before the answer did");
    fail_with(Errc::network, "the connection ended without an answer");
  }

  void finish(UpstreamListener& listener, bool nothing_left) {
    EventLoop::disarm(*this);
    const bool keep = nothing_left && request_written_ && answer_.keep_alive();
    const auto call = std::move(call_);
    auto self = std::move(call->connection_);
    call->forget_head();
    listener.on_batch_end(true);
    const bool was_cancelled = !std::exchange(call->listener_, nullptr);
    // First the connection is given back, so that a next request finds it free.
    if (keep)
      pool_.put_back(std::move(self));
    else
      close();
    if (!was_cancelled) listener.on_end();
  }

  bool on_answer_head(const UpstreamAnswerHead& head) override {
    state_ = State::answering;
    call_->listener_->on_head(head);  // take() keeps it alive
    return state_ != State::closed;
  }
  bool on_answer_data(std::string_view bytes) override {
    call_->listener_->on_data(bytes);
    return state_ != State::closed;
  }

  // --- ends

  void retire() {
    close();
    pool_.take_out(*this);
  }

  Error failure(Errc code, std::string_view hint) const {
    return Error{code, "calling an upstream", pool_.origin().key(), std::string{hint}};
  }
  void fail_with(Errc code, std::string_view hint) { fail(failure(code, hint)); }
  void fail_soon(Errc code, std::string_view hint) {
    loop().post([self = shared_from_this(), error = failure(code, hint)] {
      if (self->state_ != State::closed) self->fail(error);
    });
  }
  void fail(Error error) {
    const auto self = shared_from_this();
    const bool sent = bytes_sent_ > 0;
    const bool stood = state_ != State::connecting && state_ != State::handshake;
    const auto call = std::exchange(call_, nullptr);
    close();
    if (!stood) return pool_.connect_failed(calls_, std::move(error));
    if (!call) return;
    call->connection_.reset();
    call->forget_head();
    if (const auto listener = std::exchange(call->listener_, nullptr))
      listener->on_failure({std::move(error), sent});
  }

  UpstreamOriginPool& pool_;
  std::shared_ptr<EventCall> call_;
  std::uint64_t calls_ = 0;  ///< that the pool knew when this began to connect
  UpstreamAddresses::Found addresses_;
  std::size_t next_address_ = 0;
  AnswerParser answer_;
  std::size_t bytes_sent_ = 0;  ///< of the request
  State state_ = State::connecting;
  bool request_written_ = false;
  bool write_wants_read_ = false;  ///< TLS
  bool read_wants_write_ = false;
};

inline void EventCall::pause() {
  paused_ = true;
  if (connection_) connection_->pause();
}

inline void EventCall::resume() {
  if (!std::exchange(paused_, false)) return;
  if (connection_) connection_->resume();
}

inline void EventCall::cancel() {
  listener_.reset();
  forget_head();
  if (const auto connection = std::exchange(connection_, nullptr)) {
    connection->call_.reset();
    connection->close();
  }
}

inline std::shared_ptr<UpstreamConnection> UpstreamOriginPool::take_idle() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_quiet()) return connection;
    connection->close();
  }
  return nullptr;
}

inline std::deque<UpstreamOriginPool::Waiting>& UpstreamOriginPool::waiting() {
  while (!waiting_.empty() && !waiting_.front().call->listener_) waiting_.pop_front();
  return waiting_;
}

inline std::shared_ptr<EventCall> UpstreamOriginPool::take_waiting() {
  auto call = std::move(waiting_.front().call);
  waiting_.pop_front();
  return call;
}

inline void UpstreamOriginPool::send(std::shared_ptr<EventCall> call) {
  if (waiting().empty()) {
    if (auto connection = take_idle())
      return UpstreamConnection::send(std::move(call), std::move(connection));
  }
  waiting_.push_back({std::move(call), ++calls_});
  connect();
}

inline void UpstreamOriginPool::connect() {
  while (connecting_ < waiting().size()) {
    ++connecting_;
    std::make_shared<UpstreamConnection>(*this)->connect(calls_);
  }
}

inline void UpstreamOriginPool::connected(std::shared_ptr<UpstreamConnection> connection) {
  --connecting_;
  give(std::move(connection));
}

inline void UpstreamOriginPool::connect_failed(std::uint64_t calls, Error error) {
  --connecting_;
  if (waiting().empty()) return;
  if (waiting_.front().number > calls) return connect();
  const auto call = take_waiting();
  call->forget_head();
  if (const auto listener = std::exchange(call->listener_, nullptr))
    listener->on_failure({std::move(error), false});
}

inline void UpstreamOriginPool::end() {
  for (const auto& waiting : std::exchange(waiting_, {})) waiting.call->refuse(loop_);
  idle_.clear();
  std::vector<std::shared_ptr<UpstreamConnection>> all;
  for (auto* connection : open_) all.push_back(connection->shared_from_this());
  for (const auto& connection : all) connection->end();
}

inline void UpstreamOriginPool::put_back(std::shared_ptr<UpstreamConnection> connection) {
  if (!connection->is_quiet()) return connection->close();
  give(std::move(connection));
}

inline void UpstreamOriginPool::give(std::shared_ptr<UpstreamConnection> connection) {
  if (!waiting().empty()) return UpstreamConnection::send(take_waiting(), std::move(connection));
  if (idle_.size() >= max_idle) return connection->close();
  connection->idle();
  idle_.push_back(std::move(connection));
}

inline void UpstreamOriginPool::take_out(const UpstreamConnection& connection) {
  std::erase_if(idle_, [&](const auto& other) { return other.get() == &connection; });
}

inline Result<SslHandle> UpstreamOriginPool::new_tls(UpstreamConnection& connection) {
  const auto& context = tls_.context();
  if (!context) return credpool::fail(context.error());
  SslHandle ssl{::SSL_new(context->get())};
  const auto& host = origin_->host;
  const bool named = !SocketAddress::of_ip(host, origin_->port);
  if (!ssl || (named && ::SSL_set_tlsext_host_name(ssl.get(), host.c_str()) != 1) ||
      (named ? ::SSL_set1_host(ssl.get(), host.c_str())
             : ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), host.c_str())) != 1)
    return credpool::fail(Errc::tls, "preparing a TLS connection", origin_->key());
  ::SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), &connection);
  if (session_) ::SSL_set_session(ssl.get(), session_.get());
  return ssl;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
