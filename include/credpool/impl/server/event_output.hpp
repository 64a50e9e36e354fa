#pragma once
// SPDX-License-Identifier: MIT

// What a connection has still to send. Internal.

#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/server/event_wire.hpp>

#include <algorithm>
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
  /// A piece that is not known yet: to be filled before anything is flushed.
  std::size_t add_later() {
    pieces_.push_back({nullptr, 0});
    return pieces_.size() - 1;
  }
  void fill(std::size_t which, std::string_view piece) noexcept {
    pieces_[which] = {const_cast<char*>(piece.data()), piece.size()};
  }
  /// So many that they should leave now.
  bool is_full() const noexcept { return pieces_.size() >= most_pieces; }

  bool has_rest() const noexcept { return sent_ < rest_.size(); }
  /// Whether there are pieces only, and that holds for each.
  template <class What> bool is_all(const What& what) const {
    return !has_rest() && std::all_of(pieces_.begin(), pieces_.end(), what);
  }
  bool empty() const noexcept { return pieces_.empty() && !has_rest(); }

  /// To be called when there is no rest yet.
  /// @return done when all has left, wants_* when the rest was kept
  WireState flush(EventWire& wire) {
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

  /// Adds the pieces to the rest, behind which they have to wait.
  void keep_pieces() { keep(0); }

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

  /// Copies the pieces but for the first `gone` bytes, and keeps no more than that.
  void keep(std::size_t gone) {
    std::size_t more = 0;
    for (const auto& piece : pieces_) more += piece.iov_len;
    more -= gone;
    kept_ += more;
    kept_ -= sent_;
    std::string all;
    all.reserve(rest_.size() - sent_ + more);
    all.append(rest_, sent_);
    for (const auto& piece : pieces_) {
      const auto skip = std::min<std::size_t>(gone, piece.iov_len);
      gone -= skip;
      all.append(static_cast<const char*>(piece.iov_base) + skip, piece.iov_len - skip);
    }
    rest_ = std::move(all);
    sent_ = 0;
    pieces_ = {};  // its memory too: who is slow stays so
  }

  static constexpr std::size_t most_pieces =
      60;  // with a chunk's frame fewer than a system call takes

  std::size_t& kept_;
  std::vector<iovec> pieces_;
  std::string rest_;
  std::size_t sent_ = 0;  ///< of the rest
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
