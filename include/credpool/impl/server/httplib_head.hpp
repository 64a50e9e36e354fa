#pragma once
// SPDX-License-Identifier: MIT

// The head of a request as httplib read it, checked. Internal.

#include <credpool/server/exchange.hpp>
#include <credpool/server/limits.hpp>

#include <httplib.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A request's head with its own memory, and what httplib is to read behind it.
struct HttplibHead {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  RequestHead views;
  bool has_body = false;

  HttplibHead() = default;
  HttplibHead(const HttplibHead&) = delete;
  HttplibHead& operator=(const HttplibHead&) = delete;

  struct Refusal {
    int status;
    std::string_view why;
  };

  /// Takes the head away from httplib, which would act on it: it cuts ranges out of answers, packs
  /// answers and unpacks requests, takes forms apart and looks for a route.
  void take(httplib::Request& request) {
    method = request.method;
    target = request.target;
    httplib::Headers framing;
    for (auto& [name, value] : request.headers) {
      const auto is = [&, &name = name](std::string_view other) {
        return same_header_name(name, other);
      };
      // httplib's own, as if the peer had sent them.
      if (is("REMOTE_ADDR") || is("REMOTE_PORT") || is("LOCAL_ADDR") || is("LOCAL_PORT")) continue;
      if (is("Content-Length") || is("Transfer-Encoding") || is("Connection"))
        framing.emplace(name, value);
      headers.emplace_back(name, std::move(value));
    }
    request.headers = std::move(framing);
    request.ranges.clear();
    request.path = "/";
    for (const auto& [name, value] : headers) views.headers.push_back({name, value});
    views.method = method;
    views.target = target;
    views.minor_version = request.version == "HTTP/1.0" ? 0 : 1;
  }

  std::optional<Refusal> check(const ServerLimits& limits) {
    static constexpr std::string_view methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                                   "PATCH", "DELETE", "OPTIONS"};
    if (std::find(std::begin(methods), std::end(methods), method) == std::end(methods))
      return Refusal{501, "the method is not known"};
    if (target.size() > limits.max_target_bytes) return Refusal{414, "the target is too long"};
    if (!is_plain(target) || (!target.starts_with('/') && !(target == "*" && method == "OPTIONS")))
      return Refusal{400, "the target must be a path that begins with /"};
    if (headers.size() > limits.max_headers) return Refusal{431, "there are too many headers"};
    return check_headers(limits);
  }

 private:
  static bool is_plain(std::string_view text) noexcept {
    return std::none_of(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
    });
  }

  std::optional<Refusal> check_headers(const ServerLimits& limits) {
    std::size_t size = method.size() + target.size();
    int hosts = 0;
    int lengths = 0;
    int encodings = 0;
    std::uint64_t length = 0;
    for (const auto& [name, value] : headers) {
      size += name.size() + value.size() + 4;
      if (!is_plain(name) || !is_plain(value))
        return Refusal{400, "a header's value holds a control character"};
      if (same_header_name(name, "host")) {
        ++hosts;
      } else if (same_header_name(name, "content-length")) {
        ++lengths;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), length);
        if (value.empty() || error != std::errc{} || end != value.data() + value.size())
          return Refusal{400, "the Content-Length is not valid or contradicts other headers"};
      } else if (same_header_name(name, "transfer-encoding")) {
        ++encodings;
        if (!same_header_name(value, "chunked") || views.minor_version == 0)
          return Refusal{501, "the only Transfer-Encoding that is understood is chunked"};
      } else if (same_header_name(name, "expect") && value != "100-continue") {
        return Refusal{417, "the only expectation that is understood is 100-continue"};
      }
    }
    if (size > limits.max_head_bytes)
      return Refusal{431, "the request line and headers are too large"};
    if (hosts > 1 || (hosts == 0 && views.minor_version == 1))
      return Refusal{400, "there must be one Host header"};
    if (lengths + encodings > 1)
      return Refusal{400, "there must be one Content-Length or one Transfer-Encoding"};
    has_body = encodings > 0 || length > 0;
    if (has_body && (method == "GET" || method == "HEAD" || method == "OPTIONS"))
      return Refusal{400, "a request with this method can have no body here"};
    if (length > limits.max_body_bytes) return Refusal{413, "the request's body is too large"};
    return std::nullopt;
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
