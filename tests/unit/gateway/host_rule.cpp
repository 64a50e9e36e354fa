// SPDX-License-Identifier: MIT
#include <credpool/gateway/host_rule.hpp>

#include <doctest/doctest.h>

#include <string>

namespace cp = credpool;

namespace {

cp::HostRule rule(std::string_view address, bool tls = false) {
  cp::HostRule made;
  made.add_listener(*cp::ListenAddress::parse(address), tls);
  return made;
}

}  // namespace

TEST_CASE("gateway/host_rule: a loopback listener has its address and localhost, with the port") {
  const auto ours = rule("127.0.0.1:18789");
  for (const auto* host : {"127.0.0.1:18789", "localhost:18789", "LocalHost:18789"})
    CHECK_MESSAGE(ours.allows(host), host);
  for (const auto* host : {"",
                           "127.0.0.1",
                           "localhost",
                           "localhost:80",
                           "127.0.0.1:18788",
                           "127.0.0.1:18789 ",
                           "127.0.0.1:018789",
                           "127.0.0.1:+18789",
                           "127.0.0.1:18789:18789",
                           "localhost.:18789",
                           "localhost.evil.com:18789",
                           "127.evil.com:18789",
                           "evil.com:18789",
                           "evil.com",
                           "127.0.0.1.evil.com:18789",
                           "127.0.0.1.nip.io:18789",
                           "0x7f.1:18789",
                           "0x7f000001:18789",
                           "2130706433:18789",
                           "127.1:18789",
                           "127.0.1:18789",
                           "0177.0.0.1:18789",
                           "127.000.000.001:18789",
                           "127.0.0.2:18789",
                           "0.0.0.0:18789",
                           "[::1]:18789",
                           "[::ffff:127.0.0.1]:18789",
                           "[::ffff:7f00:1]:18789",
                           "::1:18789",
                           "user@127.0.0.1:18789",
                           "127.0.0.1:18789/",
                           "127.0.0.1:18789, evil.com",
                           "127.0.0.1:18789\\",
                           "http://127.0.0.1:18789",
                           "localhost:18789#",
                           "localhost\t:18789",
                           "xn--localhost:18789",
                           "l\303\266calhost:18789"})
    CHECK_MESSAGE(!ours.allows(host), host);
  CHECK_FALSE(ours.allows(std::string(70'000, 'a')));
  CHECK_FALSE(ours.allows(std::string("localhost:18789\0", 16)));
}

TEST_CASE("gateway/host_rule: other listeners") {
  const auto six = rule("[::1]:8484");
  CHECK(six.allows("[::1]:8484"));
  CHECK(six.allows("localhost:8484"));
  CHECK_FALSE(six.allows("127.0.0.1:8484"));
  CHECK_FALSE(six.allows("[0:0:0:0:0:0:0:1]:8484"));
  const auto plain = rule("127.0.0.1:80");
  CHECK(plain.allows("127.0.0.1"));
  CHECK(plain.allows("localhost"));
  CHECK_FALSE(rule("127.0.0.1:443").allows("localhost"));
  CHECK(rule("127.0.0.1:443", true).allows("localhost"));
  const auto lan = rule("192.168.7.9:8484");
  CHECK(lan.allows("192.168.7.9:8484"));
  CHECK_FALSE(lan.allows("localhost:8484"));
  CHECK_FALSE(lan.allows("192.168.7.8:8484"));
  const auto socket = rule("unix:/run/x.sock");
  CHECK(socket.allows("localhost"));
  CHECK_FALSE(socket.allows("localhost:80"));
}

TEST_CASE("gateway/host_rule: a listener on every address answers to literals, and to no name") {
  const auto four = rule("0.0.0.0:8484");
  for (const auto* host : {"0.0.0.0:8484", "localhost:8484", "127.0.0.1:8484", "10.1.2.3:8484"})
    CHECK_MESSAGE(four.allows(host), host);
  for (const auto* host :
       {"10.1.2.3", "10.1.2.3:80", "10.1.2:8484", "010.1.2.3:8484", "10.1.2.3.evil.com:8484",
        "evil.com:8484", "[::1]:8484", "0x0a.1.2.3:8484"})
    CHECK_MESSAGE(!four.allows(host), host);
  const auto both = rule("[::]:8484");
  for (const auto* host : {"[::1]:8484", "[fe80::1]:8484", "10.1.2.3:8484", "localhost:8484"})
    CHECK_MESSAGE(both.allows(host), host);
  for (const auto* host : {"[FE80::01]:8484", "[fe80::1%25eth0]:8484", "[evil.com]:8484", "[::1]"})
    CHECK_MESSAGE(!both.allows(host), host);
}

TEST_CASE("gateway/host_rule: names that were configured") {
  cp::HostRule ours;
  REQUIRE(ours.add_name("Pool.Example.com"));
  ours.add_listener(*cp::ListenAddress::parse("127.0.0.1:8484"), false);
  REQUIRE(ours.add_name("other.example:9000"));
  REQUIRE(ours.add_name("late.example"));
  for (const auto* host : {"pool.example.com", "pool.example.com:8484", "late.example:8484",
                           "late.example", "other.example:9000"})
    CHECK_MESSAGE(ours.allows(host), host);
  for (const auto* host : {"pool.example.com:9000", "pool.example.com.", "x.pool.example.com",
                           "example.com", "other.example", "other.example:8484"})
    CHECK_MESSAGE(!ours.allows(host), host);
  for (const auto* name : {"", ".", "a b", "http://a.example", "a.example.", "a.example:", ":80",
                           "a.example:080", "a.example:99999", "*", "a/b", "*.example"})
    CHECK_MESSAGE(!ours.add_name(name), name);
}

TEST_CASE("gateway/host_rule: pages are ours under the same authority, and by our scheme") {
  const auto plain = rule("127.0.0.1:8484");
  CHECK(plain.is_own_origin("http://127.0.0.1:8484", "127.0.0.1:8484"));
  CHECK(plain.is_own_origin("http://localhost:8484", "LOCALHOST:8484"));
  for (const auto* origin :
       {"", "null", "https://127.0.0.1:8484", "http://localhost:8484", "http://127.0.0.1",
        "http://127.0.0.1:8485", "http://127.0.0.1:8484/", "http://127.0.0.1:8484.evil.com",
        "http://evil.com", "https://evil.com", "HTTP://127.0.0.1:8484", "//127.0.0.1:8484",
        "127.0.0.1:8484", "http://127.0.0.1:8484 http://evil.com", "ftp://127.0.0.1:8484",
        "http://user@127.0.0.1:8484", "moz-extension://1", "file://"})
    CHECK_MESSAGE(!plain.is_own_origin(origin, "127.0.0.1:8484"), origin);
  CHECK_FALSE(plain.is_own_origin("http://evil.com", "evil.com"));
  const auto secure = rule("127.0.0.1:8484", true);
  CHECK(secure.is_own_origin("https://localhost:8484", "localhost:8484"));
  CHECK_FALSE(secure.is_own_origin("http://localhost:8484", "localhost:8484"));
  cp::HostRule proxied;
  REQUIRE(proxied.add_name("pool.example"));
  CHECK(proxied.is_own_origin("https://pool.example", "pool.example"));
  CHECK_FALSE(proxied.is_own_origin("https://pool.example:444", "pool.example"));
}
