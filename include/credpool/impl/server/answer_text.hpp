#pragma once
// SPDX-License-Identifier: MIT

// Heads of answers as bytes. Internal.

#include <credpool/server/exchange.hpp>

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

inline void append_number(std::string& text, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

/// What becomes of the connection behind an answer.
enum class AfterAnswer { keep, keep_and_say_so, close };

inline void append_status_line(std::string& text, int status, std::string_view date,
                               AfterAnswer after) {
  text.append("HTTP/1.1 ");
  append_number(text, static_cast<std::uint64_t>(status));
  text.append(" ").append(http_reason(status)).append("\r\ndate: ").append(date).append("\r\n");
  if (after == AfterAnswer::close) text.append("connection: close\r\n");
  if (after == AfterAnswer::keep_and_say_so) text.append("connection: keep-alive\r\n");
}

inline void append_header(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

/// The head of an answer whose body follows piece by piece.
inline std::string answer_head(const AnswerHead& head, std::string_view date, bool chunked,
                               AfterAnswer after) {
  std::string text;
  text.reserve(1024);
  append_status_line(text, head.status, date, after);
  for (const auto& [name, value] : head.headers) append_header(text, name, value);
  if (head.status == 204 || head.status == 304) {
    // No body, and no length of one (RFC 9110, section 8.6).
  } else if (head.content_length) {
    text.append("content-length: ");
    append_number(text, *head.content_length);
    text.append("\r\n");
  } else if (chunked) {
    text.append("transfer-encoding: chunked\r\n");
  }
  text.append("\r\n");
  return text;
}

/// A whole answer; to a HEAD request without its body.
inline std::string whole_answer(const Answer& answer, std::string_view date, bool without_body,
                                AfterAnswer after) {
  std::string text;
  text.reserve(512 + answer.body.size());
  append_status_line(text, answer.status, date, after);
  for (const auto& [name, value] : answer.headers) append_header(text, name, value);
  const bool has_body = answer.status != 204 && answer.status != 304;
  if (has_body) {
    text.append("content-length: ");
    append_number(text, answer.body.size());
    text.append("\r\n");
  }
  text.append("\r\n");
  if (has_body && !without_body) text.append(answer.body);
  return text;
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
