// SPDX-License-Identifier: MIT
#include <credpool/server/trusted_proxies.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

cp::TrustedProxies trusting(std::vector<std::string> texts) {
  const auto proxies = cp::TrustedProxies::parse(texts);
  REQUIRE(proxies);
  return *proxies;
}

std::string asker(const cp::TrustedProxies& proxies, std::string_view peer,
                  const std::vector<std::string>& forwarded) {
  cp::RequestHead head;
  head.method = "GET";
  head.target = "/";
  for (const auto& value : forwarded) head.headers.push_back({"X-Forwarded-For", value});
  return proxies.asker(peer, head);
}

}  // namespace

TEST_CASE("server/trusted_proxies: networks, addresses and Unix sockets") {
  const auto proxies = trusting({"10.0.0.0/8", "192.0.2.7", "fd00::/9", "172.16.0.0/12", "unix"});
  for (const auto* peer : {"10.255.0.1", "192.0.2.7", "fd00::1", "fd7f::1", "172.31.255.255",
                           "unix", "::ffff:10.0.0.1"})
    CHECK(proxies.trusts(peer));
  for (const auto* peer :
       {"11.0.0.1", "192.0.2.8", "fd80::1", "172.32.0.0", "::1", "::a00:1", "", "10.0.0", "unix:"})
    CHECK_FALSE(proxies.trusts(peer));
  CHECK(trusting({"0.0.0.0/0"}).trusts("203.0.113.1"));
  CHECK_FALSE(trusting({"0.0.0.0/0"}).trusts("2001:db8::1"));
  CHECK(trusting({"::/0"}).trusts("2001:db8::1"));
  CHECK(cp::TrustedProxies{}.none());
  CHECK_FALSE(cp::TrustedProxies{}.trusts("127.0.0.1"));
  for (const auto* wrong : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::/129", "::/-1",
                            "proxy", "10.0.0.0/8/8", "*"}) {
    const auto refused = cp::TrustedProxies::parse(std::vector<std::string>{wrong});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().errc() == cp::Errc::invalid_argument);
  }
}

TEST_CASE("server/trusted_proxies: the rightmost address that no trusted proxy has asks") {
  const auto proxies = trusting({"10.0.0.0/8", "::1"});
  CHECK(asker(proxies, "10.0.0.1", {"203.0.113.9"}) == "203.0.113.9");
  CHECK(asker(proxies, "10.0.0.1", {"203.0.113.9, 10.0.0.2"}) == "203.0.113.9");
  CHECK(asker(proxies, "10.0.0.1", {"203.0.113.9", "10.0.0.2"}) == "203.0.113.9");
  CHECK(asker(proxies, "::1", {"2001:DB8:0:0::1"}) == "2001:db8::1");
  CHECK(asker(proxies, "10.0.0.1", {"203.0.113.9:4711"}) == "203.0.113.9");
  CHECK(asker(proxies, "10.0.0.1", {"[2001:db8::1]:4711"}) == "2001:db8::1");
  CHECK(asker(proxies, "10.0.0.1", {"::ffff:203.0.113.9"}) == "203.0.113.9");
  // Nobody but proxies.
  CHECK(asker(proxies, "10.0.0.1", {"10.0.0.3,10.0.0.2"}) == "10.0.0.3");
  CHECK(asker(proxies, "10.0.0.1", {}) == "10.0.0.1");
}

TEST_CASE("server/trusted_proxies: what a client writes itself is not believed") {
  const auto proxies = trusting({"10.0.0.0/8"});
  // It comes directly.
  CHECK(asker(proxies, "203.0.113.9", {"198.51.100.1"}) == "203.0.113.9");
  CHECK(asker(cp::TrustedProxies{}, "10.0.0.1", {"198.51.100.1"}) == "10.0.0.1");
  // It comes through the proxy, which appends its address.
  CHECK(asker(proxies, "10.0.0.1", {"198.51.100.1, 203.0.113.9"}) == "203.0.113.9");
  CHECK(asker(proxies, "10.0.0.1", {"10.0.0.7, 203.0.113.9"}) == "203.0.113.9");
  CHECK(asker(proxies, "10.0.0.1", {"127.0.0.1", "unix", "203.0.113.9, 10.0.0.2"}) ==
        "203.0.113.9");
  // No address, so nobody that is trusted wrote it.
  for (const auto* text : {"unix", "localhost", "", ",", "1.2.3", "1.2.3.4.5", "fe80::1%eth0",
                           "[::1", "203.0.113.9 evil", "_hidden"})
    CHECK(asker(proxies, "10.0.0.1", {text}) == "10.0.0.1");
  CHECK(asker(proxies, "10.0.0.1", {"198.51.100.1, nonsense, 10.0.0.2"}) == "10.0.0.2");
  // Port or address: two colons are an IPv6 address without brackets.
  CHECK(asker(proxies, "10.0.0.1", {"::1"}) == "::1");
}
