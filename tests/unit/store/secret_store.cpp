// SPDX-License-Identifier: MIT
#include <credpool/store/secret_store.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

cp::SecretRecord good() {
  return {"kimi-code:work",      "kimi-cli",
          "kimi-code",           cp::Kind::api_key,
          cp::Secret{"sk-fake"}, cp::TimePoint{cp::Duration{1795000000123}},
          "https://api.example", "mine"};
}

}  // namespace

TEST_CASE("store/secret_store: a record within the limits is taken") {
  auto record = good();
  CHECK(cp::check_record(record));
  record.profile_id = std::string(256, 'p');
  record.base_url = record.note = "";
  record.secret = cp::Secret{std::string(16384, 's')};
  CHECK(cp::check_record(record));
}

TEST_CASE("store/secret_store: B10 each limit is kept, and the error names the member only") {
  const auto refused = [](void (*spoil)(cp::SecretRecord&), std::string_view member) {
    auto record = good();
    spoil(record);
    const auto fit = cp::check_record(record);
    REQUIRE_FALSE(fit);
    CHECK(fit.error().errc() == cp::Errc::invalid_argument);
    CHECK(fit.error().place == member);
    CHECK(fit.error().message().find("sk-fake") == std::string::npos);
  };
  refused([](auto& r) { r.profile_id = ""; }, "profile id");
  refused([](auto& r) { r.profile_id = std::string(257, 'p'); }, "profile id");
  refused([](auto& r) { r.profile_id = "a\x1b[31m"; }, "profile id");
  refused([](auto& r) { r.cli = ""; }, "cli");
  refused([](auto& r) { r.provider = "\xff"; }, "provider");
  refused([](auto& r) { r.kind = cp::Kind::oauth; }, "kind");
  refused([](auto& r) { r.secret = {}; }, "secret");
  refused([](auto& r) { r.secret = cp::Secret{"sk-fake\r\nHost: evil"}; }, "secret");
  refused([](auto& r) { r.secret = cp::Secret{std::string_view{"sk-fake\0", 8}}; }, "secret");
  refused([](auto& r) { r.secret = cp::Secret{std::string(16385, 's')}; }, "secret");
  refused([](auto& r) { r.created = cp::TimePoint{cp::Duration{1LL << 52}}; }, "created");
  refused([](auto& r) { r.base_url = std::string(2049, 'u'); }, "base URL");
  refused([](auto& r) { r.note = "two\nlines"; }, "note");
}
