// SPDX-License-Identifier: MIT
#include <credpool/server/upstream.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("server/upstream: an origin from an address") {
  const auto https = cp::UpstreamOrigin::parse("https://api.example/v1");
  REQUIRE(https);
  CHECK(https->host == "api.example");
  CHECK(https->port == 443);
  CHECK(https->tls);
  CHECK(https->authority() == "api.example");
  CHECK(https->key() == "https://api.example");

  const auto http = cp::UpstreamOrigin::parse("http://127.0.0.1:8080");
  REQUIRE(http);
  CHECK_FALSE(http->tls);
  CHECK(http->authority() == "127.0.0.1:8080");

  const auto six = cp::UpstreamOrigin::parse("https://[::1]:9");
  REQUIRE(six);
  CHECK(six->host == "::1");
  CHECK(six->authority() == "[::1]:9");
  CHECK(cp::UpstreamOrigin::parse("http://a:80")->authority() == "a");
  CHECK(cp::UpstreamOrigin::parse("http://a:443")->key() == "http://a:443");

  for (const char* bad :
       {"", "api.example", "ftp://a", "https://", "https://user@a", "https://a:0x1"})
    CHECK_FALSE(cp::UpstreamOrigin::parse(bad));
}
