#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>
#include <credpool/account/memory_store.hpp>
#include <credpool/core/clock.hpp>
#include <credpool/core/hash.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The value of a parameter of a form, as it was before encoding.
inline std::string form_value(const std::string& form, const std::string& name) {
  std::string encoded;
  for (const char c : name) encoded += c == '[' ? "%5B" : c == ']' ? "%5D" : std::string(1, c);
  const auto text = "&" + form;
  const auto at = text.find("&" + encoded + "=");
  if (at == std::string::npos) return {};
  const auto begin = at + encoded.size() + 2;
  const auto raw = text.substr(begin, text.find('&', begin) - begin);
  std::string value;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      value += raw[i];
      continue;
    }
    value += static_cast<char>(std::stoi(raw.substr(i + 1, 2), nullptr, 16));
    i += 2;
  }
  return value;
}

/// Stripe, as far as an account server sees it.
class PlayedStripe {
 public:
  /// What Stripe knows of one session or payment intent.
  struct Thing {
    nlohmann::json object;
    std::string idempotency_key;
  };

  credpool::Result<credpool::Response> answer(const credpool::Request& request) {
    const std::lock_guard lock{mutex_};
    requests.push_back(request);
    if (down) return credpool::fail(credpool::Errc::network, "asking", "api.stripe.example");
    if (broken) return credpool::Response{500, {}, "<html>oh no</html>"};
    if (request.secret_headers.empty() ||
        request.secret_headers.front().value.reveal() != "sk_test_fake")
      return credpool::Response{401, {}, R"({"error":{"message":"Invalid API Key"}})"};
    const auto path = request.url.substr(std::string_view{"https://stripe.example"}.size());
    if (request.method == "POST") return begin(path, request);
    if (path.find('?') != path.npos) return list(path);
    const auto id = path.substr(path.rfind('/') + 1);
    const auto found = things.find(id);
    if (found == things.end()) return credpool::Response{404, {}, R"({"error":{}})"};
    return credpool::Response{200, {}, found->second.object.dump()};
  }

  /// Somebody pays a session.
  void pay(const std::string& session) {
    auto& object = things.at(session).object;
    object["status"] = "complete";
    object["payment_status"] = "paid";
    const auto intent = "pi_of" + session.substr(2);
    object["payment_intent"] = intent;
    object["customer"] = "cus_1";
    things[intent].object = {{"id", intent},        {"status", "succeeded"},
                             {"currency", "usd"},   {"amount_received", object["amount_total"]},
                             {"customer", "cus_1"}, {"payment_method", "pm_1"}};
  }

  /// Somebody gives money back, or a bank does.
  void put(const std::string& id, const std::string& session, std::int64_t cents,
           const std::string& status) {
    const auto& paid = things.at(session).object;
    things[id].object = {{"id", id},
                         {"payment_intent", paid.value("payment_intent", session)},
                         {"amount", cents},
                         {"currency", "usd"},
                         {"created", now ? now() : 0},
                         {"status", status}};
  }

  nlohmann::json event(const std::string& type, const std::string& id) {
    return {{"id", "evt_1"}, {"type", type}, {"data", {{"object", things.at(id).object}}}};
  }

  std::size_t charges() const {
    std::size_t count = 0;
    for (const auto& [id, thing] : things)
      if (id.starts_with("pi_charge")) ++count;
    return count;
  }

  bool down = false;
  bool broken = false;
  bool declines = false;
  bool lose_answers = false;          ///< does what it is asked for, and the answer is lost
  std::function<std::int64_t()> now;  ///< seconds since the epoch
  std::map<std::string, Thing> things;
  std::vector<credpool::Request> requests;

