// SPDX-License-Identifier: MIT
#include <credpool/account/stripe.hpp>

#include <account_world.hpp>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {
constexpr cp::TimePoint start{cp::Duration{1'795'262'400'000}};
const std::string body = R"({"id":"evt_1","type":"checkout.session.completed"})";

cp::Result<void> check(const std::string& header, cp::TimePoint now = start,
                       std::string_view text = body) {
  return cp::check_stripe_signature(header, text, cp::Secret{"whsec_fake"}, now);
}
}  // namespace

TEST_CASE("account/stripe: M6 a signed event is accepted") {
  // The MAC was computed with another program (hmac of Python).
  CHECK(check("t=1795262400,v1=04eeb183fa65c8633bd385d55128828f887d33b8c0b2b309d33279877b438bdd"));
  const auto header = AccountWorld::signature(body, start);
  CHECK(check(header));
  // With a second secret while the first one is rolled over; other schemes are passed over.
  CHECK(check("t=1795262400,v1=" + std::string(64, '0') + header.substr(header.find(",v1="))));
  CHECK(check(header, start + 5min));
  CHECK(check(header, start - 5min));
}

TEST_CASE("account/stripe: a signature of somebody else, of another body or another time is none") {
  const auto header = AccountWorld::signature(body, start);
  CHECK_FALSE(check(AccountWorld::signature(body, start, "whsec_other")));
  CHECK_FALSE(check(header, start, body + " "));
  CHECK_FALSE(check(header, start + 5min + 1s));
  CHECK_FALSE(check(header, start - 5min - 1s));
  CHECK_FALSE(cp::check_stripe_signature(header, body, cp::Secret{}, start));
  // Somebody signs with the empty secret.
  CHECK_FALSE(cp::check_stripe_signature(AccountWorld::signature(body, start, ""), body,
                                         cp::Secret{}, start));
  // The time that was signed is the one that counts.
  auto moved = header;
  moved.replace(2, 10, "1795262401");
  CHECK_FALSE(check(moved));
  CHECK_FALSE(check(header + ",t=1795262400"));
}

TEST_CASE("account/stripe: a header that cannot be read is refused") {
  const auto mac = AccountWorld::signature(body, start).substr(13);
  for (const std::string& header :
       {std::string{}, std::string{"t="}, std::string{"v1="}, std::string{",,,"}, mac.substr(1),
        "t=-1" + mac, "t=99999999999999999999" + mac, "t=1795262400x" + mac, "t= 1795262400" + mac,
        std::string{"t=1795262400"}, std::string{"t=1795262400,v1="},
        std::string{"t=1795262400,v1=zz"}, std::string(100'000, 't')}) {
    const auto checked = check(header);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message().find("whsec") == std::string::npos);
  }
}

TEST_CASE("account/stripe: events that are none are refused") {
  for (const std::string_view text :
       {"", "null", "[]", "{}", "{\"type\":1}", "{\"type\":\"x\"}", "{\"type\":\"x\",\"data\":{}}",
        "{\"type\":\"x\",\"data\":{\"object\":[]}}"})
    CHECK_FALSE(cp::read_stripe_event(text));
  const auto event = cp::read_stripe_event(
      R"({"type":"x","data":{"object":{"id":"cs_1","amount_total":-5,"currency":7}}})");
  REQUIRE(event);
  CHECK(event->payment.cents == 0);
  CHECK(event->payment.currency.empty());
  CHECK_FALSE(event->payment.paid);
}

TEST_CASE("account/stripe: what it sends, and what it makes of the answers") {
  PlayedStripe played;
  const cp::Stripe stripe{
      {"https://stripe.example", cp::Secret{"sk_test_fake"}, {}, "https://a/", "https://b/"},
      [&](const cp::Request& request) { return played.answer(request); }};
  cp::Payment payment;
  payment.id = "p1";
  payment.credits = cp::Money::dollars(10);
  payment.charge_cents = 1080;
  const auto begun = stripe.begin_checkout(payment, "a@example.com");
  REQUIRE(begun);
  CHECK(begun->reference.starts_with("cs_test_"));
  CHECK(begun->url.starts_with("https://checkout.example/"));
  const auto& sent = played.requests.back();
  CHECK(form_value(sent.body, "success_url") == "https://a/");
  CHECK(form_value(sent.body, "client_reference_id") == "p1");
  CHECK(form_value(sent.body, "payment_intent_data[setup_future_usage]").empty());
  CHECK(sent.body.find("sk_test_fake") == std::string::npos);
  // The same payment again is the same session.
  CHECK(stripe.begin_checkout(payment, "a@example.com")->reference == begun->reference);

  CHECK_FALSE(stripe.checkout(begun->reference)->paid);
  played.pay(begun->reference);
  CHECK(stripe.checkout(begun->reference)->paid);
  CHECK(stripe.checkout(begun->reference)->cents == 1080);

  const auto code = [](const auto& result) { return result.error().errc(); };
  CHECK(code(stripe.checkout("cs_unknown")) == cp::Errc::not_found);
  CHECK(code(stripe.checkout("../accounts")) == cp::Errc::not_found);
  played.broken = true;
  CHECK(code(stripe.checkout(begun->reference)) == cp::Errc::overloaded);
  played.broken = false;
  played.down = true;
  CHECK(code(stripe.checkout(begun->reference)) == cp::Errc::network);
  played.down = false;
  played.declines = true;
  payment.id = "p2";
  CHECK(code(stripe.charge(payment, {"cus_1", "pm_1"})) == cp::Errc::forbidden);
}
