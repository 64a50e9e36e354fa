// SPDX-License-Identifier: MIT
#include <credpool/rpc/scope.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("rpc/scope: a set holds what was put in, and no scope stands for another") {
  const cp::Scopes scopes{cp::Scope::read, cp::Scope::admin};
  CHECK(scopes.has(cp::Scope::read));
  CHECK(scopes.has(cp::Scope::admin));
  CHECK_FALSE(scopes.has(cp::Scope::operate));
  CHECK_FALSE(scopes.has(cp::Scope::secrets));
  CHECK(cp::Scopes{}.empty());
  CHECK(cp::Scopes::all().has_all(scopes));
  CHECK_FALSE(scopes.has_all(cp::Scopes::all()));
  CHECK((scopes & cp::Scopes{cp::Scope::admin, cp::Scope::secrets}) ==
        cp::Scopes{cp::Scope::admin});
}

TEST_CASE("rpc/scope: names go both ways") {
  CHECK(cp::Scopes::all().text() == "read operate admin secrets");
  CHECK(cp::Scopes{}.text() == "");
  for (const auto scope :
       {cp::Scope::read, cp::Scope::operate, cp::Scope::admin, cp::Scope::secrets})
    CHECK(cp::scope_of_name(cp::to_string(scope)) == scope);
  CHECK_FALSE(cp::scope_of_name("Read"));
  CHECK_FALSE(cp::scope_of_name(""));
}
