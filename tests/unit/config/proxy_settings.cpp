// SPDX-License-Identifier: MIT
#include <credpool/config/proxy_settings.hpp>

#include <credpool/config/settings_file.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace cp = credpool;
using std::chrono::seconds;

namespace {

constexpr auto own = ".config/credpool/config.json5";

cp::SettingsReport read(const ThrowawayHome& home, std::string_view text) {
  home.write(own, text);
  return cp::read_settings(home.environment());
}

}  // namespace

TEST_CASE("config/proxy_settings: what can be listened at") {
  for (const auto good : {"127.0.0.1:8484", "localhost:0", "[::1]:65535", "unix:/run/x.sock"})
    CHECK(cp::is_listen_address(good));
  for (const auto bad : {"", "8484", ":8484", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x",
                         "::1:80", "unix:", "a b:80", "http://127.0.0.1:80", "127.0.0.1:-1"})
    CHECK_FALSE(cp::is_listen_address(bad));
}

TEST_CASE("config/proxy_settings: the defaults") {
  const cp::Settings settings;
  CHECK(settings.proxy.listen == "127.0.0.1:8484");
  CHECK(settings.proxy.hold == seconds{0});
  CHECK(settings.proxy.max_attempts == 4);
  CHECK(settings.providers.empty());
}

TEST_CASE("config/proxy_settings: every setting of the proxy") {
  const ThrowawayHome home;
  const auto report = read(home, R"({
    proxy: {
      listen: "[::1]:9000", hold: 30, maxAttempts: 2, maxBodyBytes: 4096,
      timeouts: { connect: 3, firstByte: 4, idle: 5, requestHead: 6, requestBody: 7, drain: 8 },
      models: {
        fast: "groq/llama/3",
        best: ["anthropic/claude", { provider: "acme", model: "large" }],
        same: { provider: "acme" },
      },
    },
  })");
  REQUIRE(report.problems.empty());
  const auto& proxy = report.settings.proxy;
  CHECK(proxy.listen == "[::1]:9000");
  CHECK(proxy.hold == seconds{30});
  CHECK(proxy.max_attempts == 2);
  CHECK(proxy.max_body_bytes == 4096);
  CHECK(proxy.timeouts.connect == seconds{3});
  CHECK(proxy.timeouts.first_byte == seconds{4});
  CHECK(proxy.timeouts.idle == seconds{5});
  CHECK(proxy.timeouts.request_head == seconds{6});
  CHECK(proxy.timeouts.request_body == seconds{7});
  CHECK(proxy.timeouts.drain == seconds{8});
  CHECK(proxy.models.at("fast") == std::vector<cp::ModelTarget>{{"groq", "llama/3"}});
  CHECK(proxy.models.at("best") ==
        std::vector<cp::ModelTarget>{{"anthropic", "claude"}, {"acme", "large"}});
  CHECK(proxy.models.at("same") == std::vector<cp::ModelTarget>{{"acme", "same"}});
  const auto rows = report.rows();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [](const auto& r) { return r.path == "proxy.timeouts.idle"; });
  REQUIRE(row != rows.end());
  CHECK(row->value == "5");
  CHECK(row->origin.ends_with("config.json5:4:51"));
}

TEST_CASE("config/proxy_settings: providers of the user's own, in our words and in OpenClaw's") {
  const ThrowawayHome home;
  const auto report = read(home, R"({
    providers: {
      acme: { baseUrl: "https://llm.acme.example/v1", apiKey: "${ACME_KEY}",
              api: "openai-completions", models: [{ id: "large", name: "Large" }, "small"] },
      claudish: { baseUrl: "https://c.example", api: "anthropic", keyVariable: "C_KEY" },
      ref: { baseUrl: "https://r.example", apiKey: { source: "env", provider: "default", id: "R" } },
      local: { baseUrl: "http://127.0.0.1:11434/v1", keyFile: "key.txt" },
    },
  })");
  REQUIRE(report.problems.empty());
  const auto& all = report.settings.providers;
  CHECK(all.at("acme").key_variable == "ACME_KEY");  // unset here, and not read here
  CHECK(all.at("acme").api == cp::ProviderApi::openai);
  CHECK(all.at("acme").models == std::vector<std::string>{"large", "small"});
  CHECK(all.at("claudish").api == cp::ProviderApi::anthropic);
  CHECK(all.at("ref").key_variable == "R");
  CHECK(all.at("local").key_file == home.path() / ".config/credpool/key.txt");
}

TEST_CASE("config/proxy_settings: what is wrong is told with its place, and no key is repeated") {
  const ThrowawayHome home;
  const auto problem = [&](std::string_view text) {
    const auto report = read(home, text);
    REQUIRE(report.problems.size() == 1);
    return report.problems.front();
  };
  const auto key = problem(R"({ providers: { a: { baseUrl: "https://a.example",
    apiKey: "sk-FAKE-0123456789" } } })");
  CHECK(key.setting == "providers.a.apiKey");
  CHECK(key.place.ends_with("config.json5:2:13"));
  CHECK((key.text + key.hint).find("sk-FAKE") == std::string::npos);

  CHECK(problem("{ providers: { a: {} } }").setting == "providers.a");
  CHECK(problem("{ providers: { 'a/b': { baseUrl: 'https://a.example' } } }").setting ==
        "providers.a/b");
  CHECK(problem("{ providers: { a: { baseUrl: 'http://a.example' } } }").setting ==
        "providers.a.baseUrl");
  CHECK(problem("{ proxy: { listen: '8484' } }").setting == "proxy.listen");
  CHECK(problem("{ proxy: { hold: 0.5 } }").setting == "proxy.hold");
  CHECK(problem("{ proxy: { maxAttempts: 0 } }").setting == "proxy.maxAttempts");
  CHECK(problem("{ proxy: { models: { a: 'no-provider' } } }").setting == "proxy.models.a");
  CHECK(problem("{ proxy: { models: { a: [] } } }").setting == "proxy.models.a");
  CHECK(problem("{ proxy: { timeouts: { idel: 1 } } }").hint == "did you mean \"idle\"?");
}
