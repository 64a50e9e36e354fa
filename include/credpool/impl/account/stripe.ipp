#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/stripe.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/impl/core/form.hpp>
#include <credpool/impl/core/json.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// HMAC-SHA256 (RFC 2104); empty when it could not be made.
inline std::string stripe_mac(const Secret& secret, std::string_view text) {
  std::string mac(32, '\0');
  unsigned int size = 0;
  const auto key = secret.reveal();
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(mac.data()), &size);
  return made != nullptr && size == mac.size() ? mac : std::string{};
}

/// Text of an id or word of Stripe; empty when it is missing, null, an object or over-long.
inline std::string stripe_word(const Json& object, std::string_view name) {
  const auto text = text_or_empty(object, name);
  return text.size() <= 500 ? std::string{text} : std::string{};
}

/// 0 for what is no sensible number of cents.
inline std::int64_t stripe_cents(const Json& object, std::string_view name) {
  const auto* cents = member(object, name);
  if (cents == nullptr || !cents->is_number_unsigned()) return 0;
  const auto value = cents->get<std::uint64_t>();
  return value <= 100'000'000 ? static_cast<std::int64_t>(value) : 0;
}

inline Result<Json> stripe_object(std::string_view body) {
  auto json = parse_json(body);
  if (!json || !json->is_object())
    return fail(Errc::overloaded, "asking Stripe", {}, "its answer is no JSON");
  return std::move(*json);
}

/// With an array of objects as "data".
inline Result<Json> stripe_list(std::string_view body) {
  auto json = stripe_object(body);
  if (!json) return json;
  const auto* data = member(*json, "data");
  if (data == nullptr || !data->is_array() ||
      !std::all_of(data->begin(), data->end(), [](const Json& item) { return item.is_object(); }))
    return fail(Errc::overloaded, "asking Stripe", {}, "its answer is no list");
  return json;
}

inline bool stripe_has_more(const Json& list) {
  const auto* more = member(list, "has_more");
  return more != nullptr && more->is_boolean() && more->get<bool>();
}

inline Unexpected stripe_without_id() {
  return fail(Errc::overloaded, "asking Stripe", {}, "its answer has no id");
}

/// A checkout session or a payment intent, told apart by its id.
inline StripePayment stripe_payment(const Json& object) {
  StripePayment payment;
  payment.reference = stripe_word(object, "id");
  payment.currency = stripe_word(object, "currency");
  payment.customer = stripe_word(object, "customer");
  payment.payment_method = stripe_word(object, "payment_method");
  const auto status = text_or_empty(object, "status");
  const bool session = payment.reference.starts_with("cs_");
  payment.cents = stripe_cents(object, session ? "amount_total" : "amount_received");
  if (session) {
    payment.url = text_or_empty(object, "url");
    payment.payment_intent = stripe_word(object, "payment_intent");
    payment.paid = text_or_empty(object, "payment_status") == "paid";
    payment.ended = !payment.paid && status == "expired";
  } else {
    payment.paid = status == "succeeded";
    payment.ended =
        status == "canceled" || status == "requires_payment_method" || status == "requires_action";
  }
  return payment;
}

/// Only what can stand in a path: an id comes from Stripe, but through a database.
inline bool is_stripe_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 255 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace detail

CREDPOOL_INLINE Result<void> check_stripe_signature(std::string_view header, std::string_view body,
                                                    const Secret& secret, TimePoint now,
                                                    Duration tolerance) {
  const auto doing = "checking a webhook's signature";
  if (secret.empty()) return fail(Errc::unauthorized, doing, {}, "there is no webhook secret");
  if (header.size() > 4096) return fail(Errc::malformed, doing, {}, "the header is too long");
  std::string_view time_text;
  for (auto rest = header; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    const auto item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!item.starts_with("t=")) continue;
    if (!time_text.empty()) return fail(Errc::malformed, doing, {}, "it has two times");
    time_text = item.substr(2);
  }
  std::int64_t seconds = 0;
  const auto [stop, error] =
      std::from_chars(time_text.data(), time_text.data() + time_text.size(), seconds);
  if (time_text.empty() || error != std::errc{} || stop != time_text.data() + time_text.size() ||
      seconds < 0 || seconds > 253'402'300'799)
    return fail(Errc::malformed, doing, {}, "it has no time");

  const auto wanted = detail::stripe_mac(secret, std::string{time_text} + '.' + std::string{body});
  bool genuine = false;
  for (auto rest = header; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    const auto item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!item.starts_with("v1=")) continue;
    const auto given = decode_hex(item.substr(3));
    if (given && !wanted.empty() && equal_in_constant_time(*given, wanted)) genuine = true;
  }
  if (!genuine) return fail(Errc::unauthorized, doing, {}, "no signature is the right one");
  const TimePoint signed_at{std::chrono::seconds{seconds}};
  if (signed_at < now - tolerance || signed_at > now + tolerance)
    return fail(Errc::unauthorized, doing, {}, "it was signed at another time");
  return {};
}

