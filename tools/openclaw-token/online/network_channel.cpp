// SPDX-License-Identifier: MIT
#include "../channel.hpp"

#include "../fault.hpp"

#include <credpool/transport/httplib.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <random>
#include <thread>

namespace openclaw_token {

namespace cp = credpool;

namespace {

using std::chrono::milliseconds;

constexpr std::array pauses{milliseconds{500}, milliseconds{1'000}, milliseconds{2'000}};
constexpr milliseconds longest_wish{60'000};  // of a server that wants us to come back later

/// What is left of a Retry-After in seconds; a date is passed over.
milliseconds wished_pause(const cp::Response& response) {
  const auto text = response.header("Retry-After");
  unsigned seconds = 0;
  if (!text) return milliseconds{0};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc{} || end != text->data() + text->size()) return milliseconds{0};
  return std::chrono::seconds{std::min(seconds, 86'400U)};
}

class NetworkChannel final : public Channel {
 public:
  NetworkChannel(const Session& session, std::string api_base, cp::HttplibOptions options)
      : session_{&session}, base_{std::move(api_base)}, transport_{std::move(options)} {}

  cp::Result<cp::Response> send(const ApiCall& call) override {
    bool lost_one = false;  // an attempt may have been acted upon
    for (std::size_t attempt = 0;; ++attempt) {
      bool reached = false;  // the server has the request, or part of it
      auto response = once(call, reached);
      const bool last = !call.patient || attempt == pauses.size();
      auto pause = last ? milliseconds{0} : jittered(pauses[attempt]);
      bool again = false;
      if (!response) {
        const bool hopeless = response.error().code != cp::Errc::network &&
                              response.error().code != cp::Errc::timeout;
        if (hopeless) return explained(response.error(), lost_one);
        lost_one = lost_one || reached || (call.body.empty() && call.method != "GET");
        again = call.repeatable || !reached;
      } else if (response->status == 429 || response->status == 503) {
        // Refused, and so not acted upon; a 503 of a gateway may have been.
        const auto wish = wished_pause(*response);
        pause = std::max(pause, wish);
        again = wish <= longest_wish && (response->status == 429 || call.repeatable);
      } else if (response->status >= 500) {
        again = call.repeatable;
      }
      if (!again || last) {
        if (!response) return explained(response.error(), lost_one);
        // Our own first attempt, it may be, at a server that does not know idempotency keys.
        if (lost_one && response->status == 409)
          return fault(Fault::lost, "An answer was lost, and the second attempt met a conflict.");
        return response;
      }
      session_->trace("Retry " + std::to_string(attempt + 1) + "/" + std::to_string(pauses.size()) +
                      " in " + std::to_string(pause.count()) + "ms...");
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  cp::Result<cp::Response> once(const ApiCall& call, bool& reached) {
    cp::Request request;
    request.method = call.method;
    request.url = base_ + call.path;
    request.timeout = call.patient ? milliseconds{15'000} : milliseconds{5'000};
    request.connect_timeout = request.timeout;
    request.max_answer_bytes = 16 << 20;
    request.headers = {{"Accept", "application/json"}};
    request.body = call.body;
    if (!call.body.empty()) {
      request.headers.push_back({"Content-Type", "application/json"});
      request.before_body = [&reached]() -> cp::Result<void> {
        reached = true;
        return {};
      };
    }
    if (!call.idempotency_key.empty())
      request.headers.push_back({"Idempotency-Key", call.idempotency_key});
    if (!call.token.empty())
      request.secret_headers.push_back({"Authorization", "Bearer ", call.token});
    return transport_.send(request);
  }

  /// So that many who were turned away at once do not come back at once.
  milliseconds jittered(milliseconds pause) {
    std::uniform_int_distribution<long> spread{0, pause.count() / 4};
    return pause + milliseconds{spread(random_)};
  }

  cp::Result<cp::Response> explained(const cp::Error& error, bool lost_one) const {
    const auto kind = lost_one ? Fault::lost : Fault::unreachable;
    if (error.code == cp::Errc::timeout)
      return fault(kind, "Request timed out after 15 seconds.",
                   "The server may be overloaded. Try again later.");
    if (error.code == cp::Errc::network)
      return fault(kind, "Cannot reach API server.",
                   "Check your network connection or try again later. (" + error.message() + ")");
    if (error.code == cp::Errc::configuration && base_.starts_with("http://") &&
        !session_->options().insecure_http)
      return mistake(
          "Plain http to another machine is refused: everybody between could read the "
          "key.",
          "Use https, or give --insecure-http.");
    return cp::fail(error);
  }

  const Session* session_;
  std::string base_;
  cp::HttplibTransport transport_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace

std::unique_ptr<Channel> network_channel(Session& session, const std::string& api_base) {
  auto options = cp::HttplibOptions::from(session.environment());
  options.user_agent = "openclaw-token/0.8.1 credpool/" CREDPOOL_VERSION_STRING;
  options.allow_plain_http = session.options().insecure_http;
  return std::make_unique<NetworkChannel>(session, api_base, std::move(options));
}

}  // namespace openclaw_token
