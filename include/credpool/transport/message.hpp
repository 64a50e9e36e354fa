#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// One HTTP header that is not secret.
struct Header {
  std::string name;
  std::string value;
};

/// One HTTP header whose value is a secret: `prefix` ("Bearer ") and then the secret's bytes.
struct SecretHeader {
  std::string name;
  std::string prefix;
  Secret value;
};

/// An HTTP request of the control plane: small, answered whole.
struct Request {
  std::string method = "GET";
  std::string url;  ///< absolute; https, or http to a loopback address
  std::vector<Header> headers;
  std::vector<SecretHeader> secret_headers;
  std::string body;
  Duration connect_timeout{5'000};
  Duration timeout{20'000};                ///< for the whole answer
  std::size_t max_answer_bytes = 1 << 20;  ///< a longer answer is an error (too_large)
  /// Called once when the connection stands (TLS done) and before the first byte of the body goes
  /// out; its error ends the request, of which the server then has no body. A request that fails
  /// without this having been called and answered ok was not sent. Only for requests with a body.
  std::function<Result<void>()> before_body = {};
};

/// An HTTP answer, whatever its status: a 401 is an answer, not an error.
struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;

  /// The first header of that name (in any case); none when there is none.
  std::optional<std::string_view> header(std::string_view name) const noexcept {
    const auto same = [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) ==
             std::tolower(static_cast<unsigned char>(b));
    };
    for (const auto& header : headers)
      if (std::equal(header.name.begin(), header.name.end(), name.begin(), name.end(), same))
        return std::string_view{header.value};
    return std::nullopt;
  }
};

}  // namespace credpool::inline CREDPOOL_ABI
