// SPDX-License-Identifier: MIT
#include <credpool/store/token_seal.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint end{cp::Duration{1795000000000}};

struct Host {
  ThrowawayHome home;
  cp::StateDirectory directory = *cp::StateDirectory::locate(home.environment());
  cp::TokenSeal seal{directory, home.environment()};

  void key(char digit) {
    REQUIRE(directory.create());
    std::ofstream{directory.key_file()} << std::string(64, digit) << '\n';
    REQUIRE(::chmod(directory.key_file().c_str(), 0600) == 0);
  }
};

}  // namespace

TEST_CASE("store/token_seal: a token comes back on a host with the same key") {
  Host owner, other;
  owner.key('a');
  other.key('a');
  const cp::Secret token{"fake-access-token"};
  const auto sealed = owner.seal.seal("family", token, end);
  REQUIRE(sealed);
  CHECK(sealed->find("fake-access") == std::string::npos);
  CHECK(*sealed != owner.seal.seal("family", token, end).value());
  const auto back = other.seal.unseal("family", *sealed, end);
  REQUIRE(back);
  CHECK((*back == token));
}

TEST_CASE("store/token_seal: another family, end, key or byte is refused") {
  Host owner, other;
  owner.key('a');
  other.key('b');
  const auto sealed = owner.seal.seal("family", cp::Secret{"fake-access-token"}, end).value();
  const auto code = [&](cp::TokenSeal& seal, std::string_view family, std::string_view text,
                        cp::TimePoint at) {
    const auto back = seal.unseal(family, text, at);
    REQUIRE_FALSE(back);
    CHECK(back.error().message().find("fake-access") == std::string::npos);
    return back.error().errc();
  };
  CHECK(code(owner.seal, "another", sealed, end) == cp::Errc::malformed);
  CHECK(code(owner.seal, "family", sealed, end + cp::Duration{1}) == cp::Errc::malformed);
  CHECK(code(other.seal, "family", sealed, end) == cp::Errc::configuration);
  for (std::size_t cut = 0; cut < sealed.size(); ++cut)
    CHECK_FALSE(owner.seal.unseal("family", sealed.substr(0, cut), end));
  auto changed = sealed;
  changed[changed.size() - 4] = changed[changed.size() - 4] == 'A' ? 'B' : 'A';
  CHECK(code(owner.seal, "family", changed, end) == cp::Errc::malformed);
}

TEST_CASE("store/token_seal: no key is made, and nothing is sealed without one") {
  Host host;
  const auto none = host.seal.seal("family", cp::Secret{"fake-access-token"}, end);
  REQUIRE_FALSE(none);
  CHECK(none.error().errc() == cp::Errc::configuration);
  CHECK_FALSE(std::filesystem::exists(host.directory.key_file()));
  host.key('a');
  CHECK_FALSE(host.seal.seal("family", cp::Secret{}, end));
  REQUIRE(::chmod(host.directory.key_file().c_str(), 0644) == 0);
  const auto open = host.seal.seal("family", cp::Secret{"fake-access-token"}, end);
  REQUIRE_FALSE(open);
  CHECK(open.error().errc() == cp::Errc::unsafe_file);
}
