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
  CHECK(gate.admit("the-key", 0).caller->name == "all");
  for (const auto* wrong : {"", "the-ke", "the-key2", "The-key"}) {
    const auto admission = gate.admit(wrong, 0);
    CHECK_FALSE(admission.caller);
    CHECK_FALSE(admission.refusal);
  }
  cp::StaticKeyGate none{cp::Secret{}};
  CHECK_FALSE(none.admit("", 0).caller);
}

TEST_CASE("proxy/gate: how much is coming") {
  const auto told = [](std::vector<cp::HeaderView> headers) {
    return cp::told_body_bytes(
        {.method = "POST", .target = "/", .minor_version = 1, .headers = std::move(headers)});
  };
  CHECK(told({}) == 0);
  CHECK(told({{"Content-Length", "42"}}) == 42);
  CHECK_FALSE(told({{"transfer-encoding", "chunked"}}));
  CHECK_FALSE(told({{"content-length", "4x"}}));
  CHECK_FALSE(told({{"content-length", "99999999999999999999999"}}));
}
