// SPDX-License-Identifier: MIT
#include "gateway_site.hpp"

#include "presentation.hpp"

#include <credpool/core/clock.hpp>
#include <credpool/core/iso8601.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

using cp::GatewayDoor;
using cp::Scope;

constexpr std::size_t most_body_bytes = 1 << 20;
constexpr std::size_t most_code_bytes = 4 << 10;
constexpr int most_calls = 64;  // at once; the server's threads for what blocks are shared

constexpr cp::GatewayRoute rpc{"/rpc", "POST", GatewayDoor::inside, {}, true};
constexpr cp::GatewayRoute events{"/events", "GET", GatewayDoor::inside, Scope::read};
constexpr cp::GatewayRoute openrpc{"/openrpc.json", "GET HEAD", GatewayDoor::inside, Scope::read};
constexpr cp::GatewayRoute metrics{"/metrics", "GET HEAD", GatewayDoor::inside, Scope::read};
constexpr cp::GatewayRoute healthz{"/healthz", "GET HEAD", GatewayDoor::open};
constexpr cp::GatewayRoute readyz{"/readyz", "GET HEAD", GatewayDoor::open};
constexpr cp::GatewayRoute enter{"/ui/session", "POST DELETE", GatewayDoor::entrance, {}, true};
constexpr cp::GatewayRoute leave{"/ui/session", "DELETE", GatewayDoor::inside};
constexpr cp::GatewayRoute pages{"/ui/", "GET HEAD", GatewayDoor::page};
constexpr cp::GatewayRoute to_pages{"/ui", "GET HEAD", GatewayDoor::page};
constexpr cp::GatewayRoute front{"/", "GET HEAD", GatewayDoor::page};

cp::Answer json_answer(const Json& document) {
  cp::Answer answer;
  answer.headers.emplace_back("content-type", "application/json");
  answer.body = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  cp::add_security_headers(answer);
  return answer;
}

cp::Answer text_answer(std::string_view type, std::string text) {
  cp::Answer answer;
  answer.headers.emplace_back("content-type", type);
  answer.body = std::move(text);
  cp::add_security_headers(answer);
  return answer;
}

cp::Answer redirect_to_pages() {
  cp::Answer answer;
  answer.status = 302;
  answer.headers.emplace_back("location", "/ui/");
  cp::add_security_headers(answer);
  return answer;
}

cp::Answer no_such_path() {
  return cp::gateway_error(404, "NOT_FOUND", "there is no such path");
}

bool wants_page(const cp::RequestHead& head) {
  return (head.method == "GET" || head.method == "HEAD") &&
         head.header("accept").value_or("").find("text/html") != std::string_view::npos;
}

/// The code in {"code": "..."}; empty when the body is anything else.
std::string code_in(std::string_view body) {
  const auto document = Json::parse(body, nullptr, false);
  if (!document.is_object() || document.size() != 1) return {};
  const auto found = document.find("code");
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool says_more_than(const cp::RequestHead& head, std::size_t most) {
  const auto length = head.header("content-length");
  if (!length) return false;
  std::uint64_t bytes = 0;
  const auto* const end = length->data() + length->size();
  const auto [last, error] = std::from_chars(length->data(), end, bytes);
  return error != std::errc{} || last != end || bytes > most;
}

std::int64_t steady_seconds() {
  return std::chrono::floor<std::chrono::seconds>(cp::SystemClock{}.steady()).count();
}

cp::Answer too_large() {
  return cp::gateway_error(413, "PAYLOAD_TOO_LARGE", "a request has at most 1 MiB, a code 4 KiB");
}

void tell(const SiteParts& parts, const cp::GatewayRoute* route, cp::AccessRecord record) {
  const bool asked_all_the_time = route == &healthz || route == &readyz || route == &metrics;
  if (!parts.on_access || (asked_all_the_time && record.ending != cp::Ending::refused)) return;
  // What is no file of ours may be the code of a link that was put together wrongly.
  if (route == &pages && record.ending == cp::Ending::refused) record.path = "/ui/***";
  parts.on_access(record);
}

}  // namespace

bool SiteParts::readiness_was_asked() const noexcept {
  constexpr std::int64_t lately = 60;
  const auto asked = asked_readiness_at.load();
  return asked >= 0 && steady_seconds() - asked < lately;
}

