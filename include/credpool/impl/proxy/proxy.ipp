#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/proxy.hpp>

#include <credpool/impl/core/base36.hpp>
#include <credpool/impl/core/recycled_memory.hpp>
#include <credpool/impl/proxy/model_cache.hpp>
#include <credpool/impl/proxy/relay.hpp>
#include <credpool/server/request_id.hpp>

#include <atomic>
#include <mutex>

namespace credpool::inline CREDPOOL_ABI {

struct Proxy::State : std::enable_shared_from_this<Proxy::State> {
  explicit State(ProxyOptions given) : options{std::move(given)} {}

  ProxyOptions options;

  /// Requests take the catalog of the moment; a thread looks for a new one only when there is one.
  std::shared_ptr<const ProxyCatalog> catalog() {
    struct Seen {
      std::uint64_t version = 0;
      std::shared_ptr<const ProxyCatalog> catalog;
    };
    thread_local Seen seen;
    const auto version = version_.load(std::memory_order_acquire);
    if (seen.version != version) {
      const std::lock_guard lock{mutex_};
      seen = {version, catalog_};
    }
    return seen.catalog;
  }
  void use(std::shared_ptr<const ProxyCatalog> catalog) {
    const std::lock_guard lock{mutex_};
    catalog_ = std::move(catalog);
    version_.store(next_version(), std::memory_order_release);
  }

  void answer_models(const std::shared_ptr<const ProxyCatalog>& catalog,
                     std::shared_ptr<ServerExchange> exchange,
                     const std::shared_ptr<detail::RelayRequest>& asked, std::string wanted);

  /// The credential that gave an earlier answer, as a pin; empty when it is not known, or gone.
  std::string pin_to_owner(std::string_view response, const ProxyCatalog& catalog) const {
    const auto owner = owners.owner(response);
    return owner && catalog.way(*owner, Operation::responses) ? owner->hex() : std::string{};
  }

  detail::ResponseOwners owners;

