// SPDX-License-Identifier: MIT
#include <credpool/refresh/manual.hpp>

#include "scripted_login.hpp"

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("refresh/manual: a token is asked for until it may stand in a header") {
  ScriptedLogin login{{}};
  login.person.answers = {"two words", "\ttoken-1 \n"};
  const auto& droid = *cp::find_login_provider("droid");
  const auto token = cp::manual_token(droid, login.person);
  REQUIRE(token);
  CHECK(token->reveal() == "token-1");
  CHECK(login.person.asked.front() == "Token of Factory: ");
  CHECK(login.person.said.size() == 1);

  login.person.answers = {"", "", "cana ry"};
  const auto failed = cp::manual_token(droid, login.person);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().errc() == cp::Errc::malformed);
  CHECK(failed.error().message().find("cana") == std::string::npos);
  CHECK(cp::manual_token(droid, login.person).error().errc() == cp::Errc::cancelled);
}