 private:
  credpool::Result<credpool::Response> begin(const std::string& path,
                                             const credpool::Request& request) {
    std::string once;
    for (const auto& header : request.headers)
      if (header.name == "Idempotency-Key") once = header.value;
    for (const auto& [id, thing] : things)
      if (!once.empty() && thing.idempotency_key == once)
        return lose_answers ? lost() : credpool::Response{200, {}, thing.object.dump()};
    const auto number = std::to_string(things.size() + 1);
    nlohmann::json object;
    if (path == "/v1/checkout/sessions") {
      const auto id = "cs_test_" + number;
      object = {{"id", id},
                {"status", "open"},
                {"payment_status", "unpaid"},
                {"currency", "usd"},
                {"amount_total",
                 std::stoll(form_value(request.body, "line_items[0][price_data][unit_amount]"))},
                {"url", "https://checkout.example/" + id}};
    } else if (path == "/v1/payment_intents") {
      if (declines) return credpool::Response{402, {}, R"({"error":{"code":"card_declined"}})"};
      object = {{"id", "pi_charge_" + number},
                {"status", "succeeded"},
                {"currency", "usd"},
                {"amount_received", std::stoll(form_value(request.body, "amount"))}};
    } else {
      return credpool::Response{404, {}, "{}"};
    }
    things[object["id"]] = {object, once};
    if (lose_answers) return lost();
    return credpool::Response{200, {}, object.dump()};
  }
  /// The newest first, two at a time.
  credpool::Response list(const std::string& path) const {
    const auto form = path.substr(path.find('?') + 1);
    const auto wanted = form_value(form, "payment_intent"),
               after = form_value(form, "starting_after"), since = form_value(form, "created[gte]");
    const std::string prefix = path.starts_with("/v1/refunds")    ? "re_"
                               : path.starts_with("/v1/disputes") ? "dp_"
                                                                  : "cs_";
    std::vector<nlohmann::json> found;
    for (const auto& [id, thing] : things) {
      if (!id.starts_with(prefix)) continue;
      if (!wanted.empty() && thing.object.value("payment_intent", "") != wanted) continue;
      if (!since.empty() && thing.object.value("created", std::int64_t{}) < std::stoll(since))
        continue;
      found.push_back(thing.object);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return a.value("created", std::int64_t{}) > b.value("created", std::int64_t{});
    });
    auto data = nlohmann::json::array();
    bool begun = after.empty(), more = false;
    for (const auto& item : found) {
      if (begun && data.size() == 2) more = true;
      if (begun && data.size() < 2) data.push_back(item);
      begun = begun || item["id"] == after;
    }
    return {200, {}, nlohmann::json{{"object", "list"}, {"data", data}, {"has_more", more}}.dump()};
  }
  static credpool::Result<credpool::Response> lost() {
    return credpool::fail(credpool::Errc::timeout, "asking", "api.stripe.example");
  }

  std::mutex mutex_;
};

/// GitHub, as far as a device login sees it.
class PlayedGitHub {
 public:
  credpool::Result<credpool::Response> answer(const credpool::Request& request) {
    requests.push_back(request);
    if (down) return credpool::fail(credpool::Errc::network, "asking", "github.example");
    if (request.url == "https://github.example/login/device/code") {
      const auto code = "device-" + std::to_string(++codes);
      return json({{"device_code", code},
                   {"user_code", "ABCD-EFGH"},
                   {"verification_uri", "https://github.example/login/device"},
                   {"interval", 5},
                   {"expires_in", 900}});
    }
    if (request.url == "https://github.example/login/oauth/access_token") {
      if (!error.empty()) return json({{"error", error}, {"interval", 10}});
      const auto code = form_value(request.body, "device_code");
      if (!agreed.contains(code)) return json({{"error", "authorization_pending"}});
      return json({{"access_token", "gho_fake_of_" + code}, {"token_type", "bearer"}});
    }
    const std::string token{request.secret_headers.at(0).value.reveal()};
    const auto& person = agreed.at(token.substr(std::string_view{"gho_fake_of_"}.size()));
    if (request.url == "https://api.github.example/user")
      return json({{"id", person.id},
                   {"login", "octo"},
                   {"name", "Octo Cat"},
                   {"email", person.email},
                   {"avatar_url", "https://avatars.example/1"}});
    return json(nlohmann::json::array(
        {{{"email", "other@example.com"}, {"primary", false}, {"verified", true}},
         {{"email", person.email}, {"primary", true}, {"verified", person.verified}}}));
  }

  struct Person {
    std::int64_t id = 7;
    std::string email = "Octo@Example.com";
    bool verified = true;
  };
  bool down = false;
  std::string error;
  int codes = 0;
  std::map<std::string, Person> agreed;  ///< by device code
  std::vector<credpool::Request> requests;

 private:
  static credpool::Response json(const nlohmann::json& body) { return {200, {}, body.dump()}; }
};

