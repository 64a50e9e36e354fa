// SPDX-License-Identifier: MIT
#include "../../../tools/credpool/online/accounts_gate.hpp"

#include "../account/moody_store.hpp"

#include <credpool/account/keys.hpp>
#include <credpool/core/clock.hpp>

#include <doctest/doctest.h>

#include <future>

namespace cli = credpool_cli;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t most_body = 100'000;
const std::string good = "sk-prov-00000000000000000000000000000001";
const std::string stranger = "sk-prov-00000000000000000000000000000002";
const std::string chat =
    R"({"model":"m","max_tokens":10,"messages":[{"role":"user","content":"hi"}]})";

/// A gate over a store with one account, ten dollars and one key.
struct GateWorld {
  GateWorld() {
    const auto now = cp::SystemClock{}.now();
    cp::Account account;
    account.id = "ann";
    account.email = "a@example.com";
    account.created_at = now;
    REQUIRE(store.add_account(account, {"mgmt", "ann", now, std::nullopt}));
    cp::ProvisionedKey key;
    key.digest = cp::key_digest(good);
    key.hash = cp::key_name_of(key.digest);
    key.account = "ann";
    key.name = "k";
    key.created_at = now;
    REQUIRE(store.add_key(key));
    REQUIRE(store.credit(
        {"ann", cp::TransactionType::grant, cp::Money::dollars(10), "", "", "t", now}));
    cp::LedgerOptions options;
    options.now = [] { return cp::SystemClock{}.now(); };
    options.steady = [] { return cp::SystemClock{}.steady(); };
    auto started = cp::Ledger::start(store, std::move(options));
    REQUIRE(started);
    ledger = std::move(*started);
    auto prices = cp::PriceTable::parse(
        R"({"date":"2026-01-01","source":"test","models":{"m":{"input":1,"output":10,)"
        R"("context_tokens":200000,"max_output_tokens":100000}}})");
    REQUIRE(prices);
    gate.emplace(*ledger, std::move(*prices), most_body, nullptr,
                 [this](const cp::AccountId&, cp::Money cost) { told += cost; });
  }

  /// What reserve() says in the end.
  cp::Reservation reserve(std::shared_ptr<const cp::ProxyCaller> caller) {
    const auto facts = cp::read_request_facts(chat);
    REQUIRE(facts);
    auto said = std::make_shared<std::promise<cp::Reservation>>();
    auto answer = said->get_future();
    auto at_once = gate->reserve(
        {std::move(caller), "r", cp::Operation::chat_completions, *facts, chat, {"m"}},
        [said](cp::Reservation reservation) { said->set_value(std::move(reservation)); });
    return at_once ? std::move(*at_once) : answer.get();
  }
  /// Settles a request and tells what was kept of it.
  cp::UsageRow settle(const cp::Spent& spent) {
    const auto admission = gate->admit(good, chat.size());
    REQUIRE(admission.caller);
    const auto reservation = reserve(admission.caller);
    REQUIRE(reservation.spending);
    std::promise<bool> kept;
    reservation.spending->settle(
        spent, [&](const cp::Result<void>& done) { kept.set_value(static_cast<bool>(done)); });
    CHECK(kept.get_future().get());
    return store.inner.usage_rows("ann", "", {1, 0})->items.at(0);
  }
  template <class Condition> static void wait_for(Condition met) {
    for (int i = 0; i < 1'000 && !met(); ++i) std::this_thread::sleep_for(10ms);
    CHECK(met());
  }

  MoodyStore store;
  cp::Money told;  ///< by the ledger's thread, before a settlement is said to be kept
  std::unique_ptr<cp::Ledger> ledger;
  std::optional<cli::AccountsGate> gate;
};

cp::Spent counted(std::uint64_t input, std::uint64_t output) {
  cp::Spent spent;
  spent.model = "m";
  spent.status = 200;
  spent.usage.input = input;
  spent.usage.output = output;
  spent.bytes_out = 90;
  return spent;
}

}  // namespace

TEST_CASE("tools/accounts_gate: a key that is no good is refused from memory, body unread") {
  GateWorld world;
  CHECK_FALSE(world.gate->admit("", 0).caller);
  CHECK_FALSE(world.gate->admit("sk-mgmt-1", 0).refusal);
  const auto first = world.gate->admit(stranger, 10);
  REQUIRE(first.caller);
  const auto refused = world.reserve(first.caller);
  REQUIRE(refused.refusal);
  CHECK(refused.refusal->code == "UNAUTHORIZED");
  const auto asked = world.store.reservations.load();
  for (int i = 0; i < 3; ++i) {
    const auto again = world.gate->admit(stranger, 10);
    CHECK_FALSE(again.caller);
    REQUIRE(again.refusal);
    CHECK(again.refusal->status == 401);
    CHECK(again.refusal->code == "UNAUTHORIZED");
  }
  CHECK(world.store.reservations == asked);

  INFO("revoked is another answer");
  REQUIRE(world.store.inner.change_key("ann", cp::key_name_of(cp::key_digest(good)),
                                       [](cp::ProvisionedKey& key) -> cp::Result<void> {
                                         key.revoked_at = key.created_at;
                                         return {};
                                       }));
  const auto before = world.gate->admit(good, 10);
  REQUIRE(before.caller);
  CHECK(world.reserve(before.caller).refusal->code == "KEY_REVOKED");
  CHECK(world.gate->admit(good, 10).refusal->code == "KEY_REVOKED");
}

