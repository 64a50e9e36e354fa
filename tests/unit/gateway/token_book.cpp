// SPDX-License-Identifier: MIT
#include <credpool/gateway/token_book.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace cp = credpool;
using namespace std::chrono_literals;
using cp::Scope;
using cp::TokenBook;

namespace {
constexpr cp::TimePoint start{cp::Duration{1'795'262'400'000}};

std::string value(const cp::Result<cp::Secret>& token) {
  return std::string{token->reveal()};
}
}  // namespace

TEST_CASE("gateway/token_book: tokens are random and look like themselves") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(value(cp::new_gateway_token()));
  CHECK(seen.size() == 100);
  for (const auto& token : seen) {
    CHECK(token.starts_with("cpg-"));
    CHECK(token.size() == 4 + 43);
  }
}

TEST_CASE("gateway/token_book: only the token itself is found") {
  TokenBook book;
  book.set_main(cp::Secret{"the-main-token-0123456789"}, start);
  const auto made = book.create("ci", {Scope::read}, start);
  REQUIRE(made);
  const auto token = value(made);
  const auto found = book.find(token, start + 1s);
  REQUIRE(found);
  CHECK(found->name == "ci");
  CHECK(found->scopes == cp::Scopes{Scope::read});
  CHECK(found->last_used_at == start + 1s);
  CHECK(book.find("the-main-token-0123456789", start)->scopes == cp::Scopes::all());
  for (const auto& wrong :
       {std::string{}, token + "x", token.substr(0, token.size() - 1), token.substr(1), " " + token,
        "CPG" + token.substr(3), std::string{"cpg-"}, std::string{"main"}})
    CHECK_FALSE(book.find(wrong, start));
}

TEST_CASE("gateway/token_book: what was rotated, revoked or has ended is refused at once") {
  TokenBook book;
  const auto first = value(book.create("ci", {Scope::read}, start));
  const auto number = book.find(first, start)->number;
  CHECK(book.is_good(number, start));
  const auto second = value(book.rotate("ci", start));
  CHECK_FALSE(book.find(first, start));
  CHECK_FALSE(book.is_good(number, start));
  CHECK(book.find(second, start)->scopes == cp::Scopes{Scope::read});
  CHECK(book.revoke("ci"));
  CHECK_FALSE(book.find(second, start));
  const auto brief = value(book.create("brief", {Scope::read}, start, start + 1h));
  CHECK(book.find(brief, start + 1h - 1ms));
  CHECK(book.is_good(book.find(brief, start)->number, start));
  CHECK_FALSE(book.find(brief, start + 1h));
  book.set_main(cp::Secret{"main-one"}, start);
  const auto main = book.find("main-one", start)->number;
  book.set_main(cp::Secret{"main-one"}, start + 1s);  // the same file, read again
  CHECK(book.is_good(main, start));
  book.set_main(cp::Secret{"main-two"}, start);
  CHECK_FALSE(book.find("main-one", start));
  CHECK_FALSE(book.is_good(main, start));
}

TEST_CASE("gateway/token_book: what is refused, and why") {
  TokenBook book;
  REQUIRE(book.create("a", {Scope::read}, start));
  const auto code = [](const auto& result) { return result ? cp::Errc{} : result.error().errc(); };
  CHECK(code(book.create("a", {Scope::read}, start)) == cp::Errc::conflict);
  CHECK(code(book.create("main", {Scope::read}, start)) == cp::Errc::conflict);
  for (const auto* name : {"", "a b", "a\n", "../x", "\xc3\xa4", "a/b", "<script>"})
    CHECK(code(book.create(name, {Scope::read}, start)) == cp::Errc::invalid_argument);
  CHECK(code(book.create(std::string(65, 'a'), {Scope::read}, start)) ==
        cp::Errc::invalid_argument);
  CHECK(code(book.create("b", {}, start)) == cp::Errc::invalid_argument);
  CHECK(code(book.create("b", {Scope::read}, start, start)) == cp::Errc::invalid_argument);
  CHECK(code(book.rotate("nobody", start)) == cp::Errc::not_found);
  CHECK(code(book.revoke("nobody")) == cp::Errc::not_found);
  CHECK(code(book.revoke("main")) == cp::Errc::invalid_argument);
  for (std::size_t i = 1; i < TokenBook::most_tokens; ++i)
    REQUIRE(book.create("n" + std::to_string(i), {Scope::read}, start));
  CHECK(code(book.create("one-more", {Scope::read}, start)) == cp::Errc::too_large);
}

TEST_CASE("gateway/token_book: is kept as digests, and read back") {
  TokenBook book;
  book.set_main(cp::Secret{"the-main-token"}, start);
  const auto token = value(book.create("ci", {Scope::read, Scope::secrets}, start));
  const auto brief = value(book.create("brief", {Scope::admin}, start, start + 1h));
  const auto text = book.text();
  CHECK(text.find(token) == std::string::npos);
  CHECK(text.find("main") == std::string::npos);
  auto again = TokenBook::parse(text);
  REQUIRE(again);
  CHECK(again->find(token, start)->scopes == cp::Scopes{Scope::read, Scope::secrets});
  CHECK(again->find(brief, start)->expires_at == start + 1h);
  CHECK_FALSE(again->find(brief, start + 2h));
  CHECK(again->text() == text);
  CHECK(TokenBook::parse(TokenBook{}.text())->list().empty());
}

TEST_CASE("gateway/token_book: a file that is not one is refused") {
  const std::string digest(64, 'a');
  const auto one = [&](const std::string& name, const std::string& hex, const std::string& more) {
    return R"({"tokens":[{"name":")" + name + R"(","digest":")" + hex +
           R"(","createdAt":"2026-11-21T00:00:00Z")" + more + "}]}";
  };
  const auto good = one("a", digest, R"(,"scopes":["read"])");
  CHECK(TokenBook::parse(good));
  const auto entry = good.substr(11, good.size() - 13);
  const auto doubled = R"({"tokens":[)" + entry + "," + entry + "]}";
  for (const auto& text :
       {std::string{}, std::string{"[]"}, std::string{"{}"}, std::string{R"({"tokens":{}})"},
        std::string{R"({"tokens":[1]})"}, one("a", digest, ""),
        one("a", digest.substr(2), R"(,"scopes":[])"), one("a", "zz", R"(,"scopes":[])"),
        one("main", digest, R"(,"scopes":[])"), one("a b", digest, R"(,"scopes":[])"),
        one("a", digest, R"(,"scopes":["root"])"), one("a", digest, R"(,"scopes":[1])"),
        one("a", digest, R"(,"scopes":[],"expiresAt":"soon")"), doubled})
    CHECK_MESSAGE(!TokenBook::parse(text), text);
}
