// SPDX-License-Identifier: MIT
#include "api.hpp"

#include "fault.hpp"
#include "redaction.hpp"
#include "spinner.hpp"

#include <credpool/account/keys.hpp>

#include <optional>

namespace openclaw_token {

namespace cp = credpool;

namespace {

constexpr const char* log_in_again = "Run: openclaw-token auth login";

/// What to do about the server's code.
std::string hint_for(std::string_view code, std::string_view otherwise) {
  if (code == "KEY_NOT_FOUND") return "Check the key hash with: openclaw-token keys list";
  if (code == "EMAIL_EXISTS")
    return std::string{"This email is already registered. "} + log_in_again;
  if (code == "INVALID_CREDENTIALS") return "Check your email and password.";
  return std::string{otherwise};
}

/// The error that an answer is, in the words that scripts know.
cp::Error refusal(int status, const std::string& code, const std::string& message,
                  const cp::Response& response) {
  const auto said = [&](std::string_view otherwise) {
    return message.empty() ? std::string{otherwise} : message;
  };
  cp::Error error{Fault::refused, {}, code, {}};
  error.http_status = status;
  if (status == 401 && code == "INVALID_CREDENTIALS") {
    error.doing = said("Invalid email or password");
    error.hint = hint_for(code, {});
  } else if (status == 401) {
    error.doing = "Session expired or token is invalid.";
    error.hint = log_in_again;
  } else if (status == 402 && code == "PAYMENT_FAILED") {
    error.doing = "Payment failed.";
    error.hint = "Check your payment method and try again.";
  } else if (status == 402) {
    error.doing = "Insufficient credits." + (message.empty() ? "" : " " + message);
    error.hint = "Run: openclaw-token credits buy --amount <USD>";
  } else if (status == 404) {
    error.doing = said("Resource not found");
    error.hint = hint_for(code, "Verify the resource exists.");
  } else if (status == 409) {
    error.doing = "Resource conflict" + (message.empty() ? "" : ": " + message);
    error.hint = hint_for(code, {});
  } else if (status == 410) {
    error.doing = "This key has already been revoked.";
  } else if (status == 429) {
    const auto after = response.header("Retry-After");
    error.doing = "Rate limited. Too many requests.";
    error.hint = after ? "Try again in " + std::string{*after} + " s."
                       : std::string{"Wait a moment and try again."};
  } else if (status >= 500) {
    error.doing = "Server error (" + std::to_string(status) + ").";
    error.hint = "The server is experiencing issues. Try again later.";
  } else if (status == 400 || status == 422) {
    error.doing = said("Invalid request");
    error.hint = hint_for(code, "Check your input and try again.");
  } else {
    error.doing = said("The server refused (" + std::to_string(status) + ").");
    error.hint = hint_for(code, {});
  }
  error.doing = without_keys(error.doing);
  return error;
}

std::string text_of(const Json& object, const char* member) {
  if (!object.is_object()) return {};
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

cp::Result<Json> understood(const cp::Response& response) {
  auto json = Json::parse(response.body, nullptr, false);
  if (response.status >= 200 && response.status < 300) {
    if (json.is_object())
      if (auto data = json.find("data"); data != json.end()) json = Json(std::move(*data));
    if (json.is_object()) return json;
    return fault(Fault::not_understood, "The server's answer is not understood.",
                 "Check api_base: openclaw-token config get api_base");
  }
  // {"error":{"code","message"}}, or flat, as RFC 6749 has it: {"error","error_description"}.
  std::string code, message;
  if (json.is_object()) {
    code = text_of(json, "error");
    message = text_of(json, "error_description");
    if (const auto error = json.find("error"); error != json.end() && error->is_object()) {
      code = text_of(*error, "code");
      message = text_of(*error, "message");
    }
  }
  return cp::fail(refusal(response.status, code, message, response));
}

}  // namespace

ApiCall post(std::string path, const Json& body, bool once) {
  ApiCall call;
  call.method = "POST";
  call.path = std::move(path);
  call.body = body.dump();
  // Without random bytes there is no such key: then it is not asked a second time.
  if (once) call.idempotency_key = cp::new_uuid().value_or("");
  call.repeatable = !call.idempotency_key.empty();
  return call;
}

std::string url_part(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        std::string_view{"-._~"}.find(c) != std::string_view::npos)
      safe += c;
    else
      safe += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return safe;
}

std::string_view code_of(const cp::Error& error) noexcept {
  return error.code == make_error_code(Fault::refused) ? std::string_view{error.place}
                                                       : std::string_view{};
}

cp::Result<Api> Api::open(Session& session, Needs needs) {
  auto profiles = ProfileDirectory::open(session);
  if (!profiles) return cp::fail(profiles.error());
  // The made-up server first: a new one logs its profile in.
  std::unique_ptr<Channel> channel;
  if (session.options().mock) {
    auto mock = mock_channel(session, *profiles);
    if (!mock) return cp::fail(mock.error());
    channel = std::move(*mock);
  }
  auto effective = profiles->effective();
  if (!effective) return cp::fail(effective.error());
  if (needs == Needs::login && effective->management_key.empty())
    return fault(Fault::not_logged_in, "Not logged in. Run: openclaw-token auth login");
  if (!channel) channel = network_channel(session, effective->api_base.value);
  return Api{session, std::move(*profiles), std::move(*effective), std::move(channel)};
}

cp::Result<Json> Api::get(const std::string& path, const std::string& doing) {
  ApiCall call;
  call.path = path;
  return this->call(std::move(call), doing);
}

cp::Result<Json> Api::call(ApiCall call, const std::string& doing) {
  if (call.token.empty()) call.token = effective_.management_key;
  return anonymous(std::move(call), doing);
}

cp::Result<Json> Api::anonymous(ApiCall call, const std::string& doing) {
  session_->trace("[verbose] \xe2\x86\x92 " + call.method + " " + call.path +
                  (call.token.empty() ? "" : " (auth: ****)"));
  auto response = [&] {
    std::optional<credpool_cli::Spinner> spinner;
    if (!session_->options().verbose) spinner.emplace(session_->err(), doing);
    return channel_->send(call);
  }();
  if (!response) return cp::fail(response.error());
  session_->trace("[verbose] \xe2\x86\x90 " + std::to_string(response->status));
  return understood(*response);
}

std::vector<std::string> Api::models(const cp::Secret& provisioned_key) {
  ApiCall call;
  call.path = effective_.api_base.value.ends_with("/v1") ? "/models" : "/v1/models";
  call.token = provisioned_key;
  call.patient = false;
  std::vector<std::string> ids;
  const auto response = channel_->send(call);
  if (!response || response->status != 200) return ids;
  const auto json = Json::parse(response->body, nullptr, false);
  if (!json.is_object() || !json.contains("data") || !json["data"].is_array()) return ids;
  for (const auto& model : json["data"])
    if (auto id = text_of(model, "id"); !id.empty()) ids.push_back(std::move(id));
  return ids;
}

}  // namespace openclaw_token
