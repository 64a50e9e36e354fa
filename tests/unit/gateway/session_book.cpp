// SPDX-License-Identifier: MIT
#include <credpool/gateway/session_book.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace cp = credpool;
using namespace std::chrono_literals;
using cp::Scope;
using cp::SessionBook;

namespace {

constexpr cp::TimePoint start{cp::Duration{1'795'262'400'000}};

struct Opened {
  std::string cookie;
  std::string proof;
};

Opened open(SessionBook& book, cp::TimePoint now) {
  const auto code = book.make_code(cp::Scopes::all(), now);
  const auto session = book.open(code->reveal(), now);
  REQUIRE(session);
  return {std::string{session->cookie.reveal()}, std::string{session->proof.reveal()}};
}

}  // namespace

TEST_CASE("gateway/session_book: a code opens one session, once, for two minutes") {
  SessionBook book;
  const auto code = book.make_code(cp::Scopes::all(), start);
  REQUIRE(code);
  CHECK(book.code_ends(start) == start + 2min);
  CHECK_FALSE(book.open("something else", start));
  CHECK_FALSE(book.open("", start));
  CHECK(book.open(code->reveal(), start + 2min - 1ms));
  const auto again = book.open(code->reveal(), start + 1s);
  REQUIRE_FALSE(again);
  CHECK(again.error().errc() == cp::Errc::unauthorized);
  const auto late = book.make_code(cp::Scopes::all(), start);
  CHECK_FALSE(book.open(late->reveal(), start + 2min));
}

TEST_CASE("gateway/session_book: cookie and proof are both needed, of one session") {
  SessionBook book;
  const auto one = open(book, start);
  const auto two = open(book, start);
  REQUIRE(book.use(one.cookie, one.proof, start));
  CHECK(book.use(one.cookie, one.proof, start)->number !=
        book.use(two.cookie, two.proof, start)->number);
  CHECK_FALSE(book.use(one.cookie, two.proof, start));
  CHECK_FALSE(book.use(two.cookie, one.proof, start));
  CHECK_FALSE(book.use(one.cookie, "", start));
  CHECK_FALSE(book.use("", one.proof, start));
  CHECK_FALSE(book.use(one.proof, one.cookie, start));
}

TEST_CASE("gateway/session_book: a session has no scope that who made its link had not") {
  SessionBook book;
  const auto scopes = [&](cp::Scopes given) {
    const auto code = book.make_code(given, start);
    return book.open(code->reveal(), start)->scopes;
  };
  CHECK(scopes(cp::Scopes::all()) == cp::Scopes{Scope::read, Scope::operate, Scope::admin});
  CHECK(scopes({Scope::admin, Scope::secrets}) == cp::Scopes{Scope::admin});
}

TEST_CASE("gateway/session_book: a session ends when it is not used, and some day in any case") {
  SessionBook book{{.idle = 1h, .life = 3h}};
  const auto idle = open(book, start);
  CHECK_FALSE(book.use(idle.cookie, idle.proof, start + 1h));
  const auto used = open(book, start);
  for (auto now = start; now < start + 3h; now += 59min)
    CHECK(book.use(used.cookie, used.proof, now));
  CHECK_FALSE(book.use(used.cookie, used.proof, start + 3h));
  const auto watched = open(book, start);
  const auto number = book.use(watched.cookie, watched.proof, start)->number;
  CHECK(book.is_open(number, start + 59min));
  CHECK_FALSE(book.is_open(number, start + 1h));  // looking does not keep it
  book.close(number);
  CHECK_FALSE(book.is_open(number, start));
  CHECK_FALSE(book.use(watched.cookie, watched.proof, start));
}

