// SPDX-License-Identifier: MIT
#include "demo_provider.hpp"

#include <httplib.h>
#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT)
#error "cpp-httplib must come with its pkg-config flags: its class layouts depend on them"
#endif

namespace credpool_cli {

namespace cp = credpool;
using Json = nlohmann::ordered_json;

namespace {

struct Answer {
  int status;
  Json body;
  int retry_after_seconds = 0;
};

std::string token_of(const httplib::Request& request) {
  for (const auto* name : {"Authorization", "x-api-key", "x-goog-api-key"}) {
    auto value = request.get_header_value(name);
    if (value.empty()) continue;
    for (const std::string prefix : {"Bearer ", "token "})
      if (value.rfind(prefix, 0) == 0) return value.substr(prefix.size());
    return value;
  }
  return {};
}

bool mentions(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

/// What the provider answers when it takes the token.
Json welcome(const std::string& path) {
  using namespace std::chrono;
  const auto in_two_hours =
      duration_cast<seconds>(system_clock::now().time_since_epoch()).count() + 7200;
  if (mentions(path, "/usages"))
    return {{"usage",
             {{"limit", "1024"},
              {"used", "214"},
              {"remaining", "810"},
              {"name", "weekly"},
              {"resetTime", "2100-01-01T00:00:00Z"}}},
            {"limits",
             {{{"window", {{"duration", 300}, {"timeUnit", "TIME_UNIT_MINUTE"}}},
               {"detail",
                {{"limit", "200"},
                 {"used", "37"},
                 {"remaining", "163"},
                 {"resetTime", "2100-01-01T00:00:00Z"}}}}}}};
  if (mentions(path, "wham/usage"))
    return {{"plan_type", "plus"},
            {"rate_limit",
             {{"primary_window",
               {{"used_percent", 41}, {"limit_window_seconds", 18000}, {"reset_at", in_two_hours}}},
              {"secondary_window",
               {{"used_percent", 12},
                {"limit_window_seconds", 604800},
                {"reset_at", in_two_hours + 400000}}}}}};
  if (mentions(path, "oauth/usage"))
    return {{"five_hour", {{"utilization", 23.0}, {"resets_at", "2100-01-01T00:00:00Z"}}},
            {"seven_day", {{"utilization", 61.0}, {"resets_at", "2100-01-01T00:00:00Z"}}}};
  if (mentions(path, "tokeninfo")) return {{"expires_in", 3000}, {"scope", "cloud-platform"}};
  if (mentions(path, "loadCodeAssist")) return {{"currentTier", {{"id", "standard-tier"}}}};
  if (mentions(path, "/models"))
    return {{"object", "list"}, {"data", {{{"id", "demo-model"}, {"object", "model"}}}}};
  return {{"login", "ada"}, {"ok", true}};
}

Answer answer_to(const httplib::Request& request) {
  const auto token = token_of(request);
  const bool google = mentions(request.path, "/gemini/");
  if (mentions(token, "notier") && mentions(request.path, "loadCodeAssist"))
    return {200, {{"ineligibleTiers", {{{"reasonCode", "UNSUPPORTED_CLIENT"}}}}}};
  if (mentions(token, "limited"))
    return {429,
            {{"error",
              {{"message", "You exceeded your current quota"},
               {"type", "insufficient_quota"},
               {"code", "insufficient_quota"}}}},
            3600};
  if (mentions(token, "noseat")) return {403, {{"message", "no Copilot seat"}}};
  const bool taken = mentions(token, "valid") || mentions(token, "notier") || mentions(token, ".");
  if (taken && !mentions(token, "revoked")) return {200, welcome(request.path)};
  if (google)
    return {400,
            {{"error",
              {{"code", 400},
               {"status", "INVALID_ARGUMENT"},
               {"details", {{{"reason", "API_KEY_INVALID"}}}}}}}};
  return {401,
          {{"error",
            {{"message", "Incorrect API key provided"},
             {"type", "invalid_request_error"},
             {"code", "invalid_api_key"}}}}};
}

/// A chat answer, whole or as the stream of its words.
void answer_chat(const httplib::Request& request, httplib::Response& response) {
  const auto asked = Json::parse(request.body, nullptr, false);
  if (!asked.is_object() || !asked.contains("messages")) {
    response.status = 400;
    response.set_content(R"({"error":{"message":"no messages","type":"invalid_request_error"}})",
                         "application/json");
    return;
  }
  static const std::array<std::string, 4> words{"Hello", " from", " the demo", " provider."};
  const Json head{{"id", "chatcmpl-demo"}, {"created", 1767225600}, {"model", "demo-model"}};
  const Json usage{{"prompt_tokens", 9}, {"completion_tokens", 4}, {"total_tokens", 13}};
  if (!asked.contains("stream") || asked["stream"] != true) {
    auto body = head;
    body["object"] = "chat.completion";
    body["choices"] = {
        {{"index", 0},
         {"message",
          {{"role", "assistant"}, {"content", words[0] + words[1] + words[2] + words[3]}}},
         {"finish_reason", "stop"}}};
    body["usage"] = usage;
    response.set_content(body.dump(), "application/json");
    return;
  }
  response.set_header("Cache-Control", "no-cache");
  response.set_chunked_content_provider(
      "text/event-stream",
      [head, usage, next = std::size_t{0}](std::size_t, httplib::DataSink& sink) mutable {
        const bool last = next == words.size();
        auto event = head;
        event["object"] = "chat.completion.chunk";
        event["choices"] = {{{"index", 0},
                             {"delta", last ? Json::object() : Json{{"content", words[next]}}},
                             {"finish_reason", last ? Json("stop") : Json(nullptr)}}};
        if (last) event["usage"] = usage;
        const auto text = "data: " + event.dump() + "\n\n" + (last ? "data: [DONE]\n\n" : "");
        if (!sink.write(text.data(), text.size())) return false;
        if (last) sink.done();
        ++next;
        std::this_thread::sleep_for(std::chrono::milliseconds{last ? 0 : 60});
        return true;
      });
}

/// The token endpoint of Kimi: a refresh token is good for one use, as at the real one.
class DemoTokens {
 public:
  Answer exchange(const httplib::Request& request) {
    const auto spent = request.get_param_value("refresh_token");
    const std::lock_guard lock{mutex_};
    if (request.get_param_value("grant_type") != "refresh_token" ||
        !mentions(spent, "demo-kimi-") || !spent_.insert(spent).second)
      return {401, {{"error", "invalid_grant"}, {"error_description", "the token was spent"}}};
    const auto name = "demo-kimi-valid-" + std::to_string(spent_.size());
    return {200,
            {{"access_token", name + "-access"},
             {"refresh_token", name + "-refresh"},
             {"token_type", "Bearer"},
             {"scope", "kimi-code"},
             {"expires_in", 900}}};
  }

 private:
  std::mutex mutex_;
  std::set<std::string> spent_;
};

}  // namespace

struct DemoProvider::Server {
  DemoTokens tokens;
  httplib::Server http;
  std::thread thread;
  int port = 0;
  std::atomic<int> requests{0};

