// SPDX-License-Identifier: MIT
#include <credpool/proxy/spending.hpp>

#include "played_proxy.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace played;

namespace {

using End = cp::FakeExchange::End;

/// Counts what is set aside, settled and given back; settles when the test says so.
struct PlayedGate final : cp::ProxyGate {
  struct Waiting {
    cp::Spent spent;
    std::function<void(const cp::Result<void>&)> done;
  };
  struct Held final : cp::Spending {
    explicit Held(PlayedGate& owner) : gate{owner} { ++gate.held; }
    ~Held() override { --gate.held; }
    void settle(const cp::Spent& spent,
                std::function<void(const cp::Result<void>&)> done) override {
      CHECK_FALSE(std::exchange(settled, true));
      gate.settlements.push_back({spent, std::move(done)});
    }
    PlayedGate& gate;
    bool settled = false;
  };

  cp::ProxyAdmission admit(std::string_view presented, std::optional<std::uint64_t> size) override {
    CHECK(presented == key);
    body_bytes = size;
    if (admission_refusal) return {.refusal = admission_refusal};
    ++callers;
    return {.caller = caller};
  }
  std::optional<cp::Reservation> confirm(std::shared_ptr<const cp::ProxyCaller> who,
                                         std::function<void(cp::Reservation)> then) override {
    CHECK(who == caller);
    if (takes_time) {
      later = std::move(then);
      return std::nullopt;
    }
    return cp::Reservation{.refusal = refusal};
  }
  bool charges() const noexcept override { return true; }
  std::optional<cp::Reservation> reserve(const cp::SpendRequest& request,
                                         std::function<void(cp::Reservation)> then) override {
    CHECK(request.caller == caller);
    CHECK(request.models.size() == 1);
    if (refusal) return cp::Reservation{.refusal = refusal};
    if (takes_time) {
      later = std::move(then);
      return std::nullopt;
    }
    return cp::Reservation{.spending = std::make_shared<Held>(*this)};
  }

  std::shared_ptr<const cp::ProxyCaller> caller = std::make_shared<cp::ProxyCaller>("somebody");
  int callers = 0;
  std::optional<std::uint64_t> body_bytes;
  std::optional<cp::SpendRefusal> admission_refusal;
  std::optional<cp::SpendRefusal> refusal;
  bool takes_time = false;
  std::function<void(cp::Reservation)> later;
  std::vector<Waiting> settlements;
  int held = 0;
};

struct PaidWorld {
  std::shared_ptr<PlayedGate> gate = std::make_shared<PlayedGate>();
  World world{{openai_key("one"), openai_key("two")}, {}, gate};

  void settle(std::size_t which, const cp::Result<void>& how = {}) {
    REQUIRE(gate->settlements.size() > which);
    REQUIRE(gate->settlements[which].done);
    std::exchange(gate->settlements[which].done, nullptr)(how);
    CHECK(world.server.loop().run_posted() == 1);
  }
};

constexpr const char* answer_text =
    R"({"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})";

}  // namespace

TEST_CASE("proxy/spending: who cannot pay is told so, and nothing is sent") {
  PaidWorld paid;
  paid.gate->refusal = {402, "the balance is used up", "INSUFFICIENT_CREDITS"};
  const auto exchange = paid.world.chat();
  CHECK(exchange->answer().status == 402);
  CHECK(exchange->answer().body.find("INSUFFICIENT_CREDITS") != std::string::npos);
  CHECK(paid.world.upstream.calls().empty());
  CHECK(paid.world.log.back().ending == cp::Ending::refused);
}

TEST_CASE("proxy/spending: models are listed for who is confirmed, at once or later") {
  const auto list = [](PaidWorld& paid) {
    return paid.world.server.request(
        {.method = "GET",
         .target = "/v1/models",
         .headers = {{"host", "x"}, {"authorization", "Bearer " + std::string{key}}}});
  };
  const cp::SpendRefusal unknown{401, "invalid or revoked key", "UNAUTHORIZED"};
  PaidWorld paid;
  const auto good = list(paid);
  CHECK(paid.world.server.loop().run_offloaded() == 1);
  CHECK(good->answer().body.find("gpt-one") != std::string::npos);
  paid.gate->refusal = unknown;
  const auto bad = list(paid);
  CHECK(bad->answer().status == 401);
  CHECK(bad->answer().body.find("UNAUTHORIZED") != std::string::npos);
  CHECK(bad->answer().body.find("gpt-one") == std::string::npos);
  CHECK(paid.world.log.back().ending == cp::Ending::refused);

  paid.gate->takes_time = true;
  for (const bool refused : {true, false}) {
    const auto waits = list(paid);
    CHECK(paid.world.server.loop().run_offloaded() == 0);
    std::exchange(paid.gate->later,
                  nullptr)(refused ? cp::Reservation{.refusal = unknown} : cp::Reservation{});
    CHECK(paid.world.server.loop().run_posted() == 1);
    CHECK(paid.world.server.loop().run_offloaded() == (refused ? 0 : 1));
    CHECK(waits->answer().status == (refused ? 401 : 200));
  }
  const auto left = list(paid);
  left->leave();
  std::exchange(paid.gate->later, nullptr)({});
  CHECK(paid.world.server.loop().run_posted() == 1);
  paid.world.server.loop().run_offloaded();
  CHECK(left->end() == End::client_gone);
  CHECK(paid.gate->settlements.empty());
}

