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

TEST_CASE(
    "core/safe_url: D6 no notation of an address gets past, and none leads to a cloud's inside") {
  for (const auto* url :
       {// link-local and metadata services, in every notation
        "https://169.254.169.254/latest", "http://169.254.169.254/", "https://169.254.0.1",
        "https://2852039166/", "https://0xa9fea9fe/", "https://0xA9.0xFE.0xA9.0xFE/",
        "https://0251.0376.0251.0376/", "https://169.254.43518/", "https://169.16689662/",
        "https://0251.254.169.254/", "https://169.254.169.254./", "https://100.100.100.200/",
        "https://[fe80::1]/", "https://[febf::1]/", "https://[fd00:ec2::254]/",
        "https://[::ffff:169.254.169.254]/", "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b::169.254.169.254]/",
        "https://[2002:a9fe:a9fe::1]/", "https://[::169.254.169.254]/",
        "https://metadata.google.internal/", "https://metadata.google.internal./",
        // this machine, hidden
        "http://2130706433/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/",
        "https://0177.0.0.1/", "https://127.1/", "https://127.0.1/", "https://017700000001/",
        "https://00000127.0.0.1/", "https://127.0.0.1./", "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/", "http://[::ffff:127.0.0.1]/",
        "http://localhost/", "http://LOCALHOST/", "http://127.0.0.1.nip.io/", "http://0/",
        "https://0/", "https://0.0.0.0/", "https://[::]/", "https://0x0/",
        // nobody in particular
        "https://224.0.0.1/", "https://255.255.255.255/", "https://240.0.0.1/",
        "https://[ff02::1]/",
        // hosts that are read in two ways
        "https://127.0.0.1%2eevil.com/", "https://%31%32%37.0.0.1/", "https://host%00.evil/",
        "https://[::1%25eth0]/", "https://[::1", "https://[::1]x/", "https://1.2.3.4.5/",
        "https://1.2.3.256/", "https://a..b/", "https://.a/", "https://evil;host/",
        "https://evil,host/", "https://\xef\xbc\x91\xef\xbc\x92.example/", "https://a\tb/",
        "//169.254.169.254/", "javascript://127.0.0.1/", "file:///etc/passwd",
        "gopher://127.0.0.1/", "https:169.254.169.254/", "https:/169.254.169.254/",
        "HTTPS://169.254.169.254/"}) {
    CAPTURE(url);
    CHECK_FALSE(cp::is_safe_base_url(url));
  }
  for (const auto* url :
       {"https://10.0.0.5/v1", "https://192.168.1.2:8443", "https://100.64.0.1/",
        "https://[fd12::1]/v1", "https://[2001:db8::1]:8443/", "https://api.example.com./v1",
        "https://xn--bcher-kva.example/", "https://my_host/v1", "https://1password.example/",
        "https://127.0.0.1/", "https://[::1]/", "https://0x.example/",
        "https://169.254.example.com/"}) {
    CAPTURE(url);
    CHECK(cp::is_safe_base_url(url));
  }
}