TEST_CASE("tools/accounts_gate: what costs nothing is for keys that are known, and holds nothing") {
  GateWorld world;
  const auto confirm = [&](const std::string& key) {
    const auto admission = world.gate->admit(key, 0);
    if (admission.refusal) return admission.refusal->code;
    REQUIRE(admission.caller);
    auto said = std::make_shared<std::promise<cp::Reservation>>();
    auto answer = said->get_future();
    const auto at_once = world.gate->confirm(admission.caller, [said](cp::Reservation reservation) {
      said->set_value(std::move(reservation));
    });
    const auto reservation = at_once ? *at_once : answer.get();
    CHECK_FALSE(reservation.spending);
    return reservation.refusal ? reservation.refusal->code : std::string{};
  };
  const auto change = [&](const std::function<void(cp::ProvisionedKey&)>& how) {
    const auto hash = cp::key_name_of(cp::key_digest(good));
    REQUIRE(world.store.inner.change_key("ann", hash, [&](cp::ProvisionedKey& key) {
      how(key);
      return cp::Result<void>{};
    }));
    world.ledger->recheck(hash);
  };
  CHECK(confirm(stranger) == "UNAUTHORIZED");
  CHECK(confirm(stranger) == "UNAUTHORIZED");
  CHECK(confirm(good) == "");
  CHECK(world.store.inner.usage_rows("ann", "", {1, 0})->total == 0);
  world.wait_for([&] { return world.store.inner.balance("ann")->reserved == cp::Money{}; });
  INFO("nothing left is no matter");
  change([](auto& key) { key.credit_limit = cp::Money{}; });
  CHECK(confirm(good) == "");
  REQUIRE(
      world.store.credit({"ann", cp::TransactionType::refund, cp::Money{} - cp::Money::dollars(11),
                          "", "", "t2", cp::SystemClock{}.now()}));
  world.ledger->recheck(cp::key_name_of(cp::key_digest(good)));
  CHECK(confirm(good) == "");
  INFO("a key that may not be used");
  change([](auto& key) { key.disabled = true; });
  CHECK(confirm(good) == "KEY_DISABLED");
  change([](auto& key) { key.disabled = false, key.expires_at = key.created_at; });
  CHECK(confirm(good) == "KEY_EXPIRED");
  change([](auto& key) { key.revoked_at = key.created_at; });
  CHECK(confirm(good) == "KEY_REVOKED");
}

TEST_CASE("tools/accounts_gate: keys that nobody knows cannot send without bound") {
  GateWorld world;
  const auto key = [](int number) {
    auto text = std::to_string(number);
    return "sk-prov-" + std::string(32 - text.size(), 'a') + text;
  };
  std::vector<std::shared_ptr<const cp::ProxyCaller>> sending;
  for (int i = 0; i < 8; ++i) {
    sending.push_back(
        world.gate->admit(key(i), i % 2 == 0 ? std::optional{most_body} : std::nullopt).caller);
    REQUIRE(sending.back());
  }
  const auto refused = world.gate->admit(key(8), 1'000).refusal;
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->code == "KEY_NOT_YET_KNOWN");
  // They were looked up meanwhile.
  world.wait_for([&] { return world.gate->admit(key(0), 1).refusal->status == 401; });

  INFO("a good key is looked up when it is refused: its next request is let in");
  CHECK(world.gate->admit(good, 1'000).refusal->status == 503);
  world.wait_for([&] { return world.gate->admit(good, most_body).caller != nullptr; });

  INFO("what has ended makes room");
  sending.pop_back();
  CHECK(world.gate->admit(key(9), 1'000).caller);
}

TEST_CASE("tools/accounts_gate: a known key is not asked for at all") {
  GateWorld world;
  const auto first = world.gate->admit(good, chat.size());
  REQUIRE(first.caller);
  CHECK(first.caller->name == cp::key_name_of(cp::key_digest(good)));
  CHECK(world.reserve(first.caller).spending);
  const auto asked = world.store.reservations.load();
  std::vector<std::shared_ptr<const cp::ProxyCaller>> sending;
  for (int i = 0; i < 20; ++i) sending.push_back(world.gate->admit(good, std::nullopt).caller);
  for (const auto& caller : sending) CHECK(caller);
  CHECK(world.store.reservations == asked);
}

TEST_CASE(
    "tools/accounts_gate: usage that cannot be is not believed, and no request costs more than "
    "was held for it") {
  GateWorld world;
  const auto fair = world.settle(counted(20, 10));
  CHECK_FALSE(fair.estimated);
  CHECK(fair.cost == cp::Money{20 + 100});
  CHECK(world.told == fair.cost);

  // A token for each byte and 600 that a provider adds, and max_tokens.
  const auto most = cp::Money{static_cast<std::int64_t>(chat.size()) + 600 + 100};
  for (const auto& spent : {counted(200'000, 10), counted(20, 100'000), counted(20, 11 + 70),
                            counted(200'001, 10), counted(5'000, 0)}) {
    const auto row = world.settle(spent);
    CHECK(row.estimated);
    CHECK(row.cost <= most);
    CHECK(row.cost > cp::Money{});
    CHECK(row.output_tokens == cp::estimated_tokens(90));
  }
  INFO("a stream of more events than max_tokens");
  auto stream = counted(20, 100'000);
  stream.events = 100'000;
  const auto row = world.settle(stream);
  CHECK(row.estimated);
  CHECK(row.cost == most);
}
