// SPDX-License-Identifier: MIT
// The smallest refresh methods, and what is none. docs/concepts/RefreshMethod.md shows them.
#include <credpool/refresh/first_of.hpp>

#include <doctest/doctest.h>

#include <string>

namespace cp = credpool;

namespace {

// [example]
/// Takes the next key of a hand-made list.
struct FromList {
  static constexpr std::string_view name = "from-list";
  static constexpr bool interactive = false;

  std::vector<cp::Secret> keys;

  bool can_refresh(const cp::Credential& credential) const {
    return credential.kind == cp::Kind::api_key && !keys.empty();
  }
  cp::Result<cp::Credential> refresh(const cp::Credential& credential, const cp::RefreshContext&) {
    if (keys.empty())
      return cp::fail(cp::Errc::login_needed, "refreshing " + credential.profile_id, "",
                      "put more keys on the list");
    auto fresh = credential;
    fresh.secret = keys.back();
    keys.pop_back();
    return fresh;
  }
};
static_assert(cp::RefreshMethod<FromList>);
// [example]

/// A person has to help.
struct ByHand {
  static constexpr std::string_view name = "by-hand";
  static constexpr bool interactive = true;
  bool can_refresh(const cp::Credential&) const { return true; }
  cp::Result<cp::Credential> refresh(const cp::Credential& credential, const cp::RefreshContext&) {
    auto fresh = credential;
    fresh.secret = cp::Secret{"typed"};
    return fresh;
  }
};
static_assert(cp::RefreshMethod<ByHand>);

struct CannotTell {
  static constexpr std::string_view name = "cannot-tell";
  static constexpr bool interactive = false;
  cp::Result<cp::Credential> refresh(const cp::Credential&, const cp::RefreshContext&);
};
static_assert(!cp::RefreshMethod<CannotTell>);

struct HandsOutSecrets {
  static constexpr std::string_view name = "hands-out-secrets";
  static constexpr bool interactive = false;
  bool can_refresh(const cp::Credential&) const;
  cp::Secret refresh(const cp::Credential&, const cp::RefreshContext&);
};
static_assert(!cp::RefreshMethod<HandsOutSecrets>);

}  // namespace

TEST_CASE("concepts/RefreshMethod: the first that can does it; people only where there are some") {
  const auto key = cp::Credential::api_key("acme-cli", "acme", cp::Secret{"old"});
  cp::FirstOf methods{FromList{{cp::Secret{"new"}}}, ByHand{}};
  static_assert(!decltype(methods)::interactive);
  CHECK(methods.can_refresh(key));
  CHECK(methods.refresh(key, {})->secret.reveal() == "new");
  CHECK(methods.refresh(key, {}).error().errc() == cp::Errc::login_needed);
  CHECK(methods.refresh(key, {.may_interact = true})->secret.reveal() == "typed");
}

TEST_CASE("concepts/RefreshMethod: none can, none does") {
  cp::FirstOf<> none;
  const auto key = cp::Credential::api_key("acme-cli", "acme", cp::Secret{"old"});
  CHECK_FALSE(none.can_refresh(key));
  CHECK(none.refresh(key, {}).error().errc() == cp::Errc::login_needed);
}
