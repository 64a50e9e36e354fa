// SPDX-License-Identifier: MIT
#include <credpool/refresh/login_providers.hpp>

#include "throwaway_home.hpp"

#include <credpool/refresh/oauth_browser.hpp>
#include <credpool/refresh/oauth_device.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace cp = credpool;

TEST_CASE("refresh/login_providers: every word of the table is a method, once") {
  for (const auto& row : cp::login_providers()) {
    CAPTURE(row.cli);
    const auto methods = row.offered();
    const auto words = 1 + std::count(row.methods.begin(), row.methods.end(), ' ');
    CHECK(methods.size() == static_cast<std::size_t>(words));
    for (const auto method : methods) CHECK(row.offers(method));
    CHECK(row.offers(cp::LoginMethod::api_key_web) == !row.key_page.empty());
    CHECK((!row.offers(cp::LoginMethod::cli_command) || !row.command.empty()));
  }
}

TEST_CASE("refresh/login_providers: a device login is offered exactly where there is one") {
  const ThrowawayHome home;
  for (const auto& row : cp::login_providers()) {
    CAPTURE(row.cli);
    const auto flow = cp::device_flow_of(row, home.environment());
    CHECK(row.offers(cp::LoginMethod::oauth_device) == flow.has_value());
  }
}

TEST_CASE("refresh/login_providers: a login of our own is offered first") {
  using enum cp::LoginMethod;
  for (const auto* cli : {"kimi-cli", "kimi-code", "codex-cli", "grok"})
    CHECK(cp::find_login_provider(cli)->offered().front() == oauth_device);
  CHECK(cp::find_login_provider("claude-cli")->offered().front() == oauth_browser);
}

TEST_CASE("refresh/login_providers: found by CLI or by provider") {
  CHECK(cp::find_login_provider("codex-cli")->command == "codex login --device-auth");
  CHECK(cp::find_login_provider("openai")->cli == "codex-cli");
  CHECK(cp::find_login_provider("nobody") == nullptr);
}

TEST_CASE("refresh/login_providers: a browser login is offered exactly where there is one") {
  const ThrowawayHome home;
  home.write("client", "a-secret");
  cp::TokenEndpointSettings settings;
  settings.client_secrets_files["google-gemini-cli"] = "~/client";
  for (const auto& row : cp::login_providers()) {
    CAPTURE(row.cli);
    const auto flow = cp::browser_flow_of(row, home.environment(), settings);
    CHECK(row.offers(cp::LoginMethod::oauth_browser) == flow.has_value());
  }
}