CREDPOOL_INLINE Result<std::string> Stripe::ask(std::string method, std::string path,
                                                std::string form,
                                                std::string_view idempotency_key) const {
  const auto doing = "asking Stripe";
  Request request;
  request.method = std::move(method);
  request.url = settings_.api_base + path;
  request.secret_headers.push_back({"Authorization", "Bearer ", settings_.secret_key});
  if (!form.empty())
    request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  if (!idempotency_key.empty())
    request.headers.push_back({"Idempotency-Key", std::string{idempotency_key}});
  request.body = std::move(form);
  auto answer = send_(request);
  if (!answer) return fail(answer.error());
  if (answer->status == 404) return fail(Errc::not_found, doing);
  // A refusal: a declined card, a wrong parameter. 409 and 429 are for another try, and a key that
  // is wrong (401, 403) is the operator's to mend: neither says anything about the payment.
  if (answer->status == 400 || answer->status == 402)
    return fail(Errc::forbidden, doing, {}, "it refused the payment");
  if (answer->status < 200 || answer->status > 299) {
    Error error{make_error_code(Errc::overloaded), doing, {}, "it did not answer as agreed"};
    error.http_status = answer->status;
    return fail(std::move(error));
  }
  return std::move(answer->body);
}

CREDPOOL_INLINE Result<StripePayment> Stripe::call(std::string method, std::string path,
                                                   std::string form,
                                                   std::string_view idempotency_key) const {
  const auto body = ask(std::move(method), std::move(path), std::move(form), idempotency_key);
  if (!body) return fail(body.error());
  const auto json = detail::stripe_object(*body);
  if (!json) return fail(json.error());
  auto payment = detail::stripe_payment(*json);
  if (!detail::is_stripe_id(payment.reference)) return detail::stripe_without_id();
  return payment;
}

CREDPOOL_INLINE Result<StripePayment> Stripe::begin_checkout(const Payment& payment,
                                                             std::string_view email) const {
  detail::FormParameters form{
      {"mode", "payment"},
      {"success_url", settings_.success_url},
      {"cancel_url", settings_.cancel_url},
      {"client_reference_id", payment.id},
      {"customer_email", std::string{email}},
      {"line_items[0][quantity]", "1"},
      {"line_items[0][price_data][currency]", "usd"},
      {"line_items[0][price_data][unit_amount]", std::to_string(payment.charge_cents)},
      {"line_items[0][price_data][product_data][name]",
       money_text(payment.credits) + " of credits, and the platform's fee"},
  };
  if (payment.save_method) {
    form.emplace_back("customer_creation", "always");
    form.emplace_back("payment_intent_data[setup_future_usage]", "off_session");
  }
  return call("POST", "/v1/checkout/sessions", detail::form_text(form), payment.id);
}

CREDPOOL_INLINE Result<StripePayment> Stripe::checkout(std::string_view session) const {
  if (!detail::is_stripe_id(session)) return fail(Errc::not_found, "asking Stripe");
  return call("GET", "/v1/checkout/sessions/" + std::string{session}, {}, {});
}

CREDPOOL_INLINE Result<StripePayment> Stripe::charge(const Payment& payment,
                                                     const PaymentMethod& method) const {
  const detail::FormParameters form{
      {"amount", std::to_string(payment.charge_cents)},
      {"currency", "usd"},
      {"customer", method.customer},
      {"payment_method", method.method},
      {"off_session", "true"},
      {"confirm", "true"},
      {"metadata[payment]", payment.id},
  };
  return call("POST", "/v1/payment_intents", detail::form_text(form), payment.id);
}

CREDPOOL_INLINE Result<StripePayment> Stripe::payment_intent(std::string_view id) const {
  if (!detail::is_stripe_id(id)) return fail(Errc::not_found, "asking Stripe");
  return call("GET", "/v1/payment_intents/" + std::string{id}, {}, {});
}

