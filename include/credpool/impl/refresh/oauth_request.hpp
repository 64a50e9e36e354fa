#pragma once
// SPDX-License-Identifier: MIT

// How a request to an authorization server is written. Internal.

#include <credpool/impl/core/form.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/refresh/token_endpoint.hpp>

#include <string>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A request to an authorization server: the parameters as that server wants them.
inline Request oauth_request(const TokenEndpoint& endpoint, std::string url, TokenEncoding encoding,
                             const FormParameters& parameters) {
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
    request.body = form_text(parameters);
  }
  request.connect_timeout = endpoint.connect_timeout;
  request.timeout = endpoint.answer_timeout;
  return request;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