  static Answer error(Dialect dialect, int status, std::string_view message, std::string_view code,
                      const std::string& id) {
    Answer answer;
    answer.status = status;
    answer.headers = {{"content-type", "application/json"}, {"x-request-id", id}};
    answer.body = error_body(dialect, {status, message, code}, id);
    return answer;
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const ProxyCatalog> catalog_ = std::make_shared<const ProxyCatalog>();
  /// No two catalogs of all proxies have the same.
  static std::uint64_t next_version() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  std::atomic<std::uint64_t> version_{next_version()};
  detail::ModelCache models_;
};

CREDPOOL_INLINE void Proxy::State::answer_models(const std::shared_ptr<const ProxyCatalog>& catalog,
                                                 std::shared_ptr<ServerExchange> exchange,
                                                 const std::shared_ptr<detail::RelayRequest>& asked,
                                                 std::string wanted) {
  const auto list = std::make_shared<std::shared_ptr<const ModelList>>();
  const auto self = shared_from_this();
  const auto tell = [self, exchange, asked](Answer answer, Ending end) {
    auto& record = asked->record;
    record.status = answer.status;
    record.bytes_out = answer.body.size();
    record.ending = end;
    record.total = std::chrono::duration_cast<std::chrono::microseconds>(SystemClock{}.steady() -
                                                                         asked->began);
    exchange->respond(answer);
    if (self->options.on_access) self->options.on_access(record);
  };
  const auto look = [self, catalog, list, exchange, asked, tell, wanted = std::move(wanted)] {
    const bool runs = exchange->offload(
        [self, catalog, list] {
          *list = self->models_.get(catalog, *self->options.lender, self->options.fetch);
        },
        [tell, list, asked, wanted] {
          const auto text = wanted.empty() ? (*list)->write(asked->dialect)
                                           : (*list)->write_one(wanted, asked->dialect);
          if (text.empty())
            return tell(error(asked->dialect, 404,
                              "no provider of the pool lists that model; see /v1/models",
                              "model_not_found", asked->id),
                        Ending::refused);
          Answer answer;
          answer.headers = {{"content-type", "application/json"}, {"x-request-id", asked->id}};
          answer.body = text;
          tell(std::move(answer), Ending::ok);
        });
    if (!runs)
      tell(error(asked->dialect, 503, "too many requests of this kind are waiting; try again",
                 "busy", asked->id),
           Ending::refused);
  };
  const auto confirmed = [look, tell, asked](const Reservation& known) {
    if (!known.refusal) return look();
    const auto& why = *known.refusal;
    tell(error(asked->dialect, why.status, why.message, why.code, asked->id), Ending::refused);
  };
  auto later = [confirmed, post = exchange->poster()](Reservation known) {
    post([confirmed, known = std::move(known)] { confirmed(known); });
  };
  if (const auto known = options.gate->confirm(asked->caller, std::move(later))) confirmed(*known);
}

namespace detail {

inline Dialect dialect_of_path(const RequestHead& head) noexcept {
  const auto found = find_route(head.method, head.path());
  const bool version = head.header("anthropic-version").has_value();
  return dialect_of(found.route ? found.route->operation : Operation::models, version);
}

/// What ties a conversation to a credential: the caller's word, else what it always begins with.
inline std::string relay_session(const RequestHead& head, const RequestFacts& facts) {
  if (const auto given = head.header("x-session-id"); given && !given->empty())
    return std::string{*given};
  if (!facts.prompt_cache_key.empty()) return facts.prompt_cache_key;
  if (!facts.metadata_user_id.empty()) return facts.metadata_user_id;
  return facts.conversation ? base36(*facts.conversation) : std::string{};
}

/// What there would be, were it allowed.
inline std::string blocked_hint(const ProxyCatalog& catalog, Operation operation) {
  for (const auto& blocked : catalog.blocked())
    if (std::find(blocked.operations.begin(), blocked.operations.end(), operation) !=
        blocked.operations.end())
      return "; " + blocked.why.message();
  return {};
}

inline Affinity relay_affinity(AffinityMode mode) noexcept {
  switch (mode) {
    case AffinityMode::none:
      return Affinity::none;
    case AffinityMode::hard:
      return Affinity::hard;
    case AffinityMode::soft:
      break;
  }
  return Affinity::soft;
}

}  // namespace detail

CREDPOOL_INLINE Proxy::Proxy(ProxyOptions options)
    : state_{std::make_shared<State>(std::move(options))} {}
CREDPOOL_INLINE Proxy::~Proxy() = default;

CREDPOOL_INLINE void Proxy::use(std::shared_ptr<const ProxyCatalog> catalog) {
  state_->use(std::move(catalog));
}

CREDPOOL_INLINE Answer Proxy::refusal(int status, std::string_view why) {
  return State::error(Dialect::openai, status, why, {}, new_request_id());
}

CREDPOOL_INLINE std::optional<Answer> Proxy::admit(const RequestHead& head, std::string_view peer) {
  const auto refuse = [&](int status, std::string_view message, std::string_view code) {
    const auto id = new_request_id();
    auto answer = State::error(detail::dialect_of_path(head), status, message, code, id);
    if (state_->options.on_access) {
      AccessRecord record;
      record.time = state_->options.lender->now();
      record.request_id = id;
      record.peer = peer;
      record.method = head.method;
      record.path = head.path();
      record.status = status;
      record.bytes_out = answer.body.size();
      record.ending = Ending::refused;
      state_->options.on_access(record);
    }
    return answer;
  };
  // A page that a browser was led to by another name (DNS rebinding) has no key.
  auto admission = state_->options.gate->admit(presented_key(head), told_body_bytes(head));
  if (const auto& why = admission.refusal) {
    auto answer = refuse(why->status, why->message, why->code);
    if (why->status == 503) answer.headers.emplace_back("retry-after", "1");
    return answer;
  }
  if (!admission.caller)
    return refuse(
        401,
        "the key of this proxy is missing or wrong; send it as Authorization: Bearer, or x-api-key",
        "invalid_api_key");
  const auto found = find_route(head.method, head.path());
  if (found.route) {
    head.admitted = std::move(admission.caller);
    return std::nullopt;
  }
  if (found.allowed.empty())
    return refuse(
        404,
        "there is no such path here; see /v1/models, /v1/chat/completions, /v1/responses, "
        "/v1/embeddings, /v1/completions, /v1/messages",
        "unknown_path");
  auto answer = refuse(405, "this path does not have that method", "method_not_allowed");
  answer.headers.emplace_back("allow", found.allowed);
  return answer;
}

CREDPOOL_INLINE void Proxy::handle(std::shared_ptr<ServerExchange> exchange) {
  auto& asked = *exchange;
  const auto& head = asked.head();
  const auto found = find_route(head.method, head.path());
  const auto& route = found.route;
  const detail::RelayWorld world{*state_->options.lender, *state_->options.upstream,
                                 state_->options.on_access, state_->owners, *state_->options.gate};
  const auto relay =
      detail::make_recycled<detail::Relay>(state_, world, state_->catalog(), std::move(exchange));
  const auto& catalog = relay->catalog();
  auto& request = relay->request();
  request.id = new_request_id();
  request.began = SystemClock{}.steady();
  request.operation = route->operation;
  request.dialect = dialect_of(route->operation, head.header("anthropic-version").has_value());
  auto& record = request.record;
  if (state_->options.on_access) {
    record.time = state_->options.lender->now();
    record.request_id = request.id;
    record.peer = asked.peer();
    record.method = head.method;
    record.path = head.path();
  }
  // admit() let it in, so somebody stands there.
  request.caller = std::static_pointer_cast<const ProxyCaller>(std::move(head.admitted));
  record.key_name = request.caller->name;
  record.operation = route->operation;
  record.bytes_in = asked.body().size();

  const auto refuse = [&](int status, std::string_view message, std::string_view code) {
    auto answer = State::error(request.dialect, status, message, code, request.id);
    record.status = status;
    record.bytes_out = answer.body.size();
    record.ending = Ending::refused;
    if (state_->options.on_access) state_->options.on_access(record);
    asked.respond(answer);
  };

  if (route->operation == Operation::models)
    return state_->answer_models(catalog, relay->exchange(), {relay, &request}, route->model);

  // The body goes on as it is, and its encoding would not be told.
  if (const auto encoding = head.header("content-encoding");
      encoding && !same_header_name(*encoding, "identity"))
    return refuse(415, "send the body without Content-Encoding", "unsupported_encoding");
  if (const auto read = read_request_facts(asked.body(), request.facts); !read) {
    const auto& error = read.error();
    return refuse(400, "the body cannot be read: " + error.place + ": " + error.hint,
                  "invalid_body");
  }
  if (state_->options.on_access) record.model = request.facts.model;
  if (request.facts.model.empty()) return refuse(400, "the body names no model", "model_missing");
  auto targets = catalog->candidates(request.facts.model, request.operation);
  if (!targets)
    return refuse(404,
                  targets.error().message() + detail::blocked_hint(*catalog, request.operation),
                  "model_not_found");
  request.targets = std::move(*targets);
  request.lease.session = detail::relay_session(head, request.facts);
  request.lease.affinity = detail::relay_affinity(catalog->settings().affinity_mode);
  request.lease.client = record.key_name;
  constexpr std::size_t bytes_a_token = 4;  // a rough measure, for policies that compare
  request.lease.prompt_tokens =
      static_cast<std::uint32_t>(request.facts.prompt_bytes / bytes_a_token);
  if (const auto pin = head.header("x-credpool-pin"))
    request.lease.pin = *pin;
  else if (const auto& earlier = request.facts.previous_response_id; !earlier.empty())
    request.lease.pin = state_->pin_to_owner(earlier, *catalog);

  relay->start();
}

}  // namespace credpool::inline CREDPOOL_ABI
