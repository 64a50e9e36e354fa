// SPDX-License-Identifier: MIT
// The contract of Server, kept by each model that listens at a socket.
#include <credpool/server/event_engine.hpp>
#include <credpool/server/httplib_server.hpp>

#include "server_contract.hpp"

namespace {

struct Event {
  using Type = credpool::EventEngine;
  using Options = credpool::EventEngineOptions;
};
struct Httplib {
  using Type = credpool::HttplibServer;
  using Options = credpool::HttplibServerOptions;
};

}  // namespace

#define BOTH Event, Httplib

TEST_CASE_TEMPLATE("contract/server: whole answers, one connection", S, BOTH) {
  server_contract::answers_whole<S>();
}
TEST_CASE_TEMPLATE("contract/server: answers in pieces", S, BOTH) {
  server_contract::answers_in_pieces<S>();
}
TEST_CASE_TEMPLATE("contract/server: large answers arrive whole", S, BOTH) {
  server_contract::large_answers_arrive_whole<S>();
}
TEST_CASE_TEMPLATE("contract/server: what is refused gets one answer and then the end", S, BOTH) {
  server_contract::refuses<S>();
}
TEST_CASE_TEMPLATE("contract/server: two requests at once", S, BOTH) {
  server_contract::answers_two_at_once<S>();
}
TEST_CASE_TEMPLATE("contract/server: a client that leaves is told of", S, BOTH) {
  server_contract::a_client_that_leaves_is_told_of<S>();
}
TEST_CASE_TEMPLATE("contract/server: a cut answer is seen to be cut", S, BOTH) {
  server_contract::a_cut_answer_is_seen_to_be_cut<S>();
}
TEST_CASE_TEMPLATE("contract/server: after() and offload()", S, BOTH) {
  server_contract::time_and_work_come_on_the_exchange_s_thread<S>();
}
TEST_CASE_TEMPLATE("contract/server: stop() lets answers finish", S, BOTH) {
  server_contract::stop_lets_answers_finish<S>();
}
TEST_CASE_TEMPLATE("contract/server: stop() cuts what takes longer", S, BOTH) {
  server_contract::stop_cuts_what_takes_longer<S>();
}
TEST_CASE_TEMPLATE("contract/server: an address is bound at once", S, BOTH) {
  server_contract::an_address_is_bound_at_once<S>();
}

TEST_CASE("contract/server: what HttplibServer does not do") {
  namespace cp = credpool;
  cp::HttplibServer server;
  const auto handler = std::make_shared<FunctionHandler>();
  const auto socket = server.listen({.ip = {}, .port = 0, .unix_path = "/nowhere/s"}, handler);
  REQUIRE_FALSE(socket);
  CHECK(socket.error().code == cp::Errc::unsupported);
  // Debian's is older than 0.53.1; whose is not takes the address.
  const auto everybody = server.listen({.ip = "0.0.0.0", .port = 0, .unix_path = {}}, handler);
  if (!everybody) CHECK(everybody.error().code == cp::Errc::unsupported);
}
