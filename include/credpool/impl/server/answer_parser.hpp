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

/// Reads one answer after the other of a connection. What it tells lies in the bytes that it was
/// fed; only a head that comes in several pieces is kept until it is whole.
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
    give_back_text();
    llhttp_init(&parser_, HTTP_RESPONSE, &settings());
    parser_.data = this;
  }

  /// What it tells is valid until the next call.
  State feed(std::string_view bytes) {
    auto rest = bytes;
    if (state_ == State::in_head && !text_.empty()) {
      const auto before = text_.size();
      text_.append(bytes);
      head_ = text_.data();
      rest = std::string_view{text_}.substr(before);
    } else {
      head_ = bytes.data();
    }
    const char* const end = rest.data() + rest.size();
    auto parsed = llhttp_execute(&parser_, rest.data(), rest.size());
    while (parsed == HPE_PAUSED && state_ == State::in_head) {  // behind a 1xx
      head_ = llhttp_get_error_pos(&parser_);
      llhttp_resume(&parser_);
      parsed = llhttp_execute(&parser_, head_, static_cast<std::size_t>(end - head_));
    }
    used_ = bytes.size();
    if (state_ == State::complete)
      used_ -= static_cast<std::size_t>(end - llhttp_get_error_pos(&parser_));
    else if (parsed != HPE_OK && state_ != State::stopped)
      state_ = State::refused;
    else if (state_ == State::in_head)
      keep_text(end);
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
    give_back_text();
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
        self(parser).spans_.clear();
        return 0;
      };
      set.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
        auto& me = self(parser);
        if (me.state_ == State::in_body) return 0;  // a trailer
        me.spans_.name(me.offset(at), size);
        return me.within_limits(at + size);
      };
      set.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
        auto& me = self(parser);
        if (me.state_ == State::in_body) return 0;
        if (!me.spans_.value(me.offset(at), size)) return -1;  // folded
        return me.within_limits(at + size);
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
        if (me.state_ == State::in_body) {
          me.state_ = State::complete;
          me.keep_alive_ = llhttp_should_keep_alive(parser) != 0;
        }
        return static_cast<int>(HPE_PAUSED);  // also behind a 1xx
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

  std::size_t offset(const char* at) const noexcept { return static_cast<std::size_t>(at - head_); }

  int within_limits(const char* end) noexcept {
    too_large_ = offset(end) > max_head || spans_.pairs.size() > max_headers;
    return too_large_ ? -1 : 0;
  }

  /// A head of which the rest is to come.
  void keep_text(const char* end) {
    const auto size = offset(end);
    too_large_ = size > max_head;
    if (too_large_)
      state_ = State::refused;
    else if (text_.empty())
      text_.assign(head_, size);
    else
      text_.erase(0, text_.size() - size);  // the 1xx before it
  }
  void give_back_text() noexcept {
    if (!text_.empty()) give_back(text_);
  }

  int on_head() {
    if (parser_.status_code < 100 || parser_.status_code > 999) return -1;
    if (parser_.status_code == 101) return -1;  // nobody asked for another protocol
    if (parser_.status_code < 200) return 0;
    auto& head = answer_head_;
    head.status = parser_.status_code;
    head.content_length.reset();
    spans_.views({head_, spans_.end()}, head.headers);
    if (!is_right(head.headers)) return -1;
    if ((parser_.flags & F_CONTENT_LENGTH) != 0)
      head.content_length = parser_.content_length;
    else if (head.status == 204 || head.status == 304)
      head.content_length = 0;
    state_ = State::in_body;
    if (told(sink_->on_answer_head(head)) != 0) return -1;
    return head_only_ ? 1 : 0;  // 1: no body follows
  }

  /// What is handed on to peers must not split their answers. That names and values hold no control
  /// character the parser sees to.
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
  const char* head_ = nullptr;  ///< where the answer begins, in what is being fed or in text_
  std::string text_;            ///< of a head that is not whole yet
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
