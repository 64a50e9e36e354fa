#pragma once
// SPDX-License-Identifier: MIT

// How a request to an authorization server is written. Internal.

#include <credpool/impl/core/json.hpp>
#include <credpool/refresh/token_endpoint.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string oauth_percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded.push_back(c);
      continue;
    }
    const auto value = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(digits[value >> 4]);
    encoded.push_back(digits[value & 15]);
  }
  return encoded;
}

using OAuthParameters = std::vector<std::pair<std::string, std::string>>;

/// "a=1&b=2" (application/x-www-form-urlencoded).
inline std::string oauth_form(const OAuthParameters& parameters) {
  std::string form;
  for (const auto& parameter : parameters) {
    if (!form.empty()) form.push_back('&');
    form += oauth_percent_encoded(parameter.first);
    form.push_back('=');
    form += oauth_percent_encoded(parameter.second);
  }
  return form;
}

/// A request to an authorization server: the parameters as that server wants them.
inline Request oauth_request(const TokenEndpoint& endpoint, std::string url, TokenEncoding encoding,
                             const OAuthParameters& parameters) {
  Request request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers = endpoint.headers;
  request.headers.push_back({"Accept", "application/json"});
  if (encoding == TokenEncoding::json) {
    Json body = Json::object();
    for (const auto& parameter : parameters) body[parameter.first] = parameter.second;
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = dump_json(body);
  } else {
    request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    request.body = oauth_form(parameters);
  }
  request.connect_timeout = endpoint.connect_timeout;
  request.timeout = endpoint.answer_timeout;
  return request;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