const cp::GatewayRoute* GatewaySite::route_of(const cp::RequestHead& head) const {
  const auto path = head.path();
  for (const auto* route : {&healthz, &readyz})
    if (path == route->path) return route;
  if (parts_.api)
    for (const auto* route : {&rpc, &events, &openrpc, &metrics})
      if (path == route->path) return route;
  if (parts_.ui == nullptr || socket_ == Socket::own) return nullptr;
  if (path == enter.path) return head.method == "DELETE" ? &leave : &enter;
  if (path.starts_with(pages.path)) return &pages;
  if (path == to_pages.path) return &to_pages;
  if (path == front.path && wants_page(head)) return &front;
  return nullptr;
}

cp::GatewayDecision GatewaySite::decide(const cp::GatewayRoute& route, const cp::RequestHead& head,
                                        std::string_view peer, bool first) const {
  return socket_ == Socket::own ? parts_.access.decide_on_socket(route, head)
                                : parts_.access.decide(route, head, peer, first);
}

std::optional<cp::Answer> GatewaySite::admit(const cp::RequestHead& head, std::string_view peer) {
  const auto* const route = route_of(head);
  if (route == nullptr && next_) return next_->admit(head, peer);
  auto refused = refuse(route, head, peer);
  if (refused) {
    auto record = access_record(head, peer, parts_.access.now());
    refused->headers.emplace_back("x-request-id", record.request_id);
    record.status = refused->status;
    record.bytes_out = refused->body.size();
    record.ending = cp::Ending::refused;
    tell(parts_, route, std::move(record));
  }
  return refused;
}

std::optional<cp::Answer> GatewaySite::refuse(const cp::GatewayRoute* route,
                                              const cp::RequestHead& head, std::string_view peer) {
  if (route == nullptr) return no_such_path();
  auto decision = decide(*route, head, peer, true);
  if (auto* const refused = std::get_if<cp::Answer>(&decision)) return std::move(*refused);
  if (says_more_than(head, route == &enter ? most_code_bytes : most_body_bytes)) return too_large();
  return std::nullopt;
}

void GatewaySite::handle(std::shared_ptr<cp::ServerExchange> exchange) {
  const auto* const route = route_of(exchange->head());
  if (route == nullptr && next_) return next_->handle(std::move(exchange));
  auto record = access_record(exchange->head(), exchange->peer(), parts_.access.now());
  record.bytes_in = exchange->body().size();
  answer(route, LoggedExchange::over(std::move(exchange), std::move(record),
                                     [&parts = parts_, route](const cp::AccessRecord& done) {
                                       tell(parts, route, done);
                                     }));
}

void GatewaySite::answer(const cp::GatewayRoute* route, const Exchange& exchange) {
  if (route == nullptr) return exchange->respond(no_such_path());
  const auto& head = exchange->head();
  // Again: what was good when its head came may have been revoked since.
  auto decision = decide(*route, head, exchange->peer(), false);
  if (const auto* const refused = std::get_if<cp::Answer>(&decision))
    return exchange->respond(*refused);
  if (exchange->body().size() > most_body_bytes) return exchange->respond(too_large());
  auto& identity = std::get<std::optional<cp::GatewayIdentity>>(decision);
  if (identity) exchange->record().who = identity->name;
  if (route == &rpc) return call(exchange, *identity);
  if (route == &events)
    return parts_.feeds.open(exchange, parts_.events, parts_.access, std::move(*identity));
  if (route == &openrpc)
    return exchange->respond(text_answer("application/json", parts_.rpc.openrpc()));
  if (route == &metrics)
    return exchange->respond(
        text_answer("text/plain; version=0.0.4; charset=utf-8", parts_.metrics()));
  if (route == &healthz || route == &readyz) return exchange->respond(health(route == &readyz));
  if (route == &enter) return open_session(exchange);
  if (route == &leave) return close_session(exchange, *identity);
  if (route == &pages) return parts_.ui->serve(exchange, head.path().substr(pages.path.size()));
  exchange->respond(redirect_to_pages());
}

