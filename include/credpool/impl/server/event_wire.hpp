#pragma once
// SPDX-License-Identifier: MIT

// A connected socket, plain or with TLS, that never blocks. Internal.

#include <credpool/core/platform.hpp>
#include <credpool/core/secret.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct SslDeleter {
  void operator()(SSL* ssl) const noexcept { ::SSL_free(ssl); }
  void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
};
using SslHandle = std::unique_ptr<SSL, SslDeleter>;
using SslContext = std::unique_ptr<SSL_CTX, SslDeleter>;

/// What a call that does not block came to.
enum class WireState {
  done,
  wants_read,   ///< go on when the socket can be read
  wants_write,  ///< go on when it can be written
  closed,       ///< the peer ended it properly
  failed,
};

struct WireResult {
  WireState state = WireState::done;
  std::size_t bytes = 0;
};

/// What is written leaves at once. A Unix socket has no such option, and no such delay.
inline void send_without_delay(const Descriptor& socket) noexcept {
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Has the kernel take little more than what the peer's window has room for: a peer that reads
/// nothing holds a megabyte there otherwise.
inline void keep_little_unsent(const Descriptor& socket) noexcept {
  const int bytes = 128 << 10;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

/// Has the kernel send at once what the window allows. On a way without congestion, as within a
/// machine, BBR still sets a timer for what it sends; Reno does not, and every kernel has it.
inline void send_without_pacing(const Descriptor& socket) noexcept {
  constexpr std::string_view reno = "reno";
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, reno.data(), reno.size());
}

/// What a connection to a peer needs; one that is accepted has what its listener had when the peer
/// came.
/// @param near on this machine
inline void prepare_for_peers(const Descriptor& socket, bool near) noexcept {
  send_without_delay(socket);
  keep_little_unsent(socket);
  if (near) send_without_pacing(socket);
}

class EventWire {
 public:
  explicit EventWire(Descriptor socket) noexcept : socket_{std::move(socket)} {}
  EventWire(const EventWire&) = delete;
  EventWire& operator=(const EventWire&) = delete;

  int descriptor() const noexcept { return socket_.get(); }
  SSL* tls() noexcept { return ssl_.get(); }

  /// Another socket, that has neither TLS nor a past.
  void replace(Descriptor socket) noexcept { socket_ = std::move(socket); }

  /// Whether a connection that was begun stands.
  bool is_connected() const noexcept {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    return ::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  }

  /// To be called once when it is connected.
  void send_without_delay() noexcept { credpool::detail::send_without_delay(socket_); }
  /// To be called before it is connected.
  void send_without_pacing() noexcept { credpool::detail::send_without_pacing(socket_); }

  void secure(SslHandle ssl) {
    ssl_ = std::move(ssl);
    ::SSL_set_fd(ssl_.get(), socket_.get());
    ::SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    // A record's head and rest in one call. That there was no more OpenSSL does not tell itself.
    ::SSL_set_read_ahead(ssl_.get(), 1);
    BIO* const socket = ::SSL_get_rbio(ssl_.get());
    ::BIO_set_callback_arg(socket, reinterpret_cast<char*>(&took_all_));
    ::BIO_set_callback_ex(socket, note_read);
  }
  WireState handshake() {
    ::ERR_clear_error();
    return tls_state(::SSL_do_handshake(ssl_.get()));
  }

  WireResult read(std::span<char> into) {
    if (ssl_) {
      std::size_t got = 0;
      ::ERR_clear_error();
      const int answer = ::SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
      return answer > 0 ? WireResult{WireState::done, got} : WireResult{tls_state(answer), 0};
    }
    for (;;) {
      const auto got = ::recv(socket_.get(), into.data(), into.size(), 0);
      if (got > 0) return {WireState::done, static_cast<std::size_t>(got)};
      if (got == 0) return {WireState::closed, 0};
      if (errno == EINTR) continue;
      return {would_block() ? WireState::wants_read : WireState::failed, 0};
    }
  }

  /// Whether a read that was done has left nothing behind.
  /// @param got less than was asked for
  bool has_read_all(bool got_less) const noexcept {
    return ssl_ ? took_all_ && !has_pending() : got_less;
  }

  /// Sends from the front; `bytes` tells how much has left.
  WireResult write(std::span<const iovec> parts) {
    return ssl_ ? write_tls(parts) : write_plain(parts);
  }

  /// Whether an unused connection was ended by its peer, or has bytes that nobody asked for. What
  /// TLS has to say for itself is heard: tickets come behind a handshake.
  bool is_stale() noexcept {
    if (!ssl_) return peek() >= 0 || !would_block();
    char byte = 0;
    ::ERR_clear_error();
    return tls_state(::SSL_peek(ssl_.get(), &byte, 1)) != WireState::wants_read;
  }

  /// Whether the peer has sent what nobody has read: closing now would reset the connection.
  bool has_unread() const noexcept { return peek() > 0; }

  /// Bytes that TLS has already taken from the socket: no event will tell of them.
  bool has_pending() const noexcept { return ssl_ && ::SSL_has_pending(ssl_.get()) != 0; }

  void shutdown_write() noexcept {
    if (ssl_) {
      ::ERR_clear_error();
      (void)::SSL_shutdown(ssl_.get());  // one alert, if it fits; its answer is not waited for
    }
    ::shutdown(socket_.get(), SHUT_WR);
  }
  void close() noexcept {
    if (ssl_) {
      // Nothing is sent, but without it OpenSSL would not go on with this session again.
      ::SSL_set_quiet_shutdown(ssl_.get(), 1);
      (void)::SSL_shutdown(ssl_.get());
    }
    socket_.reset();
  }
  /// To be called before close(): the peer then sees a reset instead of an orderly end.
  void reset_on_close() noexcept {
    const linger at_once{1, 0};
    (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  /// As BIO_callback_fn_ex has it.
  static long note_read(BIO* socket, int operation, const char*, std::size_t asked, int, long,
                        int answer, std::size_t* got) {
    if (operation == (BIO_CB_READ | BIO_CB_RETURN))
      *reinterpret_cast<bool*>(::BIO_get_callback_arg(socket)) = answer <= 0 || *got < asked;
    return answer;
  }

  ssize_t peek() const noexcept {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  }
  static bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK; }

  WireState tls_state(int answer) const noexcept {
    if (answer > 0) return WireState::done;
    switch (::SSL_get_error(ssl_.get(), answer)) {
      case SSL_ERROR_WANT_READ:
        return WireState::wants_read;
      case SSL_ERROR_WANT_WRITE:
        return WireState::wants_write;
      case SSL_ERROR_ZERO_RETURN:
        return WireState::closed;
      default:
        return WireState::failed;
    }
  }

  /// Parts in one piece, for as long as this lives: they may hold a credential.
  template <std::size_t most> class Gathered {
   public:
    Gathered() noexcept {}  // the room is not filled
    Gathered(const Gathered&) = delete;
    Gathered& operator=(const Gathered&) = delete;
    ~Gathered() { wipe(room_.data(), used_); }

    /// As much as there is room for, without the first `skip` bytes of the first part.
    std::string_view fill(std::span<const iovec> parts, std::size_t skip = 0) noexcept {
      std::size_t size = 0;
      for (const auto& part : parts) {
        const auto take = std::min(part.iov_len - skip, most - size);
        if (take > 0)  // or perhaps no address at all
          std::memcpy(room_.data() + size, static_cast<const char*>(part.iov_base) + skip, take);
        size += take;
        skip = 0;
      }
      used_ = std::max(used_, size);
      return {room_.data(), size};
    }

   private:
    std::array<char, most> room_;
    std::size_t used_ = 0;
  };

  /// The kernel takes a few KiB in one piece sooner than it reads a list.
  WireResult write_plain(std::span<const iovec> parts) {
    std::size_t whole = 0;
    for (const auto& part : parts) whole += part.iov_len;
    if (parts.size() == 1) return send({static_cast<const char*>(parts[0].iov_base), whole});
    if (constexpr std::size_t few = 4 << 10; whole <= few) return send(Gathered<few>{}.fill(parts));
    return send_list(parts);
  }

  WireResult send(std::string_view bytes) {
    if (bytes.empty()) return {};
    ssize_t left = 0;
    do left = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    while (left < 0 && errno == EINTR);
    if (left < 0) return {would_block() ? WireState::wants_write : WireState::failed, 0};
    const auto gone = static_cast<std::size_t>(left);
    return {gone < bytes.size() ? WireState::wants_write : WireState::done, gone};
  }

  WireResult send_list(std::span<const iovec> parts) {
    std::size_t gone = 0;
    while (!parts.empty()) {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(parts.data());
      message.msg_iovlen = std::min<std::size_t>(parts.size(), 64);
      std::size_t whole = 0;
      for (std::size_t i = 0; i < message.msg_iovlen; ++i) whole += parts[i].iov_len;
      const auto left = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
      if (left < 0 && errno == EINTR) continue;
      if (left < 0) return {would_block() ? WireState::wants_write : WireState::failed, gone};
      gone += static_cast<std::size_t>(left);
      if (static_cast<std::size_t>(left) < whole) return {WireState::wants_write, gone};
      parts = parts.subspan(message.msg_iovlen);
    }
    return {WireState::done, gone};
  }

  /// Small parts leave in one record, as they would leave in one segment without TLS.
  WireResult write_tls(std::span<const iovec> parts) {
    constexpr std::size_t record_size = 16 << 10;
    Gathered<record_size> record;
    std::size_t sent = 0;
    std::size_t within = 0;  // the first part
    while (!parts.empty()) {
      std::string_view next{static_cast<const char*>(parts.front().iov_base) + within,
                            parts.front().iov_len - within};
      if (next.size() < record_size && parts.size() > 1) next = record.fill(parts, within);
      std::size_t left = 0;
      if (!next.empty()) {
        ::ERR_clear_error();
        const int answer = ::SSL_write_ex(ssl_.get(), next.data(), next.size(), &left);
        if (answer <= 0) {
          const auto state = tls_state(answer);
          return {state == WireState::closed ? WireState::failed : state, sent};
        }
      }
      sent += left;
      within += left;
      while (!parts.empty() && within >= parts.front().iov_len) {
        within -= parts.front().iov_len;
        parts = parts.subspan(1);
      }
    }
    return {WireState::done, sent};
  }

  Descriptor socket_;
  SslHandle ssl_;
  bool took_all_ = false;  ///< of the last time that TLS read from the socket
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
