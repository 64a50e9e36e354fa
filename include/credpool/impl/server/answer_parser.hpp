#pragma once
// SPDX-License-Identifier: MIT

// The answer of an upstream, read as it comes. Internal.

#include <credpool/server/upstream.hpp>

#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/server/http_parser.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Who is told what an AnswerParser finds. Returning false ends the answer: nothing more is told.
class AnswerSink {
 public:
  virtual bool on_answer_head(const UpstreamAnswerHead& head) = 0;
  virtual bool on_answer_data(std::string_view bytes) = 0;

 protected:
  ~AnswerSink() = default;
};

/// Reads one answer after the other of a connection; keeps its head and nothing else.
class AnswerParser {
 public:
  enum class State {
    in_head,   ///< nothing of it was told yet
    in_body,   ///< more of it is to come
    complete,  ///< it has been told whole
    stopped,   ///< the sink wants no more
    refused,   ///< it is not HTTP as it should be, or its head is too large: see too_large()
  };

  /// @param head_only the answer to a HEAD request: no body follows
  void begin(AnswerSink& sink, bool head_only) {
    sink_ = &sink;
    head_only_ = head_only;
    state_ = State::in_head;
    too_large_ = keep_alive_ = false;
    used_ = 0;
    llhttp_init(&parser_, HTTP_RESPONSE, &settings());
    parser_.data = this;
  }

  State feed(std::string_view bytes) {
    const auto parsed = llhttp_execute(&parser_, bytes.data(), bytes.size());
    used_ = bytes.size();
    if (state_ == State::complete)
      used_ = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - bytes.data());
    else if (parsed != HPE_OK && state_ != State::stopped)
      state_ = State::refused;
    return state_;
  }
  /// The connection has ended, properly: an answer without a length is complete then.
  State end() {
    if (state_ == State::in_body && llhttp_message_needs_eof(&parser_) != 0)
      (void)llhttp_finish(&parser_);
    return state_;
  }

  /// The head has been told: gives its memory back.
  void forget_head() noexcept {
    if (head_.empty()) return;
    give_back(head_);
    spans_.pairs = {};
    answer_head_.headers = {};
  }

  State state() const noexcept { return state_; }
  /// How many bytes of the last feed() belong to the answer.
  std::size_t used() const noexcept { return used_; }
  /// Of a complete answer: whether another one may follow on the same connection.
  bool keep_alive() const noexcept { return keep_alive_; }
  bool too_large() const noexcept { return too_large_; }

  static constexpr std::size_t max_head = 64 << 10;
  static constexpr std::size_t max_headers = 200;

 private:
  static AnswerParser& self(llhttp_t* parser) noexcept {
    return *static_cast<AnswerParser*>(parser->data);
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t set;
      llhttp_settings_init(&set);
      set.on_message_begin = [](llhttp_t* parser) {
        self(parser).head_.clear();
        self(parser).spans_.clear();
        return 0;
      };
      set.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
        return self(parser).add_to_head(at, size, true);
      };
      set.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
        return self(parser).add_to_head(at, size, false);
      };
      set.on_header_value_complete = [](llhttp_t* parser) {
        self(parser).spans_.in_value = true;
        return 0;
      };
      set.on_headers_complete = [](llhttp_t* parser) { return self(parser).on_head(); };
      set.on_body = [](llhttp_t* parser, const char* at, std::size_t size) {
        auto& me = self(parser);
        if (me.state_ == State::in_head) return -1;  // a 1xx has no body
        return me.told(me.sink_->on_answer_data({at, size}));
      };
      set.on_message_complete = [](llhttp_t* parser) {
        auto& me = self(parser);
        if (me.state_ == State::in_head) return 0;  // a 1xx
        me.state_ = State::complete;
        me.keep_alive_ = llhttp_should_keep_alive(parser) != 0;
        return static_cast<int>(HPE_PAUSED);
      };
      return set;
    }();
    return table;
  }

  int told(bool go_on) noexcept {
    if (go_on) return 0;
    state_ = State::stopped;
    return -1;
  }

  int add_to_head(const char* at, std::size_t size, bool name) {
    if (state_ == State::in_body) return 0;  // a trailer
    const auto where = head_.size();
    too_large_ = where + size > max_head;
    if (!too_large_) {
      head_.append(at, size);
      if (name)
        spans_.name(where, size);
      else
        spans_.value(where, size);
      too_large_ = spans_.pairs.size() > max_headers;
    }
    return too_large_ ? -1 : 0;
  }

  int on_head() {
    if (parser_.status_code < 100 || parser_.status_code > 999) return -1;
    if (parser_.status_code == 101) return -1;  // nobody asked for another protocol
    if (parser_.status_code < 200) return 0;
    auto& head = answer_head_;
    head.status = parser_.status_code;
    head.content_length.reset();
    spans_.views(head_, head.headers);
    if (scan_holds<ScanControl>(head_.data(), head_.data() + head_.size())) return -1;
    if (!is_right(head.headers)) return -1;
    if ((parser_.flags & F_CONTENT_LENGTH) != 0)
      head.content_length = parser_.content_length;
    else if (head.status == 204 || head.status == 304)
      head.content_length = 0;
    state_ = State::in_body;
    if (told(sink_->on_answer_head(head)) != 0) return -1;
    return head_only_ ? 1 : 0;  // 1: no body follows
  }

  /// What is handed on to peers must not split their answers.
  static bool is_right(const std::vector<HeaderView>& headers) noexcept {
    int encodings = 0;
    for (const auto& [name, value] : headers) {
      if (name.empty()) return false;
      if (!same_header_name(name, "transfer-encoding")) continue;
      if (++encodings > 1 || !same_header_name(value, "chunked")) return false;
    }
    return true;
  }

  llhttp_t parser_{};
  AnswerSink* sink_ = nullptr;
  std::string head_;  ///< names and values of the answer's headers
  HttpHeaderSpans spans_;
  UpstreamAnswerHead answer_head_;
  std::size_t used_ = 0;
  State state_ = State::in_head;
  bool head_only_ = false;
  bool too_large_ = false;
  bool keep_alive_ = false;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