CREDPOOL_INLINE Result<std::optional<StripePayment>> Stripe::checkout_of(
    std::string_view payment_intent) const {
  using Found = std::optional<StripePayment>;
  if (!detail::is_stripe_id(payment_intent)) return Found{};
  const auto body = ask(
      "GET", "/v1/checkout/sessions?limit=1&payment_intent=" + std::string{payment_intent}, {}, {});
  if (!body) return fail(body.error());
  const auto list = detail::stripe_list(*body);
  if (!list) return fail(list.error());
  const auto& sessions = list->at("data");
  if (sessions.empty()) return Found{};
  auto session = detail::stripe_payment(sessions.front());
  if (!detail::is_stripe_id(session.reference)) return detail::stripe_without_id();
  return Found{std::move(session)};
}

CREDPOOL_INLINE Result<std::vector<StripeRefund>> Stripe::refunds(
    std::string_view payment_intent) const {
  constexpr std::size_t most = 1'000;
  std::vector<StripeRefund> refunds;
  if (!detail::is_stripe_id(payment_intent)) return refunds;
  while (refunds.size() < most) {
    auto path = "/v1/refunds?limit=100&payment_intent=" + std::string{payment_intent};
    if (!refunds.empty()) path += "&starting_after=" + refunds.back().id;
    const auto body = ask("GET", std::move(path), {}, {});
    if (!body) return fail(body.error());
    const auto list = detail::stripe_list(*body);
    if (!list) return fail(list.error());
    const auto& items = list->at("data");
    for (const auto& item : items) {
      StripeRefund refund;
      refund.id = detail::stripe_word(item, "id");
      if (!detail::is_stripe_id(refund.id)) return detail::stripe_without_id();
      refund.cents = detail::stripe_cents(item, "amount");
      refund.currency = detail::stripe_word(item, "currency");
      const auto status = detail::text_or_empty(item, "status");
      refund.paid = status == "succeeded";
      refund.failed = status == "failed";
      refunds.push_back(std::move(refund));
    }
    if (items.empty() || !detail::stripe_has_more(*list)) break;
  }
  return refunds;
}

CREDPOOL_INLINE Result<StripeDispute> Stripe::dispute(std::string_view id) const {
  if (!detail::is_stripe_id(id)) return fail(Errc::not_found, "asking Stripe");
  const auto body = ask("GET", "/v1/disputes/" + std::string{id}, {}, {});
  if (!body) return fail(body.error());
  const auto json = detail::stripe_object(*body);
  if (!json) return fail(json.error());
  StripeDispute dispute;
  dispute.id = detail::stripe_word(*json, "id");
  if (!detail::is_stripe_id(dispute.id)) return detail::stripe_without_id();
  dispute.payment_intent = detail::stripe_word(*json, "payment_intent");
  dispute.cents = detail::stripe_cents(*json, "amount");
  dispute.currency = detail::stripe_word(*json, "currency");
  const auto status = detail::text_or_empty(*json, "status");
  dispute.inquiry = status.starts_with("warning_") || status == "prevented";
  dispute.won = status == "won";
  return dispute;
}

CREDPOOL_INLINE Result<StripeTakings> Stripe::takings(StripeTaking kind, TimePoint since,
                                                      std::string_view after) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since.time_since_epoch()).count();
  auto path = std::string{kind == StripeTaking::refund ? "/v1/refunds" : "/v1/disputes"} +
              "?limit=100&created%5Bgte%5D=" + std::to_string(std::max<std::int64_t>(seconds, 0));
  if (!after.empty()) path += "&starting_after=" + std::string{after};
  const auto body = ask("GET", std::move(path), {}, {});
  if (!body) return fail(body.error());
  const auto list = detail::stripe_list(*body);
  if (!list) return fail(list.error());
  StripeTakings takings;
  for (const auto& item : list->at("data")) {
    takings.items.push_back({detail::stripe_word(item, "id"),
                             detail::stripe_word(item, "payment_intent"),
                             detail::stripe_word(item, "status")});
    if (!detail::is_stripe_id(takings.items.back().id)) return detail::stripe_without_id();
  }
  takings.more = !takings.items.empty() && detail::stripe_has_more(*list);
  return takings;
}

CREDPOOL_INLINE Result<StripeEvent> read_stripe_event(std::string_view body) {
  const auto json = detail::parse_json(body);
  if (!json) return fail(json.error());
  StripeEvent event;
  event.type = detail::text_or_empty(*json, "type");
  const auto* data = detail::member(*json, "data");
  const auto* object = data == nullptr ? nullptr : detail::member(*data, "object");
  if (event.type.empty() || object == nullptr || !object->is_object())
    return fail(Errc::malformed, "reading a webhook's event");
  event.payment = detail::stripe_payment(*object);
  event.object_id = detail::stripe_word(*object, "id");
  event.payment_intent = detail::stripe_word(*object, "payment_intent");
  return event;
}

}  // namespace credpool::inline CREDPOOL_ABI
