#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Watches a stream of server-sent events go by, in pieces of any size, and tells its events. The
/// bytes themselves are the caller's to pass on.
///
/// An event that lies within one piece is told without being copied. Lines may end in LF, CR LF or
/// CR; a byte order mark in front, comments and fields that are not known are passed over; what has
/// no data is no event.
///
/// @source WHATWG HTML, section 9.2.6 "Interpreting an event stream"
/// @thread_safety caller serialises
class SseReader {
 public:
  /// @param max_event_bytes an event whose lines (comments aside) are longer together is passed
  /// over:
  ///                        it is counted, not told and not kept
  explicit SseReader(std::size_t max_event_bytes = 1 << 20) noexcept : max_{max_event_bytes} {}

  /// Reads up to the end of the next event, and takes what it has read off the front of `piece`.
  ///
  /// @return whether an event has ended: event() and data() are its name and data, valid until the
  ///         next call and while the piece is. False: the whole piece has been read.
  bool next(std::string_view& piece);

  /// Reads a whole piece.
  /// @param on_event void(std::string_view event, std::string_view data)
  template <class OnEvent> void feed(std::string_view piece, OnEvent&& on_event) {
    while (next(piece)) on_event(event(), data());
  }

  /// The event's name; empty when it has none (a browser would say "message").
  std::string_view event() const noexcept { return event_; }
  /// Its data, the lines joined by LF.
  std::string_view data() const noexcept { return data_; }

  /// Whether what is appended now is an event of its own: no line and no event has been begun.
  bool at_boundary() const noexcept { return !in_line_ && !in_event_ && bom_ <= 0; }

  /// How many events were passed over for their length.
  std::size_t passed_over() const noexcept { return passed_over_; }

 private:
  void skip_byte_order_mark(std::string_view& piece);
  void keep_line(std::string_view text);
  bool read_line(std::string_view line);
  void own_data();
  void add_data(std::string_view line);
  void forget_event();

  std::size_t max_;
  std::string line_;       ///< what is kept of a line whose end has not come yet
  std::string event_;      ///< the name
  std::string data_kept_;  ///< data that had to be copied
  std::string_view data_;  ///< in the piece, or data_kept_
  std::size_t event_bytes_ = 0;
  std::size_t passed_over_ = 0;
  int bom_ = 0;           ///< bytes of a byte order mark that were read; -1: none can come any more
  bool in_line_ = false;  ///< a line has begun in an earlier piece
  bool comment_ = false;  ///< ... and is a comment
  bool in_event_ = false;  ///< a field of this event has been read
  bool has_data_ = false;
  bool copied_ = false;    ///< data_ is data_kept_
  bool too_long_ = false;  ///< this event is passed over
  bool told_ = false;      ///< event() and data() are those of an event that has ended
  bool after_cr_ = false;  ///< an LF that comes next belongs to the line that has ended
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/sse.ipp>
#endif
