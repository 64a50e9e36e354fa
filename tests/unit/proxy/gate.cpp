// SPDX-License-Identifier: MIT
#include <credpool/proxy/gate.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

std::string_view key_of(std::vector<cp::HeaderView> headers) {
  return cp::presented_key(
      {.method = "POST", .target = "/", .minor_version = 1, .headers = std::move(headers)});
}

}  // namespace

TEST_CASE("proxy/gate: the key of a request, wherever the SDKs put it") {
  CHECK(key_of({{"Authorization", "Bearer abc"}}) == "abc");
  CHECK(key_of({{"authorization", "bearer abc"}}) == "abc");
  CHECK(key_of({{"x-api-key", "abc"}}) == "abc");
  CHECK(key_of({{"api-key", "abc"}}) == "abc");
  CHECK(key_of({{"x-api-key", "abc"}, {"authorization", "Bearer abc"}}) == "abc");
  CHECK(key_of({}).empty());
  CHECK(key_of({{"authorization", "Basic abc"}}).empty());
  CHECK(key_of({{"authorization", "Bearer "}}).empty());
  CHECK(key_of({{"x-api-key", "abc"}, {"authorization", "Bearer abd"}}).empty());
}

TEST_CASE("proxy/gate: one key opens, and nothing else does") {
  cp::StaticKeyGate gate{cp::Secret{"the-key"}, "all"};
  CHECK(gate.identify("the-key") == "all");
  for (const auto* wrong : {"", "the-ke", "the-key2", "The-key"}) CHECK_FALSE(gate.identify(wrong));
  cp::StaticKeyGate none{cp::Secret{}};
  CHECK_FALSE(none.identify(""));
}
