// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>
#include <credpool/account/memory_store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace cp = credpool;

namespace {

/// A server with one account and one key, whose clock stands still.
struct World {
  World() {
    cp::AccountApiOptions options;
    options.store = &store;
    options.passwords = &passwords;
    options.payments = &payments;
    options.now = [] { return cp::TimePoint{cp::Duration{1'795'262'400'000}}; };
    options.send = [](const cp::Request&) -> cp::Result<cp::Response> {
      return cp::Response{200, {}, R"({"id":"cs_1","url":"https://a.example/","currency":"usd"})"};
    };
    options.wait = [](cp::Duration) {};
    options.stripe = cp::StripeSettings{.api_base = "https://stripe.example",
                                        .secret_key = cp::Secret{"sk_fake"},
                                        .webhook_secret = cp::Secret{"whsec_fake"},
                                        .success_url = "https://a.example/",
                                        .cancel_url = "https://a.example/"};
    options.mock_github = true;
    options.limits = {};
    options.limits.calls_per_account.burst = options.limits.calls_per_peer.burst = 0;
    api.emplace(std::move(options));
    cp::ApiRequest request;
    request.method = "POST";
    request.path = "/auth/register";
    request.body = R"({"email":"a@example.com","password":"Demo1234!"})";
    const auto answer = api->handle(request);
    const auto at = answer.body.find("sk-mgmt-");
    if (at == std::string::npos) std::abort();
    key = answer.body.substr(at, 44);
  }

  cp::MemoryAccountStore store;
  cp::MemoryPaymentStore payments;
  cp::SaltedDigestHasher passwords;
  std::optional<cp::AccountApi> api;
  std::string key;
};

std::string_view line_of(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

}  // namespace

// Input: "METHOD PATH?QUERY", a line for the headers' values, and the body. Whatever comes is
// answered in JSON, without a 500.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto first = line_of(text);
  const auto header = line_of(text);
  cp::ApiRequest request;
  const auto blank = std::min(first.find(' '), first.size());
  request.method = first.substr(0, blank);
  const auto target = first.substr(std::min(blank + 1, first.size()));
  const auto mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  request.query = target.substr(std::min(mark + 1, target.size()));
  request.authorization = header.empty() ? "Bearer " + world.key : std::string{header};
  request.idempotency_key = header;
  request.stripe_signature = header;
  request.body = text;
  for (int i = 0; i < 2; ++i) {
    const auto answer = world.api->handle(request);
    if (answer.status < 200 || answer.status == 500 || answer.status > 503) std::abort();
    if (answer.status != 204 && !answer.body.starts_with('{')) std::abort();
    if (answer.status >= 400 && answer.body.find(world.key) != std::string::npos) std::abort();
  }
  return 0;
}