cp::Answer GatewaySite::refusal(int status, std::string_view why) {
  return next_ ? next_->refusal(status, why) : cp::gateway_error(status, "BAD_REQUEST", why);
}

void GatewaySite::call(const Exchange& exchange, const cp::GatewayIdentity& identity) const {
  struct Call {
    explicit Call(std::atomic<int>& count) : calls{count}, number{++count} {}
    ~Call() { --calls; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    std::atomic<int>& calls;
    int number;
    cp::RpcCaller caller;
    std::string request;
    std::string called;
    std::string answer;
  };
  const auto work = std::make_shared<Call>(parts_.calls);
  const auto busy = [&] {
    exchange->respond(cp::gateway_error(503, "BUSY", "too many calls are waiting; try again"));
  };
  if (work->number > most_calls) return busy();
  work->caller = {.scopes = identity.scopes,
                  .name = identity.name,
                  .local = identity.local,
                  .expires_at = identity.expires_at};
  work->request = exchange->body();
  const bool runs = exchange->offload(
      [&rpc = parts_.rpc, work] {
        work->answer = rpc.handle(work->request, work->caller, &work->called);
      },
      [exchange, work] {
        exchange->record().rpc = std::move(work->called);
        auto answer = text_answer("application/json", std::move(work->answer));
        if (answer.body.empty()) {  // notifications only
          answer.status = 204;
          answer.headers.erase(answer.headers.begin());
        }
        exchange->respond(answer);
      });
  if (!runs) busy();
}

std::string GatewaySite::cookie(std::string_view value, std::string_view more) const {
  return std::string{cp::gateway_session_cookie} + "=" + std::string{value} +
         "; Path=/; HttpOnly; SameSite=Strict" + (tls_ ? "; Secure" : "") + std::string{more};
}

/// Has the change written down before it is answered, by a thread that may wait for a disk.
void GatewaySite::sessions_changed(const Exchange& exchange, std::function<void()> then) const {
  if (!parts_.sessions_changed) return then();
  if (exchange->offload([&parts = parts_] { parts.sessions_changed(); }, then)) return;
  parts_.sessions_changed();
  then();
}

void GatewaySite::open_session(const Exchange& exchange) const {
  auto& access = parts_.access;
  const auto session = access.sessions().open(code_in(exchange->body()), access.now());
  if (!session)
    return exchange->respond(session.error().errc() == cp::Errc::unauthorized
                                 ? access.wrong_code(exchange->peer())
                                 : cp::gateway_error(500, "INTERNAL", "no session can be made"));
  exchange->record().who = "session";
  auto scopes = Json::array();
  for (const auto scope : {Scope::read, Scope::operate, Scope::admin, Scope::secrets})
    if (session->scopes.has(scope)) scopes.push_back(to_string(scope));
  auto answer = json_answer({{"proof", session->proof.reveal()},
                             {"scopes", std::move(scopes)},
                             {"expiresAt", cp::format_iso8601(session->expires_at)}});
  answer.headers.emplace_back("set-cookie", cookie(session->cookie.reveal(), {}));
  sessions_changed(exchange, [exchange, answer] { exchange->respond(answer); });
}

void GatewaySite::close_session(const Exchange& exchange,
                                const cp::GatewayIdentity& identity) const {
  if (identity.kind != cp::GatewayIdentity::Kind::session)
    return exchange->respond(
        cp::gateway_error(400, "BAD_REQUEST", "a token has no session; revoke it instead"));
  parts_.access.sessions().close(identity.number);
  auto answer = text_answer("text/plain", {});
  answer.status = 204;
  answer.headers.erase(answer.headers.begin());
  answer.headers.emplace_back("set-cookie", cookie({}, "; Max-Age=0"));
  sessions_changed(exchange, [exchange, answer] { exchange->respond(answer); });
}

cp::Answer GatewaySite::health(bool ready) const {
  const auto reasons = ready ? parts_.not_ready() : std::vector<std::string>{};
  if (ready) parts_.asked_readiness_at = steady_seconds();
  if (reasons.empty()) return json_answer({{"status", "ok"}});
  auto answer = json_answer({{"status", "unavailable"}, {"reasons", reasons}});
  answer.status = 503;
  ++parts_.refused_readiness;
  return answer;
}

}  // namespace credpool_cli
