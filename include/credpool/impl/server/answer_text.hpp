#pragma once
// SPDX-License-Identifier: MIT

// Heads of answers as bytes. Internal.

#include <credpool/server/exchange.hpp>

#include <credpool/impl/server/head_writer.hpp>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string_view http_reason(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return "Status";
  }
}

/// What becomes of the connection behind an answer.
enum class AfterAnswer { keep, keep_and_say_so, close };

/// What a status line, the date, framing and the last line take at most.
inline constexpr std::size_t answer_frame = 256;

inline void write_status_line(HeadWriter& head, int status, std::string_view date,
                              AfterAnswer after) {
  head.add("HTTP/1.1 ").add_number(static_cast<std::uint64_t>(status));
  head.add(" ").add(http_reason(status)).add("\r\ndate: ").add(date).add("\r\n");
  if (after == AfterAnswer::close) head.add("connection: close\r\n");
  if (after == AfterAnswer::keep_and_say_so) head.add("connection: keep-alive\r\n");
}

template <class Headers> std::size_t size_of_headers(const Headers& headers) noexcept {
  std::size_t size = 0;
  for (const auto& [name, value] : headers) size += HeadWriter::header_size(name, value);
  return size;
}

/// The head of an answer whose body follows piece by piece.
/// @param memory as HeadWriter has it
inline std::string answer_head(const AnswerHead& head, std::string_view date, bool chunked,
                               AfterAnswer after, std::string memory = {}) {
  HeadWriter text{answer_frame + size_of_headers(head.headers), std::move(memory)};
  write_status_line(text, head.status, date, after);
  for (const auto& [name, value] : head.headers) text.header(name, value);
  if (head.status == 204 || head.status == 304) {
    // No body, and no length of one (RFC 9110, section 8.6).
  } else if (head.content_length) {
    text.add("content-length: ").add_number(*head.content_length).add("\r\n");
  } else if (chunked) {
    text.add("transfer-encoding: chunked\r\n");
  }
  return std::move(text.add("\r\n")).take();
}

/// A whole answer; to a HEAD request without its body.
inline std::string whole_answer(const Answer& answer, std::string_view date, bool without_body,
                                AfterAnswer after) {
  const bool has_body = answer.status != 204 && answer.status != 304;
  const bool shows_body = has_body && !without_body;
  HeadWriter text{answer_frame + size_of_headers(answer.headers) +
                  (shows_body ? answer.body.size() : 0)};
  write_status_line(text, answer.status, date, after);
  for (const auto& [name, value] : answer.headers) text.header(name, value);
  if (has_body) text.add("content-length: ").add_number(answer.body.size()).add("\r\n");
  text.add("\r\n");
  if (shows_body) text.add(answer.body);
  return std::move(text).take();
}

/// "1f4\r\n"
inline std::string_view chunk_size_line(std::size_t size, std::array<char, 20>& into) {
  auto* end = std::to_chars(into.data(), into.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {into.data(), static_cast<std::size_t>(end - into.data())};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
