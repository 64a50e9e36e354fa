#pragma once
// SPDX-License-Identifier: MIT

// What a connection has still to send. Internal.

#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/server/event_wire.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Gathers pieces that live until flush() and sends them in one go; only what the socket does not
/// take is copied.
class EventOutput {
 public:
  /// @param kept counts the bytes that all outputs of a loop keep
  explicit EventOutput(std::size_t& kept) noexcept : kept_{kept} {}
  ~EventOutput() { drop(); }
  EventOutput(const EventOutput&) = delete;
  EventOutput& operator=(const EventOutput&) = delete;

  void add(std::string_view piece) {
    if (!piece.empty()) pieces_.push_back({const_cast<char*>(piece.data()), piece.size()});
  }
  bool has_rest() const noexcept { return sent_ < rest_.size(); }
  bool empty() const noexcept { return pieces_.empty() && !has_rest(); }

  /// @return done when all has left, wants_* when the rest was kept
  WireState flush(EventWire& wire) {
    if (has_rest()) {
      keep(0);
      return send_rest(wire);
    }
    const auto [state, bytes] = wire.write(pieces_);
    if (state != WireState::done && state != WireState::failed) keep(bytes);
    pieces_.clear();
    return state;
  }

  WireState send_rest(EventWire& wire) {
    const iovec rest{rest_.data() + sent_, rest_.size() - sent_};
    const auto [state, bytes] = wire.write({&rest, 1});
    sent_ += bytes;
    if (sent_ == rest_.size()) forget_rest();
    return state;
  }

  void drop() noexcept {
    pieces_.clear();
    forget_rest();
  }

 private:
  void forget_rest() noexcept {
    kept_ -= rest_.size();
    give_back(rest_);
    sent_ = 0;
  }

  /// Copies the pieces but for the first `gone` bytes.
  void keep(std::size_t gone) {
    std::size_t more = 0;
    for (const auto& piece : pieces_) more += piece.iov_len;
    more -= gone;
    rest_.reserve(rest_.size() + more);
    kept_ += more;
    for (const auto& piece : pieces_) {
      const auto skip = std::min<std::size_t>(gone, piece.iov_len);
      gone -= skip;
      rest_.append(static_cast<const char*>(piece.iov_base) + skip, piece.iov_len - skip);
    }
    pieces_.clear();
  }

  std::size_t& kept_;
  std::vector<iovec> pieces_;
  std::string rest_;
  std::size_t sent_ = 0;  ///< of the rest
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
