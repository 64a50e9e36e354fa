// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/flow_book.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace credpool_cli;
namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

Flow of(std::string cli) {
  Flow flow;
  flow.cli = std::move(cli);
  flow.method = "manual";
  return flow;
}

/// Waits until the flow is as wanted; 20 s at most.
template <class Wanted> Flow until(const FlowBook& book, const std::string& id, Wanted wanted) {
  for (int i = 0; i < 4000; ++i) {
    const auto flow = book.find(id);
    REQUIRE(flow);
    if (wanted(*flow)) return *flow;
    std::this_thread::sleep_for(5ms);
  }
  FAIL("it never came to that");
  return {};
}
Flow until(const FlowBook& book, const std::string& id, FlowState state) {
  return until(book, id, [&](const Flow& flow) { return flow.state == state; });
}

FlowBook::Work asks_until(std::string right) {
  return [right](FlowPerson& person) -> cp::Result<Kept> {
    while (true) {
      const auto given = person.ask_secret("Key: ");
      if (!given) return cp::fail(given.error());
      if (given->reveal() == right) break;
      person.progress("it is too short for a key");
    }
    person.progress("Asking the provider.");
    return Kept{.profile_id = "p:own", .id = "ab", .token_hash = "sha256:00"};
  };
}

FlowBook::Work waits() {
  return [](FlowPerson& person) -> cp::Result<Kept> {
    person.show({"https://page.test/", "ABCD-EFGH", cp::SystemClock{}.now() + 1h});
    while (!person.cancelled()) person.wait(cp::Duration{60'000});
    return cp::fail(cp::Errc::cancelled, "waiting");
  };
}

}  // namespace

TEST_CASE("tools/flow_book: a question, a wrong answer, a right one") {
  FlowBook book;
  const auto started = book.start(of("codex-cli"), asks_until("right-key-0123"));
  REQUIRE(started);
  auto flow = until(book, started->id, FlowState::input);
  CHECK(flow.question == "Key");
  CHECK(flow.problem.empty());
  REQUIRE(book.input(flow.id, cp::Secret{"wrong-key-0123"}));
  flow =
      until(book, flow.id, [](const Flow& f) { return !f.problem.empty() && !f.question.empty(); });
  CHECK(flow.problem == "it is too short for a key");
  REQUIRE(book.input(flow.id, cp::Secret{"right-key-0123"}));
  flow = until(book, flow.id, FlowState::done);
  REQUIRE(flow.result);
  CHECK(flow.result->profile_id == "p:own");
  CHECK(flow.ended_at);
  CHECK(flow.question.empty());
  CHECK(flow.problem.empty());
  for (const bool with_lines : {true, false}) {
    const auto text = flow_json(flow, with_lines).dump();
    CHECK(text.find("key-0123") == std::string::npos);
    CHECK(text.find("\"state\":\"done\"") != std::string::npos);
  }
  const auto late = book.input(flow.id, cp::Secret{"more"});
  REQUIRE_FALSE(late);
  CHECK(late.error().errc() == cp::Errc::conflict);
}

TEST_CASE("tools/flow_book: nothing is taken that is not asked for") {
  FlowBook book;
  const auto flow = book.start(of("kimi-cli"), waits());
  REQUIRE(flow);
  const auto shown = until(book, flow->id, FlowState::person);
  CHECK(shown.url == "https://page.test/");
  CHECK(shown.user_code == "ABCD-EFGH");
  CHECK(book.input(flow->id, cp::Secret{"x"}).error().errc() == cp::Errc::conflict);
  CHECK(book.input("flow-nobody", cp::Secret{"x"}).error().errc() == cp::Errc::not_found);
  CHECK(book.find("flow-nobody").error().errc() == cp::Errc::not_found);
}

TEST_CASE("tools/flow_book: cancel ends it, also while it asks") {
  FlowBook book;
  for (const auto& work : {waits(), asks_until("x")}) {
    const auto flow = book.start(of("kimi-cli"), work);
    REQUIRE(flow);
    const auto ended = book.cancel(flow->id);
    REQUIRE(ended);
    CHECK(ended->state == FlowState::cancelled);
    CHECK_FALSE(ended->error);
    REQUIRE(book.cancel(flow->id));  // once more changes nothing
  }
}

TEST_CASE("tools/flow_book: what nobody finishes ends by itself, and says so") {
  FlowBook book{{}, {.patience = 50ms}};
  for (const auto& work : {waits(), asks_until("x")}) {
    const auto flow = book.start(of("kimi-cli"), work);
    REQUIRE(flow);
    const auto ended = until(book, flow->id, FlowState::failed);
    REQUIRE(ended.error);
    CHECK(ended.error->errc() == cp::Errc::timeout);
  }
}

TEST_CASE("tools/flow_book: one of a CLI, and no more than there may be") {
  FlowBook book{{}, {.most = 2, .kept = 1}};
  const auto first = book.start(of("a"), waits());
  REQUIRE(first);
  CHECK(book.start(of("a"), waits()).error().errc() == cp::Errc::busy);
  REQUIRE(book.start(of("b"), waits()));
  CHECK(book.start(of("c"), waits()).error().errc() == cp::Errc::busy);
  REQUIRE(book.cancel(first->id));
  const auto again = book.start(of("a"), waits());
  REQUIRE(again);
  CHECK(again->id != first->id);
  CHECK(book.all().front().id == again->id);
  // Of the ended ones the oldest is forgotten.
  REQUIRE(book.cancel(again->id));
  REQUIRE(book.start(of("d"), waits()));
  CHECK_FALSE(book.find(first->id));
  CHECK(book.find(again->id));
}

TEST_CASE("tools/flow_book: the end of the server ends all, and none begins after it") {
  std::atomic<int> told{0};
  FlowBook book{[&](const Flow&) { ++told; }};
  for (const auto* cli : {"a", "b", "c"}) REQUIRE(book.start(of(cli), waits()));
  book.stop();
  const int before = told;
  CHECK(before >= 3);
  CHECK(book.start(of("d"), waits()).error().errc() == cp::Errc::cancelled);
  CHECK(told == before);
}

TEST_CASE("tools/flow_book: a method that throws is a failed flow") {
  FlowBook book;
  const auto flow = book.start(of("a"), [](FlowPerson&) -> cp::Result<Kept> {
    throw std::runtime_error{"secret-0123456789"};
  });
  REQUIRE(flow);
  const auto ended = until(book, flow->id, FlowState::failed);
  CHECK(flow_json(ended, true).dump().find("secret-0") == std::string::npos);
}

TEST_CASE(
    "tools/flow_book: what is volunteered while a listener waits, and what overtakes a question") {
  FlowBook book;
  const auto listening = book.start(of("a"), [](FlowPerson& person) -> cp::Result<Kept> {
    person.may_volunteer("Or paste the address");
    person.show({"https://page.test/", {}, cp::SystemClock{}.now() + 1h});
    while (!person.cancelled()) {
      if (const auto given = person.volunteered()) {
        if (given->reveal() == "right") return Kept{};
        person.progress("That is not the answer to this login.");
      }
      person.wait(cp::Duration{5});
    }
    return cp::fail(cp::Errc::cancelled, "waiting");
  });
  REQUIRE(listening);
  auto flow = until(book, listening->id, FlowState::person);
  CHECK(flow.question == "Or paste the address");
  REQUIRE(book.input(flow.id, cp::Secret{"wrong"}));
  flow = until(book, flow.id, [](const Flow& f) { return !f.problem.empty(); });
  CHECK(flow.state == FlowState::person);
  CHECK_FALSE(flow.question.empty());
  REQUIRE(book.input(flow.id, cp::Secret{"right"}));
  CHECK(until(book, flow.id, FlowState::done).problem.empty());

  const auto asking = book.start(of("b"), [](FlowPerson& person) -> cp::Result<Kept> {
    person.watch([] { return true; });
    const auto given = person.ask_secret("Key: ");
    if (given || !person.overtaken()) return cp::fail(cp::Errc::malformed, "waiting");
    return Kept{.profile_id = "found", .id = "cd", .token_hash = "sha256:01"};
  });
  REQUIRE(asking);
  CHECK(until(book, asking->id, FlowState::done).result->profile_id == "found");
}
