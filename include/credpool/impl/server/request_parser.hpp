#pragma once
// SPDX-License-Identifier: MIT

// One request from the bytes of a connection, within limits. Internal.

#include <credpool/core/secret.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/limits.hpp>

#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/server/http_parser.hpp>
#include <credpool/impl/server/request_body.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Why a request is refused before its handler sees it.
struct RequestRefusal {
  int status = 400;
  std::string_view why;
};

/// Parses one request after the other. What it refuses ends the connection.
class RequestParser {
 public:
  /// Asked when a head is complete and right: an answer refuses it.
  using Admit = std::function<std::optional<Answer>(const RequestHead&)>;

  RequestParser(const ServerLimits& limits, Admit admit)
      : limits_{limits}, admit_{std::move(admit)} {
    restart();
  }
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class State { wants_more, complete, refused };

  /// Takes what was read. When complete, what is left of it belongs to the next request and is kept
  /// for take_rest().
  State feed(std::string_view bytes) {
    while (!head_done_ && !bytes.empty()) {
      // The head is kept; what came behind it in one piece is parsed from where it lies.
      const auto piece = bytes.substr(0, up_to_blank_line(bytes));
      bytes.remove_prefix(piece.size());
      const auto parsed = buffer_.size();
      buffer_.append(piece);
      const auto state = run(std::string_view{buffer_}.substr(parsed));
      if (state == State::complete) rest_ += bytes;
      if (state != State::wants_more) return state;
      if (!head_done_ && buffer_.size() > limits_.max_head_bytes)
        return refuse(431, "the request line and headers are too large");
    }
    return bytes.empty() ? State::wants_more : run(bytes);
  }

  /// Where the next bytes of the body may be read to, to be given to feed() from there; empty when
  /// others may come as well, or few are left.
  std::span<char> body_room() {
    constexpr std::uint64_t few = 4096;
    if (!in_body() || (parser_.flags & F_CHUNKED) != 0 || parser_.content_length < few) return {};
    return body_.room(parser_.content_length);
  }

  /// Whether the last request's was large: the next one's is likely to be.
  bool had_large_body() const noexcept { return had_large_body_; }
  bool in_head() const noexcept { return !head_done_ && !buffer_.empty(); }
  bool in_body() const noexcept { return head_done_ && !complete_; }
  std::uint64_t body_bytes_read() const noexcept { return raw_body_; }
  const RequestHead& head() const noexcept { return head_; }
  std::string_view body() const noexcept { return body_.view(); }
  bool keep_alive() const noexcept { return keep_alive_; }
  /// Whether the client waits for "100 Continue"; said once.
  bool take_expectation() noexcept { return std::exchange(expects_, false); }
  /// With State::refused: the handler's own answer, or what is wrong.
  std::optional<Answer>& refusal_answer() noexcept { return refusal_answer_; }
  RequestRefusal refusal() const noexcept { return refusal_; }

  /// The request has been read, and its answer takes long: gives back what only reading needs.
  void forget_spans() noexcept { spans_.pairs = {}; }

  std::string take_rest() { return std::exchange(rest_, {}); }

  /// Forgets the request: the next bytes begin a new one.
  void restart() {
    llhttp_init(&parser_, HTTP_REQUEST, &settings());
    parser_.data = this;
    constexpr std::size_t small = 16 << 10;
    constexpr std::size_t large = 64 << 10;
    wipe(buffer_.data(), buffer_.size());  // the peer's key stood in it
    if (buffer_.capacity() > 2 * small) give_back(buffer_);
    had_large_body_ = body_.size() > large;
    if (body_.capacity() > small) body_.give_back();
    buffer_.clear();
    body_.clear();
    spans_.clear();
    head_.method = head_.target = {};
    head_.minor_version = 1;
    head_.headers.clear();
    head_.admitted.reset();
    target_ = {};
    raw_body_ = 0;
    head_done_ = complete_ = keep_alive_ = expects_ = false;
    refusal_answer_.reset();
    refusal_ = {};
  }

