// SPDX-License-Identifier: MIT
#include <credpool/proxy/configured_providers.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("proxy/configured_providers: a key from a variable, from a file, or none needed") {
  const ThrowawayHome home;
  const auto file = home.write("key.txt", "  sk-FAKE-file\n");
  cp::ConfiguredProviders source;
  source.providers["a"] = {.base_url = "https://a.example", .key_variable = "A_KEY"};
  source.providers["b"] = {.base_url = "https://b.example", .key_file = file};
  source.providers["c"] = {.base_url = "http://127.0.0.1:1"};
  source.providers["d"] = {.base_url = "http://127.0.0.1:2"};
  const auto found = source.discover(home.environment({{"A_KEY", "sk-FAKE-variable"}}));
  REQUIRE(found);
  REQUIRE(found->size() == 4);
  const auto& a = found->at(0);
  CHECK(a.provider == "a");
  CHECK(a.cli == "config");
  CHECK(a.kind == cp::Kind::api_key);
  CHECK(a.secret == cp::Secret{"sk-FAKE-variable"});
  CHECK(a.base_url == "https://a.example");
  CHECK(a.places.at(0).location == "env:A_KEY");
  CHECK(found->at(1).secret == cp::Secret{"sk-FAKE-file"});
  CHECK(found->at(1).places.at(0).location == file.string());
  CHECK(found->at(2).usable_at({}));
  CHECK(found->at(2).id != found->at(3).id);
}

TEST_CASE("proxy/configured_providers: what cannot be had is listed with its reason") {
  const ThrowawayHome home;
  cp::ConfiguredProviders source;
  source.providers["a"] = {.base_url = "https://a.example", .key_variable = "A_KEY"};
  source.providers["b"] = {.base_url = "https://b.example", .key_file = home.path() / "missing"};
  source.providers["c"] = {.base_url = "https://c.example",
                           .key_file = home.write("bad", "two words")};
  const auto found = source.discover(home.environment());
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  CHECK(found->at(0).reason == cp::Reason::missing_variable);
  CHECK(found->at(1).reason == cp::Reason::unreadable);
  CHECK(found->at(2).reason == cp::Reason::unsafe_token);
  for (const auto& credential : *found) {
    CHECK(credential.secret.empty());
    CHECK_FALSE(credential.usable_at({}));
    CHECK_FALSE(credential.places.empty());
  }
}