TEST_CASE("gateway/session_book: there are only so many codes and sessions") {
  SessionBook book{{.most_codes = 2, .most_sessions = 2}};
  std::vector<cp::Secret> codes;
  for (int i = 0; i < 3; ++i) codes.push_back(*book.make_code(cp::Scopes::all(), start));
  CHECK_FALSE(book.open(codes[0].reveal(), start));
  const auto one = open(book, start);
  const auto two = open(book, start + 1s);
  CHECK(book.use(one.cookie, one.proof, start + 2s));
  const auto three = open(book, start + 3s);
  CHECK(book.count(start + 3s) == 2);
  CHECK(book.use(one.cookie, one.proof, start + 3s));
  CHECK_FALSE(book.use(two.cookie, two.proof, start + 3s));
  CHECK(book.use(three.cookie, three.proof, start + 3s));
  CHECK(book.close_all(start + 3s) == 2);
  CHECK(book.count(start + 3s) == 0);
}

TEST_CASE("gateway/session_book: sessions go on in another book, until they would have ended") {
  SessionBook book;
  const auto code = book.make_code({Scope::read}, start);
  const auto reader = book.open(code->reveal(), start);
  const auto one = open(book, start);
  REQUIRE(book.use(one.cookie, one.proof, start + 1h));
  const auto text = book.text(start + 1h);
  for (const std::string_view secret : {std::string_view{one.cookie}, std::string_view{one.proof}})
    CHECK(text.find(secret) == std::string::npos);

  SessionBook next;
  REQUIRE(next.load(text, start + 2h));
  const auto found = next.use(one.cookie, one.proof, start + 2h);
  REQUIRE(found);
  CHECK(found->scopes == cp::Scopes{Scope::read, Scope::operate, Scope::admin});
  CHECK(next.use(reader->cookie.reveal(), reader->proof.reveal(), start + 2h)->scopes ==
        cp::Scopes{Scope::read});
  CHECK(next.is_open(found->number, start + 2h));
  CHECK_FALSE(next.use(one.cookie, reader->proof.reveal(), start + 2h));
  CHECK_FALSE(next.open(code->reveal(), start + 2h));
  next.close(found->number);
  SessionBook third;
  REQUIRE(third.load(next.text(start + 2h), start + 2h));
  CHECK_FALSE(third.use(one.cookie, one.proof, start + 2h));
  CHECK(third.count(start + 2h) == 1);

  SessionBook late;
  REQUIRE(late.load(text, start + 12h + 30min));  // the reader's was last used at the start
  CHECK(late.count(start + 12h + 30min) == 1);
  CHECK(SessionBook{}.text(start).find("[]") != std::string::npos);
  CHECK(book.text(start + 30h).find("[]") != std::string::npos);
}

TEST_CASE("gateway/session_book: what is read gives no more than was given") {
  SessionBook book;
  const auto one = open(book, start);
  auto text = book.text(start);
  text.replace(text.find("\"read\""), 6, "\"secrets\", \"read\"");
  SessionBook next;
  REQUIRE(next.load(text, start));
  CHECK_FALSE(next.use(one.cookie, one.proof, start)->scopes.has(Scope::secrets));
  // The clock was set back by a year: the session is a week at most, all the same.
  SessionBook early;
  REQUIRE(early.load(book.text(start), start - 8760h));
  CHECK_FALSE(early.use(one.cookie, one.proof, start));

  for (const std::string bad :
       {"", "{", "[]", "{}", R"({"sessions":1})", R"({"sessions":[1]})", R"({"sessions":[{}]})"}) {
    SessionBook none;
    const auto loaded = none.load(bad, start);
    REQUIRE_FALSE(loaded);
    CHECK(none.count(start) == 0);
  }
  for (const std::string_view part : {"cookie", "proof", "scopes", "begunAt", "usedAt"}) {
    auto broken = book.text(start);
    broken.replace(broken.find(part), part.size(), "x");
    SessionBook none;
    CHECK_FALSE(none.load(broken, start));
    CHECK(none.count(start) == 0);
  }
  SessionBook small{{.most_sessions = 1}};
  (void)open(book, start);
  CHECK_FALSE(small.load(book.text(start), start));
}
