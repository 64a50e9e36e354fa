// SPDX-License-Identifier: MIT
// How do I put the proxy into my own program? A pool, who may call, and an engine. The provider is
// played here: its first key is out of quota.

#include <credpool/credpool.hpp>
#include <credpool/server/event_engine.hpp>
#include <credpool/transport/httplib.hpp>

#include <iostream>

namespace cp = credpool;

struct MyKeys {
  static constexpr std::string_view cli = "my-program";
  static constexpr std::string_view provider = "openai";

  cp::Result<std::vector<cp::Credential>> discover(const cp::Environment&) const {
    return std::vector{cp::Credential::api_key(cli, provider, cp::Secret{"made-up-spent"}),
                       cp::Credential::api_key(cli, provider, cp::Secret{"made-up-good"})};
  }
};

struct PlayedProvider final : cp::ServerHandler {
  std::optional<cp::Answer> admit(const cp::RequestHead&, std::string_view) override { return {}; }
  cp::Answer refusal(int status, std::string_view) override { return {status, {}, ""}; }
  void handle(std::shared_ptr<cp::ServerExchange> exchange) override {
    const auto key = exchange->head().header("authorization").value_or("");
    if (key == "Bearer made-up-spent")
      return exchange->respond({429, {{"retry-after", "60"}}, R"({"error":{"code":"slow"}})"});
    exchange->respond({200,
                       {{"content-type", "text/event-stream"}},
                       "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n"
                       "data: [DONE]\n\n"});
  }
};

int main() {
  cp::EventEngine engine;
  const auto provider = engine.listen({}, std::make_shared<PlayedProvider>());
  if (!provider) return cp::exit_code(provider.error());

  cp::Pool pool{cp::Sources{MyKeys{}}, cp::FillFirst{}};
  if (const auto found = pool.scan(); !found) return cp::exit_code(found.error());
  cp::Settings settings;
  settings.base_urls["openai"] =
      "http://" + provider->text() + "/v1";  // leave out for the real one
  // A conversation keeps to one key where prompts are cached; here the spent one shall come first.
  settings.affinity_mode = cp::AffinityMode::none;

  cp::HttplibTransport transport;
  cp::ProxyOptions options;
  options.lender = std::make_shared<cp::PoolLender<decltype(pool)>>(pool);
  options.gate = std::make_shared<cp::StaticKeyGate>(cp::Secret{"key-of-my-proxy"});
  options.upstream = &engine.upstream();
  options.fetch = [&](const cp::Request& request) { return transport.send(request); };
  const auto proxy = std::make_shared<cp::Proxy>(std::move(options));
  proxy->use(std::make_shared<const cp::ProxyCatalog>(settings, pool.credentials()));
  const auto listening = engine.listen({}, proxy);  // {}: any free port of this machine
  if (!listening) return cp::exit_code(listening.error());
  if (const auto started = engine.start(); !started) return cp::exit_code(started.error());

  // What any client does:
  cp::Request request;
  request.method = "POST";
  request.url = "http://" + listening->text() + "/v1/chat/completions";
  request.headers = {{"authorization", "Bearer key-of-my-proxy"}};
  request.body = R"({"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"Hi"}]})";
  const auto answer = transport.send(request);
  if (!answer) return cp::exit_code(answer.error());
  std::cout << answer->status
            << ", attempts: " << answer->header("x-credpool-attempts").value_or("") << '\n'
            << answer->body;
  engine.stop(std::chrono::seconds{1});
}