/// An accounts' interface over memory, whose clock, Stripe and GitHub a test holds in its hands.
class AccountWorld {
 public:
  using Json = nlohmann::ordered_json;
  static constexpr std::string_view password = "Demo1234!";

  /// @param change what this test wants to be different
  explicit AccountWorld(const std::function<void(credpool::AccountApiOptions&)>& change = {}) {
    credpool::AccountApiOptions options;
    options.store = &store;
    options.passwords = &passwords;
    options.payments = &payments;
    options.now = [this] { return clock.now(); };
    options.send = [this](const credpool::Request& request) {
      return request.url.starts_with("https://stripe.example") ? stripe.answer(request)
                                                               : github.answer(request);
    };
    options.grant_credits = true;
    stripe.now = [this] {
      const auto since = clock.now().time_since_epoch();
      return std::chrono::floor<std::chrono::seconds>(since).count();
    };
    if (change) change(options);
    store_in_use_ = options.store;
    api.emplace(std::move(options));
  }

  static void with_stripe(credpool::AccountApiOptions& options) {
    options.grant_credits = false;
    options.stripe = credpool::StripeSettings{
        "https://stripe.example", credpool::Secret{"sk_test_fake"}, credpool::Secret{"whsec_fake"},
        "https://app.example/done", "https://app.example/cancelled"};
  }
  static void with_github(credpool::AccountApiOptions& options) {
    options.github = credpool::GitHubSettings{"https://github.example",
                                              "https://api.github.example", "Iv1.fake"};
  }

  credpool::Response send(std::string_view method, std::string_view path_and_query,
                          std::string_view body = {}, std::string_view key = {},
                          const std::function<void(credpool::ApiRequest&)>& change = {}) {
    credpool::ApiRequest request;
    request.method = method;
    const auto mark = std::min(path_and_query.find('?'), path_and_query.size());
    request.path = path_and_query.substr(0, mark);
    if (mark < path_and_query.size()) request.query = path_and_query.substr(mark + 1);
    request.peer = "192.0.2.1";
    if (!key.empty()) request.authorization = "Bearer " + std::string{key};
    request.body = body;
    if (change) change(request);
    return api->handle(request);
  }

  /// The answer's data; fails the test when the status is another.
  Json data(const credpool::Response& answer, int status = 200) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    return Json::parse(answer.body).at("data");
  }
  Json get(std::string_view path, std::string_view key) { return data(send("GET", path, {}, key)); }

  /// The error's code; fails the test when the status is another.
  std::string error(const credpool::Response& answer, int status) {
    INFO(answer.body);
    REQUIRE(answer.status == status);
    const auto error = Json::parse(answer.body).at("error");
    CHECK_FALSE(error.at("message").get<std::string>().empty());
    return error.at("code");
  }

  static std::string credentials(std::string_view email, std::string_view secret = password) {
    return Json{{"email", email}, {"password", secret}}.dump();
  }
  /// Registers somebody.
  /// @return the management key
  std::string register_as(std::string_view email) {
    return data(send("POST", "/auth/register", credentials(email)), 201).at("management_key");
  }
  credpool::Account account(std::string_view email) {
    const auto found = store_in_use_->account_by_email(email);
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }

  /// Stripe's message about something, signed as it does.
  credpool::Response stripe_says(std::string_view type, const std::string& id) {
    const auto body = stripe.event(std::string{type}, id).dump();
    return send("POST", "/webhooks/stripe", body, {}, [&](credpool::ApiRequest& request) {
      request.stripe_signature = signature(body, clock.now());
    });
  }
  static std::string signature(const std::string& body, credpool::TimePoint when,
                               const std::string& secret = "whsec_fake") {
    const auto seconds =
        std::to_string(std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count());
    const auto text = seconds + "." + body;
    std::string mac(32, '\0');
    unsigned int size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(mac.data()), &size);
    return "t=" + seconds + ",v1=" + credpool::to_hex(mac) + ",v0=00";
  }

  credpool::ManualClock clock{credpool::TimePoint{credpool::Duration{1'795'262'400'000}}};
  credpool::MemoryAccountStore store;
  credpool::MemoryPaymentStore payments;
  credpool::SaltedDigestHasher passwords;
  PlayedStripe stripe;
  PlayedGitHub github;
  std::optional<credpool::AccountApi> api;

 private:
  credpool::AccountStore* store_in_use_ = nullptr;
};