  Server() {
    http.set_tcp_nodelay(true);  // else an answer's body waits 40 ms for its head to be confirmed
    const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
      ++requests;
      const auto answer = mentions(request.path, "/api/oauth/token") ? tokens.exchange(request)
                                                                     : answer_to(request);
      if (answer.status == 200 && request.path.ends_with("/chat/completions"))
        return answer_chat(request, response);
      response.status = answer.status;
      if (answer.retry_after_seconds > 0)
        response.set_header("Retry-After", std::to_string(answer.retry_after_seconds));
      response.set_content(answer.body.dump(), "application/json");
    };
    http.Get(".*", handle);
    http.Post(".*", handle);
  }
  ~Server() {
    http.stop();
    if (thread.joinable()) thread.join();
  }
};

cp::Result<DemoProvider> DemoProvider::start() {
  auto server = std::make_unique<Server>();
  server->port = server->http.bind_to_any_port("127.0.0.1");
  if (server->port <= 0)
    return cp::fail(cp::Errc::network, "starting the local provider", "127.0.0.1");
  server->thread = std::thread{[raw = server.get()] { raw->http.listen_after_bind(); }};
  // Connections queue from here on; stop() however only works once the loop runs.
  while (!server->http.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return DemoProvider{std::move(server)};
}

DemoProvider::DemoProvider(std::unique_ptr<Server> server) noexcept : server_{std::move(server)} {}
DemoProvider::DemoProvider(DemoProvider&&) noexcept = default;
DemoProvider& DemoProvider::operator=(DemoProvider&&) noexcept = default;
DemoProvider::~DemoProvider() = default;

std::string DemoProvider::url() const {
  return "http://127.0.0.1:" + std::to_string(server_->port);
}

int DemoProvider::requests() const noexcept {
  return server_->requests;
}

}  // namespace credpool_cli
