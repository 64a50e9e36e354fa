// SPDX-License-Identifier: MIT
#include <credpool/credential/jwt.hpp>

#include <credpool/core/encoding.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string jwt(std::string_view payload) {
  return "e30." + cp::encode_base64url(payload) + ".c2ln";
}

cp::JwtClaims claims(std::string_view payload) {
  const auto read = cp::read_jwt(jwt(payload));
  REQUIRE(read);
  return *read;
}

cp::Errc refusal(std::string_view token) {
  const auto read = cp::read_jwt(token);
  REQUIRE_FALSE(read);
  return read.error().errc();
}

}  // namespace

TEST_CASE("credential/jwt: the claims of a login of codex") {
  const auto read = claims(
      R"({"email":"a@b.c","exp":4102444800,"sub":"s","https://api.openai.com/auth":)"
      R"({"chatgpt_account_id":"acct-1","chatgpt_plan_type":"plus","chatgpt_user_id":"user-1"}})");
  CHECK(read.expires_at == cp::TimePoint{seconds{4102444800}});
  CHECK(read.subject == "s");
  CHECK(read.email == "a@b.c");
  CHECK(read.openai_account_id == "acct-1");
  CHECK(read.openai_plan == "plus");
  CHECK(read.openai_user_id == "user-1");
}

TEST_CASE("credential/jwt: the other places of e-mail and user") {
  const auto read = claims(R"({"https://api.openai.com/profile":{"email":"p@b.c"},)"
                           R"("https://api.openai.com/auth":{"user_id":"user-2"}})");
  CHECK(read.email == "p@b.c");
  CHECK(read.openai_user_id == "user-2");
  CHECK_FALSE(read.expires_at);
}

TEST_CASE("credential/jwt: when it was issued") {
  CHECK(claims(R"({"iat":1700000000,"exp":1700000900})").issued_at ==
        cp::TimePoint{seconds{1700000000}});
  CHECK_FALSE(claims(R"({"iat":"soon"})").issued_at);
}

TEST_CASE("credential/jwt: C16 exp as a whole number, a float, a string") {
  CHECK(claims(R"({"exp":1700000000.5})").expires_at == cp::TimePoint{milliseconds{1700000000500}});
  CHECK(claims(R"({"exp":"4102444800"})").expires_at == cp::TimePoint{seconds{4102444800}});
  // RFC 7519 counts seconds: no such claim is in milliseconds.
  for (const std::string_view value :
       {"4102444800000", "-1", "null", "true", R"("soon")", "[]", "1e300"}) {
    CAPTURE(value);
    CHECK_FALSE(claims(R"({"exp":)" + std::string{value} + "}").expires_at);
  }
}

TEST_CASE("credential/jwt: C16 padding and both alphabets") {
  CHECK(cp::read_jwt("e30.eyJzdWIiOiJhIn0.x"));
  CHECK(cp::read_jwt("e30.eyJzdWIiOiJhIn0=.x"));
  // "?~" and ">~" give '_' and '-' in base64url, '/' and '+' in base64.
  const auto url = cp::encode_base64url("{\"sub\":\"a?~?>~>>>???\"}");
  CHECK(url.find_first_of("-_") != std::string::npos);
  CHECK(cp::read_jwt("e30." + url + ".x")->subject == "a?~?>~>>>???");
}

TEST_CASE("credential/jwt: C16 what is no JWT is refused") {
  const std::string payload = cp::encode_base64url("{}");
  for (const auto& token :
       {std::string{}, std::string{"opaque"}, "e30." + payload, "e30." + payload + ".a.b",
        std::string{".."}, std::string{"not.a.jwt"}, jwt("[]"), jwt("\"x\""), jwt("5"), jwt("{"),
        jwt(R"({"sub":"\ud800"})")}) {
    CAPTURE(token);
    CHECK(refusal(token) == cp::Errc::malformed);
  }
  CHECK(refusal(jwt(R"({"exp":1,"exp":2})")) == cp::Errc::duplicate_key);
  CHECK(refusal(jwt(std::string(100, '[') + std::string(100, ']'))) == cp::Errc::too_deep);
  CHECK(refusal("e30." + std::string(1 << 20, 'A') + ".x") == cp::Errc::too_large);
}

TEST_CASE("credential/jwt: an error never shows the token") {
  const auto error = cp::read_jwt("e30.{canary}.x").error();
  CHECK(error.message().find("canary") == std::string::npos);
}
