#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/stripe.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/impl/core/form.hpp>
#include <credpool/impl/core/json.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

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

/// A checkout session or a payment intent, told apart by its id.
inline StripePayment stripe_payment(const Json& object) {
  StripePayment payment;
  payment.reference = stripe_word(object, "id");
  payment.currency = stripe_word(object, "currency");
  payment.customer = stripe_word(object, "customer");
  payment.payment_method = stripe_word(object, "payment_method");
  const auto status = text_or_empty(object, "status");
  const bool session = payment.reference.starts_with("cs_");
  const auto* cents = member(object, session ? "amount_total" : "amount_received");
  if (cents != nullptr && cents->is_number_unsigned())
    if (const auto value = cents->get<std::uint64_t>(); value <= 100'000'000)
      payment.cents = static_cast<std::int64_t>(value);
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

CREDPOOL_INLINE Result<StripePayment> Stripe::call(std::string method, std::string path,
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
  const auto answer = send_(request);
  if (!answer) return fail(answer.error());
  const auto json = detail::parse_json(answer->body);
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
  if (!json || !json->is_object())
    return fail(Errc::overloaded, doing, {}, "its answer is no JSON");
  auto payment = detail::stripe_payment(*json);
  if (!detail::is_stripe_id(payment.reference))
    return fail(Errc::overloaded, doing, {}, "its answer has no id");
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
  return event;
}

}  // namespace credpool::inline CREDPOOL_ABI
