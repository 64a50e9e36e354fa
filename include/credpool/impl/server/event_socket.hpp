#pragma once
// SPDX-License-Identifier: MIT

// What the connections of both sides have in common: a socket that its loop watches. Internal.

#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/server/event_loop.hpp>
#include <credpool/impl/server/event_wire.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A connection whose socket is registered once, for both directions and edge by edge. An edge is
/// told once only, so what it said is remembered until a call finds that it holds no longer:
/// whoever waits later still learns of it.
class EventSocket : private EventSource {
 public:
  EventSocket(const EventSocket&) = delete;
  EventSocket& operator=(const EventSocket&) = delete;

 protected:
  using EventSource::Turn;

  EventSocket(EventLoop& loop, Descriptor socket) noexcept
      : wire_{std::move(socket)}, loop_{loop} {}
  ~EventSocket() = default;

  /// Told once for each wait, from the loop and never from inside a function of this class.
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;
  virtual Turn turn() const noexcept { return Turn::usual; }
  /// Whether the first that on_readable() did would be to read, to wherever that is.
  virtual bool reads_ahead() const noexcept { return false; }

  EventLoop& loop() const noexcept { return loop_; }
  /// @return false when it must write at once; else write_now() comes soon
  bool write_later() { return loop_.write_later(*this); }
  bool is_watched() const noexcept { return self_ != nullptr; }
  /// There may be more to read: nothing has said otherwise yet.
  bool is_readable() const noexcept { return readable_ || has_ahead_; }
  /// Something was read that nobody has taken.
  bool has_ahead() const noexcept { return has_ahead_; }
  void is_drained() noexcept { readable_ = false; }

  /// Begins to watch; from here to close_socket() the loop keeps it alive.
  bool watch(std::shared_ptr<EventSocket> self) {
    readable_ = writable_ = peer_ended_ = false;  // what holds already is told as the first edge
    if (!loop_.watch(wire_.descriptor(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this))
      return false;
    self_ = std::move(self);
    return true;
  }
  void close_socket() {
    waits_to_read_ = waits_to_write_ = has_ahead_ = false;
    if (self_) {
      loop_.unwatch(wire_.descriptor());
      loop_.keep_for_this_turn(std::move(self_));
    }
    wire_.close();
  }

  void wait_readable() {
    waits_to_read_ = true;
    if (is_readable()) tell_later();
  }
  void wait_writable() {
    waits_to_write_ = true;
    if (writable_) tell_later();
  }

  struct Read {
    WireState state = WireState::done;
    std::string_view bytes;
  };
  /// What was read ahead, else what it reads now.
  Read read(std::span<char> into) {
    return std::exchange(has_ahead_, false) ? ahead_ : read_now(into);
  }
  /// To be called with what every other use of the wire came to.
  WireState noted(WireState state) noexcept {
    if (state == WireState::wants_read) readable_ = false;
    if (state == WireState::wants_write) writable_ = false;
    return state;
  }

  EventWire wire_;

 private:
  Turn note_events(std::uint32_t events) noexcept final {
    constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
    if (events & (EPOLLIN | EPOLLRDHUP | broken)) readable_ = true;
    if (events & (EPOLLOUT | broken)) writable_ = true;
    if (events & (EPOLLRDHUP | broken)) peer_ended_ = true;
    return turn();
  }
  void read_ahead() final {
    if (!readable_ || !waits_to_read_ || has_ahead_ || !reads_ahead()) return;
    const auto into = loop_.room_ahead();
    if (into.empty()) return;
    ahead_ = read_now(into);
    has_ahead_ = true;
    loop_.took_ahead(ahead_.bytes.size());
  }
  void keep_ahead() final {
    if (!has_ahead_ || !kept_ahead_.empty()) return;
    kept_ahead_ = ahead_.bytes;
    ahead_.bytes = kept_ahead_;
  }
  Read read_now(std::span<char> into) {
    if (!kept_ahead_.empty()) give_back(kept_ahead_);
    const auto [state, bytes] = wire_.read(into);
    // When that was all there is, what comes next is a new edge. Not so behind the peer's end,
    // which may have been told together with its last bytes.
    if (state == WireState::done && !peer_ended_ && wire_.has_read_all(bytes < into.size()))
      readable_ = false;
    (void)noted(state);
    return {state, {into.data(), bytes}};
  }
  void on_events() final { tell(); }
  void tell() {
    if (writable_ && std::exchange(waits_to_write_, false)) on_writable();
    if (is_readable() && std::exchange(waits_to_read_, false)) on_readable();
  }
  /// Others first.
  void tell_later() {
    if (!self_ || std::exchange(is_told_later_, true)) return;
    loop_.post([this, self = self_] {
      is_told_later_ = false;
      tell();
    });
  }

  EventLoop& loop_;
  std::shared_ptr<EventSocket> self_;  ///< while it is watched
  Read ahead_;                         ///< if has_ahead_
  std::string kept_ahead_;             ///< its bytes, when they were not taken at once
  bool has_ahead_ = false;
  bool readable_ = false;
  bool writable_ = false;
  bool peer_ended_ = false;  ///< its direction, or all of it
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
  bool is_told_later_ = false;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
