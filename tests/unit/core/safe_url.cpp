// SPDX-License-Identifier: MIT
#include <credpool/core/safe_url.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("core/safe_url: B13 keys go to https, or to a loopback address") {
  for (const auto* url : {"https://api.example.com/v1", "https://api.example.com:8443",
                          "http://127.0.0.1:8080/v1", "http://127.255.0.9", "http://[::1]:80/"}) {
    CAPTURE(url);
    CHECK(cp::is_safe_base_url(url));
  }
  for (const auto* url : {"",
                          "http://evil",
                          "http://localhost:1",
                          "http://127.evil.com",
                          "http://127.1",
                          "http://0x7f.0.0.1",
                          "http://127.0.0.1.evil",
                          "http://127.0.0.256",
                          "http://127.0.0.01",
                          "http://127.0.0.1@evil",
                          "https://user:pw@host",
                          "https://",
                          "https:///path",
                          "https://host?key=1",
                          "https://host#f",
                          "https://ho st",
                          "https://host\r\nx: y",
                          "ftp://h",
                          "https://host:",
                          "https://host:99999999",
                          "http://[::1]evil",
                          "http:\\\\127.0.0.1"}) {
    CAPTURE(url);
    CHECK_FALSE(cp::is_safe_base_url(url));
  }
}
