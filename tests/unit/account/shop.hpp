#pragma once
// SPDX-License-Identifier: MIT

#include <account_world.hpp>

#include <string>
#include <string_view>

/// An account server that sells credits through Stripe, and one customer.
struct Shop : AccountWorld {
  explicit Shop(const std::function<void(credpool::AccountApiOptions&)>& change = {})
      : AccountWorld{[&](credpool::AccountApiOptions& options) {
          with_stripe(options);
          if (change) change(options);
        }} {
    key = register_as("a@example.com");
  }

  /// @return the session's id
  std::string buy(std::string_view body = R"({"amount":10})") {
    const auto begun = data(send("POST", "/credits/purchase", body, key));
    return begun.at("session_id");
  }
  Json remaining() { return get("/credits", key).at("remaining"); }
  credpool::Payment payment(const std::string& reference) {
    const auto found = payments.payment_by_reference(reference);
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }
  /// The customer's card is kept, and auto top-up is on.
  void enable_auto_topup() {
    const auto session = buy(R"({"amount":5,"save_payment_method":true})");
    stripe.pay(session);
    REQUIRE(stripe_says("checkout.session.completed", session).status == 200);
    data(send("PUT", "/credits/auto-topup", R"({"enabled":true,"threshold":5,"amount":20})", key));
  }

  std::string key;
};