TEST_CASE("proxy/spending: the gate is asked once, before the body is read") {
  PaidWorld paid;
  const auto exchange = paid.world.chat();
  CHECK(paid.gate->callers == 1);
  CHECK(paid.gate->body_bytes == 0);  // this head tells of no body
  CHECK(paid.world.upstream.calls().size() == 1);
  paid.gate->admission_refusal = {503, "too much is being sent", "KEY_NOT_YET_KNOWN"};
  const auto refused = paid.world.chat();
  CHECK(refused->answer().status == 503);
  CHECK(refused->answer().body.find("KEY_NOT_YET_KNOWN") != std::string::npos);
  CHECK(paid.world.log.back().ending == cp::Ending::refused);
  CHECK(paid.gate->callers == 1);
  CHECK(paid.world.upstream.calls().size() == 1);
  paid.world.upstream.last().answer(400, json, "{}");
  CHECK(exchange->answer().status == 400);
}

TEST_CASE("proxy/spending: a request waits for its reservation; a caller that left wants none") {
  PaidWorld paid;
  paid.gate->takes_time = true;
  const auto exchange = paid.world.chat();
  CHECK(paid.world.upstream.calls().empty());
  paid.gate->later({.spending = std::make_shared<PlayedGate::Held>(*paid.gate)});
  CHECK(paid.world.upstream.calls().empty());  // not on that thread
  CHECK(paid.world.server.loop().run_posted() == 1);
  CHECK(paid.world.upstream.calls().size() == 1);

  const auto left = paid.world.chat();
  left->leave();
  const auto before = paid.gate->held;
  paid.gate->later({.spending = std::make_shared<PlayedGate::Held>(*paid.gate)});
  CHECK(paid.world.server.loop().run_posted() == 1);
  paid.gate->later = nullptr;
  CHECK(paid.gate->held == before);
  CHECK(paid.world.upstream.calls().size() == 1);
  paid.world.upstream.last().answer(400, json, "{}");
  CHECK(exchange->answer().status == 400);
}

TEST_CASE("proxy/spending: an answer ends when what it cost is kept") {
  PaidWorld paid;
  const auto exchange = paid.world.chat();
  paid.world.upstream.last().answer(200, json, answer_text);
  REQUIRE(paid.gate->settlements.size() == 1);
  const auto& spent = paid.gate->settlements[0].spent;
  CHECK(spent.usage.input == 5);
  CHECK(spent.usage.output == 7);
  CHECK(spent.model == "gpt-x");
  CHECK(spent.status == 200);
  CHECK(spent.ending == cp::Ending::ok);
  CHECK(exchange->end() == End::none);
  CHECK(exchange->answer().body.empty());  // what comes whole leaves whole
  paid.settle(0);
  CHECK(exchange->end() == End::finished);
  CHECK(exchange->answer().body == answer_text);
  CHECK(paid.gate->held == 0);
}

TEST_CASE("proxy/spending: of an answer in pieces all but the last byte goes on") {
  PaidWorld paid;
  const auto exchange = paid.world.chat();
  auto& call = paid.world.upstream.last();
  call.answer_head(200, json);
  const std::string whole{answer_text};
  call.answer_data(whole.substr(0, 10));
  CHECK(exchange->answer().body == whole.substr(0, 9));
  call.answer_data(whole.substr(10));
  CHECK(exchange->answer().body == whole.substr(0, whole.size() - 1));
  call.answer_end();
  REQUIRE(paid.gate->settlements.size() == 1);
  CHECK(exchange->end() == End::none);
  paid.settle(0);
  CHECK(exchange->end() == End::finished);
  CHECK(exchange->answer().body == whole);
}

TEST_CASE("proxy/spending: what could not be kept was not answered") {
  PaidWorld paid;
  const auto exchange = paid.world.chat();
  paid.world.upstream.last().answer(200, json, answer_text);
  paid.settle(0, cp::fail(cp::Errc::store_unwritable, "settling"));
  CHECK(exchange->end() == End::cut);
}

