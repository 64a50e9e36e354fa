#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Is given the data of an event that is too long to be kept, part by part, its lines joined by LF.
class SseLongData {
 public:
  /// @param event the event's name, if that came before its data
  virtual void add(std::string_view event, std::string_view part) = 0;

 protected:
  ~SseLongData() = default;
};

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
  ///                        over: it is counted, not told and not kept. Where long data is taken
  ///                        by somebody it is the most that is kept of an event
  explicit SseReader(std::size_t max_event_bytes = 1 << 20) noexcept : max_{max_event_bytes} {}

  /// Reads up to the end of the next event, and takes what it has read off the front of `piece`.
  ///
  /// @param long_data is given what there is no room for: of an event that does not lie within one
  ///                  piece and is too long, all data, and in_parts() says so when it has ended
  /// @return whether an event has ended: event() and data() are its name and data, valid until the
  ///         next call and while the piece is. False: the whole piece has been read.
  bool next(std::string_view& piece, SseLongData* long_data = nullptr);

  /// Reads a whole piece.
  /// @param on_event void(std::string_view event, std::string_view data)
  template <class OnEvent> void feed(std::string_view piece, OnEvent&& on_event) {
    while (next(piece)) on_event(event(), data());
  }

  /// The event's name; empty when it has none (a browser would say "message").
  std::string_view event() const noexcept { return event_; }
  /// Its data, the lines joined by LF.
  std::string_view data() const noexcept { return data_; }
  /// Whether the data of the event that has ended was given away part by part: data() is empty.
  bool in_parts() const noexcept { return in_parts_; }

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
  void begin_parts();
  void give_line();
  void give_value(std::string_view value);
  void forget_event();

  std::size_t max_;
  SseLongData* long_data_ = nullptr;  ///< within next()
  std::string line_;                  ///< what is kept of a line whose end has not come yet
  std::string event_;                 ///< the name
  std::string data_kept_;             ///< data that had to be copied
  std::string_view data_;             ///< in the piece, or data_kept_
  std::size_t event_bytes_ = 0;
  std::size_t passed_over_ = 0;
  int bom_ = 0;           ///< bytes of a byte order mark that were read; -1: none can come any more
  bool in_line_ = false;  ///< a line has begun in an earlier piece
  bool comment_ = false;  ///< ... and is a comment
  bool in_event_ = false;  ///< a field of this event has been read
  bool has_data_ = false;
  bool copied_ = false;    ///< data_ is data_kept_
  bool too_long_ = false;  ///< this event is passed over
  bool in_parts_ = false;  ///< its data is given away
  enum class Line { begun, data, other };
  Line line_in_parts_ = Line::begun;  ///< what the line is whose end has not come yet
  bool told_ = false;                 ///< event() and data() are those of an event that has ended
  bool after_cr_ = false;             ///< an LF that comes next belongs to the line that has ended
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/sse.ipp>
#endif