 private:
  static RequestParser& self(llhttp_t* parser) noexcept {
    return *static_cast<RequestParser*>(parser->data);
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t set;
      llhttp_settings_init(&set);
      set.on_url = [](llhttp_t* parser, const char* at, std::size_t size) {
        auto& me = self(parser);
        if (me.target_.size == 0) me.target_.begin = me.offset(at);
        me.target_.size += size;
        return 0;
      };
      set.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
        auto& me = self(parser);
        if (!me.head_done_) me.spans_.name(me.offset(at), size);  // else a trailer: passed over
        return 0;
      };
      set.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
        auto& me = self(parser);
        // Whether it is folded is told by head_fault().
        if (!me.head_done_) (void)me.spans_.value(me.offset(at), size);
        return 0;
      };
      set.on_header_value_complete = [](llhttp_t* parser) {
        self(parser).spans_.in_value = true;
        return 0;
      };
      set.on_headers_complete = [](llhttp_t* parser) { return self(parser).on_head() ? 0 : -1; };
      set.on_body = [](llhttp_t* parser, const char* at, std::size_t size) {
        self(parser).body_.append(at, size);
        return 0;
      };
      set.on_message_complete = [](llhttp_t* parser) {
        auto& me = self(parser);
        me.complete_ = true;
        me.keep_alive_ = llhttp_should_keep_alive(parser) != 0;
        return static_cast<int>(HPE_PAUSED);
      };
      return set;
    }();
    return table;
  }

  std::size_t offset(const char* at) const noexcept {
    return static_cast<std::size_t>(at - buffer_.data());
  }

  State refuse(int status, std::string_view why) {
    refusal_ = {status, why};
    return State::refused;
  }

  /// How many of them belong to the head, as far as they tell.
  std::size_t up_to_blank_line(std::string_view bytes) const noexcept {
    constexpr std::string_view blank = "\r\n\r\n";
    // It may have begun in the piece before.
    for (std::size_t begun = std::min(blank.size() - 1, buffer_.size()); begun > 0; --begun)
      if (buffer_.ends_with(blank.substr(0, begun)) && bytes.starts_with(blank.substr(begun)))
        return blank.size() - begun;
    const auto found = bytes.find(blank);
    return found == bytes.npos ? bytes.size() : found + blank.size();
  }

  State run(std::string_view bytes) {
    const bool had_head = head_done_;
    const auto error = llhttp_execute(&parser_, bytes.data(), bytes.size());
    const auto used = complete_
                          ? static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - bytes.data())
                          : bytes.size();
    if (had_head) raw_body_ += used;
    if (!complete_ && refusal_.why.empty() && !refusal_answer_ && error != HPE_OK) explain(error);
    if (!refusal_.why.empty() || refusal_answer_) return State::refused;
    // With the frames of its chunks and what stands behind the last one.
    if (raw_body_ > limits_.max_body_bytes) return refuse(413, "the request's body is too large");
    if (!complete_) return State::wants_more;
    rest_ = bytes.substr(used);
    return State::complete;
  }

  void explain(llhttp_errno_t error) {
    switch (error) {
      case HPE_INVALID_METHOD:
        refuse(501, "the method is not known");
        return;
      case HPE_INVALID_VERSION:
      case HPE_PAUSED_H2_UPGRADE:
        refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
        return;
      case HPE_INVALID_CONTENT_LENGTH:
      case HPE_UNEXPECTED_CONTENT_LENGTH:
        refuse(400, "the Content-Length is not valid or contradicts other headers");
        return;
      case HPE_INVALID_TRANSFER_ENCODING:
        refuse(400, "the Transfer-Encoding is not valid");
        return;
      case HPE_INVALID_CHUNK_SIZE:
        refuse(400, "a chunk's size is not valid");
        return;
      default:
        refuse(400, "the request is not valid HTTP");
    }
  }

  bool on_head() {
    parser_.upgrade = 0;  // nothing here speaks another protocol
    head_done_ = true;
    spans_.views(buffer_, head_.headers);
    head_.method = llhttp_method_name(static_cast<llhttp_method_t>(parser_.method));
    head_.target = target_.in(buffer_);
    head_.minor_version = parser_.http_minor;
    if (!is_right()) return false;
    if (auto answer = admit_(head_)) {
      refusal_answer_ = std::move(answer);
      return false;
    }
    return true;
  }

  bool is_right() {
    const auto bad = [this](int status, std::string_view why) {
      refuse(status, why);
      return false;
    };
    if (parser_.http_major != 1 || parser_.http_minor > 1)
      return bad(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    const auto end = std::max(target_.begin + target_.size, spans_.end());
    if (end > limits_.max_head_bytes) return bad(431, "the request line and headers are too large");
    if (head_.headers.size() > limits_.max_headers) return bad(431, "there are too many headers");
    if (head_.target.size() > limits_.max_target_bytes) return bad(414, "the target is too long");
    const auto fault = head_fault(buffer_, end);
    if (fault == HeadFault::control) return bad(400, "the head holds a control character");
    if (fault == HeadFault::lines || !has_strict_end(end))
      return bad(400, "the lines of the head do not end with CR LF, or are folded");
    if (!has_strict_request_line())
      return bad(400, "the request line is not method, blank, target, blank, version");
    if (head_.method == "CONNECT") return bad(501, "CONNECT is not spoken here");
    if (!head_.target.starts_with('/') && !(head_.target == "*" && head_.method == "OPTIONS"))
      return bad(400, "the target must be a path that begins with /");
    return headers_are_right(bad);
  }

  /// @param end of the last header's value, or of the target
  bool has_strict_end(std::size_t end) const noexcept {
    const auto rest = std::string_view{buffer_}.substr(end);
    const auto line_end = rest.find_first_of("\r\n");
    return line_end != rest.npos && rest.substr(line_end, 4) == "\r\n\r\n";
  }
  bool has_strict_request_line() const noexcept {
    const std::string_view text{buffer_};
    const auto begin = text.find_first_not_of("\r\n");
    const auto line = text.substr(begin, text.find("\r\n", begin) - begin);
    const auto size = head_.method.size() + 1 + head_.target.size();
    return line.size() == size + 9 && line.substr(size).starts_with(" HTTP/1.");
  }

  template <class Bad> bool headers_are_right(const Bad& bad) {
    int hosts = 0;
    int lengths = 0;
    int encodings = 0;
    for (const auto& [name, value] : head_.headers) {
      if (name.empty()) return bad(400, "a header has no name");
      if (same_header_name(name, "host")) {
        ++hosts;
      } else if (same_header_name(name, "content-length")) {
        ++lengths;
      } else if (same_header_name(name, "transfer-encoding")) {
        ++encodings;
        if (!same_header_name(value, "chunked") || head_.minor_version == 0)
          return bad(501, "the only Transfer-Encoding that is understood is chunked");
      } else if (same_header_name(name, "expect")) {
        if (!same_header_name(value, "100-continue"))
          return bad(417, "the only expectation that is understood is 100-continue");
        expects_ = head_.minor_version == 1;
      }
    }
    if (hosts > 1 || (hosts == 0 && head_.minor_version == 1))
      return bad(400, "there must be one Host header");
    if (lengths + encodings > 1)
      return bad(400, "there must be one Content-Length or one Transfer-Encoding");
    if (lengths == 1 && parser_.content_length > limits_.max_body_bytes)
      return bad(413, "the request's body is too large");
    if (lengths == 1) body_.reserve(std::min<std::uint64_t>(parser_.content_length, 1 << 20));
    if (lengths + encodings == 0 || (lengths == 1 && parser_.content_length == 0)) expects_ = false;
    return true;
  }

  const ServerLimits& limits_;
  Admit admit_;
  llhttp_t parser_{};
  std::string buffer_;  ///< the head, and what came with it
  RequestBody body_;
  std::string rest_;
  HttpHeaderSpans spans_;
  HttpSpan target_;
  RequestHead head_;
  std::uint64_t raw_body_ = 0;
  bool head_done_ = false;
  bool complete_ = false;
  bool keep_alive_ = false;
  bool expects_ = false;
  bool had_large_body_ = false;
  std::optional<Answer> refusal_answer_;
  RequestRefusal refusal_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
