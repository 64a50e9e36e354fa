// SPDX-License-Identifier: MIT
#include <credpool/server/listen_address.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("server/listen_address: what a person writes") {
  const std::pair<const char*, const char*> good[] = {
      {"127.0.0.1:8080", "127.0.0.1:8080"},
      {"localhost:1", "127.0.0.1:1"},
      {"8080", "127.0.0.1:8080"},
      {"[::1]:0", "[::1]:0"},
      {"0.0.0.0:80", "0.0.0.0:80"},
      {"*:80", "[::]:80"},
      {"unix:/run/x.sock", "unix:/run/x.sock"},
  };
  for (const auto& pair : good) {
    const auto& [text, shown] = pair;
    CAPTURE(pair.first);
    const auto address = cp::ListenAddress::parse(text);
    REQUIRE(address);
    CHECK(address->text() == shown);
  }
  for (const char* bad : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                          "127.0.0.1:80x", "127.1:80", "example.com:80", "[::1:80", "0x7f.0.0.1:80",
                          "unix:relative", "unix:", "127.0.0.1 :80", "+80"}) {
    CAPTURE(bad);
    CHECK_FALSE(cp::ListenAddress::parse(bad));
  }
  CHECK_FALSE(cp::ListenAddress::parse("unix:/" + std::string(107, 'x')));
  CHECK(cp::ListenAddress::parse("unix:/" + std::string(106, 'x')));
}

TEST_CASE("server/listen_address: which only this machine reaches") {
  for (const char* local :
       {"127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/x"})
    CHECK(cp::ListenAddress::parse(local)->is_local());
  for (const char* open :
       {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "[7f00::]:1", "*:1"})
    CHECK_FALSE(cp::ListenAddress::parse(open)->is_local());
}