TEST_CASE("proxy/spending: a stream flows, is asked for its usage, and only its end waits") {
  PaidWorld paid;
  const auto exchange = paid.world.chat(R"(,"stream":true)");
  CHECK(paid.world.upstream.last().body().find(R"("stream_options":{"include_usage":true})") !=
        std::string::npos);
  auto& call = paid.world.upstream.last();
  call.answer_head(200, events);
  const std::string first = "data: {\"choices\":[]}\n\n";
  call.answer_data(first);
  CHECK(exchange->answer().body == first);
  const std::string last =
      "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
  call.answer_data(last);
  CHECK(exchange->answer().body == first + last.substr(0, last.size() - 1));
  call.answer_end();
  REQUIRE(paid.gate->settlements.size() == 1);
  CHECK(paid.gate->settlements[0].spent.usage.input == 5);
  CHECK(paid.gate->settlements[0].spent.events == 2);
  CHECK(exchange->end() == End::none);
  paid.settle(0);
  CHECK(exchange->end() == End::finished);
  CHECK(exchange->answer().body == first + last);
}

TEST_CASE("proxy/spending: options that the caller gave a stream are left alone") {
  PaidWorld paid;
  (void)paid.world.chat(R"(,"stream":true,"stream_options":{})");
  CHECK(paid.world.upstream.last().body().find("include_usage") == std::string::npos);
  paid.world.upstream.last().answer(400, json, "{}");
}

TEST_CASE("proxy/spending: what was begun has its price, whoever ended it") {
  PaidWorld paid;
  auto exchange = paid.world.chat(R"(,"stream":true)");
  paid.world.upstream.last().answer_head(200, events);
  paid.world.upstream.last().answer_data("data: {\"choices\":[]}\n\n");
  exchange->leave();
  REQUIRE(paid.gate->settlements.size() == 1);
  CHECK(paid.gate->settlements[0].spent.ending == cp::Ending::client_gone);
  CHECK(paid.gate->settlements[0].spent.events == 1);

  exchange = paid.world.chat(R"(,"stream":true)");
  paid.world.upstream.last().answer_head(200, events);
  paid.world.upstream.last().answer_data("data: {\"choices\":[]}\n\n");
  paid.world.upstream.last().fail(cp::Errc::network, true);
  REQUIRE(paid.gate->settlements.size() == 2);
  CHECK(paid.gate->settlements[1].spent.ending == cp::Ending::upstream_lost);
  CHECK(exchange->end() == End::finished);
  CHECK(paid.gate->held == 0);
}

TEST_CASE("proxy/spending: a stream that was complete when its connection broke is paid first") {
  PaidWorld paid;
  const auto exchange = paid.world.chat(R"(,"stream":true)");
  paid.world.upstream.last().answer_head(200, events);
  paid.world.upstream.last().answer_data("data: {\"choices\":[]}\n\ndata: [DONE]\n\n");
  paid.world.upstream.last().fail(cp::Errc::network, true);
  CHECK(exchange->end() == End::none);
  paid.settle(0);
  CHECK(exchange->end() == End::finished);
  CHECK(exchange->answer().body.ends_with("data: [DONE]\n\n"));
}

TEST_CASE("proxy/spending: errors cost nothing, and what was set aside goes back") {
  PaidWorld paid;
  const auto exchange = paid.world.chat();
  paid.world.upstream.last().answer(400, json, R"({"error":{"message":"no"}})");
  CHECK(exchange->answer().status == 400);
  const auto limit = paid.world.chat();
  paid.world.upstream.last().answer(429, json, limited);
  paid.world.upstream.last().answer(429, json, limited);
  CHECK(limit->answer().status == 429);
  CHECK(paid.gate->settlements.empty());
  CHECK(paid.gate->held == 0);
}

TEST_CASE("proxy/spending: who pays is not told where the provider's server stands") {
  for (const bool sent : {false, true}) {
    PaidWorld paid;
    const auto exchange = paid.world.chat();
    while (!paid.world.upstream.last().ended())
      paid.world.upstream.last().fail(cp::Errc::network, sent, "10.1.2.3:443 refused it");
    const auto& body = exchange->answer().body;
    CHECK(exchange->answer().status == 502);
    CHECK(body.find("the provider cannot be reached") != std::string::npos);
    CHECK(body.find("10.1.2.3") == std::string::npos);
    CHECK(paid.gate->held == 0);
  }
}

TEST_CASE("proxy/spending: a caller that reads slowly gets the end when there is room") {
  PaidWorld paid;
  const auto exchange = paid.world.chat();
  auto& call = paid.world.upstream.last();
  call.answer_head(200, json);
  exchange->stop_reading();
  call.answer_data(answer_text);
  exchange->read_on();
  exchange->stop_reading();
  call.answer_end();
  paid.settle(0);
  exchange->read_on();
  CHECK(exchange->end() == End::finished);
  CHECK(exchange->answer().body == answer_text);
}

TEST_CASE("proxy/spending: a caller that leaves while its request is settled is settled once") {
  PaidWorld paid;
  const auto exchange = paid.world.chat();
  paid.world.upstream.last().answer(200, json, answer_text);
  exchange->leave();
  paid.settle(0);
  CHECK(paid.gate->settlements.size() == 1);
  CHECK(exchange->end() == End::client_gone);
  CHECK(paid.gate->held == 0);
}
