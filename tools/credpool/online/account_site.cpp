// SPDX-License-Identifier: MIT
#include "account_site.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t most_body_bytes = 1 << 20;  // of a request to the accounts; chats are longer

cp::Answer error(int status, std::string_view code, std::string_view message) {
  cp::Answer answer;
  answer.status = status;
  answer.headers = {{"content-type", "application/json"}};
  answer.body = R"({"error":{"code":")" + std::string{code} + R"(","message":")" +
                std::string{message} + "\"}}";
  return answer;
}

cp::Answer too_large() {
  return error(413, "PAYLOAD_TOO_LARGE", "a request to the accounts has at most 1 MiB");
}

std::string text(std::optional<std::string_view> value) {
  return std::string{value.value_or(std::string_view{})};
}

cp::ApiRequest request_of(const cp::ServerExchange& exchange) {
  const auto& head = exchange.head();
  cp::ApiRequest request;
  request.method = head.method;
  request.path = head.path();
  if (const auto mark = head.target.find('?'); mark != std::string_view::npos)
    request.query = head.target.substr(mark + 1);
  request.peer = exchange.peer();
  request.authorization = text(head.header("authorization"));
  request.idempotency_key = text(head.header("idempotency-key"));
  request.stripe_signature = text(head.header("stripe-signature"));
  request.origin = text(head.header("origin"));
  request.body = exchange.body();
  return request;
}

cp::Answer answer_of(cp::Response response) {
  cp::Answer answer;
  answer.status = response.status;
  for (auto& header : response.headers)
    answer.headers.emplace_back(std::move(header.name), std::move(header.value));
  answer.body = std::move(response.body);
  return answer;
}

/// The key that a request may have changed; empty: none.
std::string_view changed_key(const cp::ApiRequest& request) {
  constexpr std::string_view keys = "/keys/";
  std::string_view path = request.path;
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  if (request.method == "GET" || !path.starts_with(keys)) return {};
  path.remove_prefix(keys.size());
  return path.substr(0, path.find('/'));
}

}  // namespace

std::optional<cp::Answer> AccountSite::admit(const cp::RequestHead& head, std::string_view peer) {
  if (!cp::AccountApi::has(head.path())) return proxy_->admit(head, peer);
  if (const auto length = head.header("content-length")) {
    std::uint64_t bytes = 0;
    const auto* const end = length->data() + length->size();
    if (std::from_chars(length->data(), end, bytes).ptr != end || bytes > most_body_bytes)
      return too_large();
  }
  return std::nullopt;
}

void AccountSite::handle(std::shared_ptr<cp::ServerExchange> exchange) {
  if (!cp::AccountApi::has(exchange->head().path())) return proxy_->handle(std::move(exchange));
  if (exchange->body().size() > most_body_bytes) return exchange->respond(too_large());
  const auto request = std::make_shared<cp::ApiRequest>(request_of(*exchange));
  const auto answer = std::make_shared<cp::Answer>();
  const bool runs = exchange->offload(
      [&api = api_, request, answer] { *answer = answer_of(api.handle(*request)); },
      [exchange, answer, request, told = on_key_change_] {
        if (const auto hash = changed_key(*request); !hash.empty()) told(hash);
        exchange->respond(*answer);
      });
  if (!runs) exchange->respond(error(503, "BUSY", "too many requests are waiting; try again"));
}

cp::Answer AccountSite::refusal(int status, std::string_view why) {
  return proxy_->refusal(status, why);
}

}  // namespace credpool_cli
