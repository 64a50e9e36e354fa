#pragma once
// SPDX-License-Identifier: MIT

// One request of the proxy from its first to its last byte. Internal.

#include <credpool/proxy/error_shape.hpp>
#include <credpool/proxy/usage.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/validation/classifier.hpp>

#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/proxy/kept_end.hpp>
#include <credpool/impl/proxy/relay_answer.hpp>
#include <credpool/impl/proxy/relay_request.hpp>
#include <credpool/impl/proxy/upstream_head.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Lends a credential, sends the request, judges the answer, goes to the next one or hands it on.
class Relay final : public ExchangeListener,
                    public UpstreamListener,
                    public std::enable_shared_from_this<Relay> {
 public:
  Relay(std::shared_ptr<const void> keeps_alive, RelayWorld world,
        std::shared_ptr<const ProxyCatalog> catalog, std::shared_ptr<ServerExchange> exchange)
      : keeps_alive_{std::move(keeps_alive)},
        world_{world},
        catalog_{std::move(catalog)},
        exchange_{std::move(exchange)} {}

  /// What was asked for: to be filled before start().
  RelayRequest& request() noexcept { return request_; }
  const std::shared_ptr<const ProxyCatalog>& catalog() const noexcept { return catalog_; }
  const std::shared_ptr<ServerExchange>& exchange() const noexcept { return exchange_; }

  void start() {
    exchange_->listen(shared_from_this());
    if (const auto hold = settings().hold; hold.count() > 0)
      patience_ends_ = world_.lender.now() + std::chrono::duration_cast<Duration>(hold);
    if (world_.gate.charges()) return reserve();
    next();
  }

  // --- the caller's side

  void on_drained() override {
    stalled_ = false;
    if (call_) call_->resume();
    if (settled_) finish_settled();
  }

  void on_client_gone() override {
    if (auto call = std::exchange(call_, nullptr)) call->cancel();
    if (lease_) lease_->report(phase_ == Phase::relaying ? success() : Outcome{});
    end(Ending::client_gone);
  }

  // --- the upstream's side

  void on_head(const UpstreamAnswerHead& head) override {
    status_ = head.status;
    content_length_ = head.content_length;
    if (head.status < 200 || head.status > 299) {
      phase_ = Phase::collecting;
      for (const auto& [name, value] : head.headers)
        refusal_.headers.push_back({std::string{name}, std::string{value}});
      return;
    }
    is_stream_ = is_event_stream(head.headers);
    // Of most JSON answers only the log, and who pays, want to know what was used.
    if (is_stream_ || spending_ || world_.on_access || request_.operation == Operation::responses)
      tap_.emplace(request_.operation, is_stream_);
    // Before the first event of a stream nothing is sent: it may be an error that another
    // credential does not have.
    if (!is_stream_) return begin_answer(head.headers);
    phase_ = Phase::peeking;
    answer_head_.assign(head.headers);
  }

  void on_data(std::string_view bytes) override {
    switch (phase_) {
      case Phase::collecting:
        refusal_.body.append(bytes.substr(
            0, RelayBounds::refusal - std::min(refusal_.body.size(), RelayBounds::refusal)));
        return;
      case Phase::peeking:
        tap_->feed(bytes);
        held_.append(bytes);
        return;
      case Phase::relaying:
        if (tap_) content_length_ == bytes.size() ? tap_->read_whole(bytes) : tap_->feed(bytes);
        return pass(bytes);
      case Phase::idle:
        return;
    }
  }

  void on_batch_end(bool complete) override {
    at_once_ = complete && first_byte_.count() == 0 && !spending_;
    if (phase_ == Phase::peeking && !peek()) return;
    if (phase_ != Phase::relaying) return;
    // The rest of an answer that is paid for leaves in one piece, when it is.
    if (complete && spending_ && !is_stream_) return;
    if (complete && !spending_) return note_first_byte();  // it leaves with the answer's end
    if (!send_passed() && call_) call_->pause();
  }

  void on_end() override {
    call_.reset();
    if (phase_ == Phase::collecting) return judge(status_);
    if (phase_ == Phase::peeking) release();
    const bool failed = tap_ && !tap_->stream_error().empty();
    if (tap_) world_.owners.note(tap_->response_id(), lease_->credential().id);
    note_first_byte();
    lease_->report(failed ? judged_stream_error() : success());
    if (spending_) return settle_first();
    exchange_->finish();
    end(Ending::ok);
  }

  void on_failure(const UpstreamFailure& failure) override {
    call_.reset();
    if (phase_ == Phase::collecting) return judge(status_);  // its status is there
    const bool timed_out = failure.error.errc() == Errc::timeout;
    const auto outcome = Outcome::transport();
    if (phase_ == Phase::relaying && !exchange_->recall()) {
      lease_->report(outcome);
      if (spending_ && is_stream_ && tap_->complete()) return settle_first();
      break_off(timed_out);
      return end(timed_out ? Ending::timed_out : Ending::upstream_lost);
    }
    lease_->report(outcome);
    // A request that may have been served is not sent again; nor is any when the server stops.
    if (!failure.request_sent && failure.error.errc() != Errc::cancelled) {
      last_failure_ = failure.error;
      exclude();
      return next();
    }
    tell(timed_out ? 504 : 502,
         callers_words(world_.gate, failure.error) +
             (timed_out ? "" : "; the request was sent once and is not repeated"),
         timed_out ? "upstream_timeout" : "upstream_lost");
    end(timed_out ? Ending::timed_out : Ending::upstream_lost);
  }

 private:
  enum class Phase {
    idle,        ///< no answer yet
    collecting,  ///< an error is coming: it is judged before it is handed on
    peeking,     ///< a stream whose first event has not come
    relaying,    ///< bytes have gone to the caller
  };

  const ProxySettings& settings() const noexcept { return catalog_->settings().proxy; }
  std::chrono::microseconds since_start() const {
    const auto passed = SystemClock{}.steady() - request_.began;
    return std::chrono::duration_cast<std::chrono::microseconds>(passed);
  }

  // --- money

  void reserve() {
    std::vector<std::string_view> models;
    for (const auto& target : *request_.targets) models.push_back(target.model);
    auto later = [self = shared_from_this(), post = exchange_->poster()](Reservation reservation) {
      post([self, reservation = std::move(reservation)]() mutable {
        self->reserved(std::move(reservation));
      });
    };
    auto reservation = world_.gate.reserve({request_.caller, request_.id, request_.operation,
                                            request_.facts, exchange_->body(), std::move(models)},
                                           std::move(later));
    if (reservation) reserved(std::move(*reservation));
  }

  void reserved(Reservation reservation) {
    if (!exchange_) return;  // the caller left meanwhile, and all of it goes back
    if (const auto& refusal = reservation.refusal) {
      tell(refusal->status, refusal->message, refusal->code);
      return end(Ending::refused);
    }
    spending_ = std::move(reservation.spending);
    next();
  }

  Spent spent(Ending ending) const {
    Spent spent;
    spent.status = status_;
    spent.bytes_out = request_.record.bytes_out + held_.size();
    spent.ending = ending;
    spent.model = target_ && !target_->model.empty() ? target_->model : request_.facts.model;
    if (tap_) {
      spent.usage = tap_->usage();
      spent.events = tap_->events();
    }
    return spent;
  }

  /// The answer is complete only when what it cost is kept: its end waits for that.
  void settle_first() {
    lease_.reset();
    const auto spending = std::exchange(spending_, nullptr);
    spending->settle(spent(Ending::ok), [self = shared_from_this(),
                                         post = exchange_->poster()](const Result<void>& kept) {
      post([self, ok = kept.has_value()] { self->settled(ok); });
    });
  }

  void settled(bool ok) {
    if (!exchange_) return;
    if (!ok) {  // never an answer that nobody has paid for
      exchange_->cut();
      return end(Ending::refused);
    }
    settled_ = true;
    if (!stalled_) finish_settled();
  }

  void finish_settled() {
    exchange_->write(end_.rest());
    exchange_->finish();
    end(Ending::ok);
  }

  // --- passing on

  /// Hands bytes on; of an answer that has to be paid for, the end is kept back.
  void pass(std::string_view bytes) {
    request_.record.bytes_out += bytes.size();
    if (spending_ && (!is_stream_ || tap_->complete()))
      end_.add(bytes);
    else
      exchange_->write(bytes);
  }

  /// @return whether all that was passed has left
  bool send_passed() {
    const auto ready = end_.ready();
    if (spending_ && !is_stream_ && ready.empty()) return true;
    if (!ready.empty()) exchange_->write(ready);
    note_first_byte();
    stalled_ = !exchange_->flush();
    return !stalled_;
  }

  /// Something of the answer leaves now.
  void note_first_byte() {
    if (first_byte_.count() == 0) first_byte_ = since_start();
  }

  // --- choosing

  /// Tries the next credential, or gives up.
  void next() {
    forget_answer();
    if (attempts_ >= settings().max_attempts) return give_up();
    if (lend()) return send();
    if (!wait()) give_up();
  }

  void forget_answer() {
    phase_ = Phase::idle;
    lease_.reset();
    tap_.reset();
    refusal_ = {};
    held_.clear();
    end_ = {};
  }

  /// @return whether there is a lease
  bool lend() {
    retry_at_.reset();
    why_not_.reset();
    for (const auto& target : *request_.targets) {
      auto& wanted = request_.lease;
      wanted.provider = target.provider;
      wanted.model = target.model;
      wanted.tried = tried_;
      const auto& useless = catalog_->useless(target.provider, request_.operation);
      wanted.tried.insert(wanted.tried.end(), useless.begin(), useless.end());
      auto lease = world_.lender.acquire(wanted);
      if (lease) {
        way_ = catalog_->way(lease->credential().id, request_.operation);
        if (!way_) continue;  // it came into the pool just now: from the next request on
        lease_.emplace(std::move(*lease));
        target_ = &target;
        return true;
      }
      const auto& error = lease.error();
      if (error.retry_at && (!retry_at_ || *error.retry_at < *retry_at_))
        retry_at_ = error.retry_at;
      // A limit of the caller's accounts says more than a provider that is down.
      if (!why_not_ || error.errc() != Errc::overloaded) why_not_ = error;
    }
    return false;
  }

  /// Waits for a credential, if that is allowed and makes sense.
  bool wait() {
    if (!retry_at_ || *retry_at_ > patience_ends_) return false;
    const auto now = world_.lender.now();
    if (now >= patience_ends_) return false;
    // A time that has come means "whenever a lease ends".
    constexpr Duration soon{20};
    const auto delay = std::max(*retry_at_ - now, soon);
    exchange_->after(delay, [self = shared_from_this()] {
      if (!self->exchange_) return;
      self->tried_.clear();
      self->next();
    });
    return true;
  }

  void exclude() { tried_.push_back(lease_->credential().id); }

  void send() {
    ++attempts_;
    const auto& credential = lease_->credential();
    auto& record = request_.record;
    record.attempts = attempts_;
    record.provider = credential.provider;
    record.credential = way_->credential;
    const auto body = body_for(target_->model);
    auto head = upstream_head(*way_, exchange_->head(), credential, body.size());
    if (!head) {
      // A token that cannot stand in a header is of no use to anybody.
      why_not_ = head.error();
      lease_->report({});
      exclude();
      return next();
    }
    call_ = world_.upstream.send({way_->origin, std::move(*head), body}, shared_from_this());
  }

  std::string_view body_for(const std::string& model) {
    const auto& facts = request_.facts;
    const bool renamed = facts.model_bytes != 0 && model != facts.model;
    const bool asks = spending_ && facts.stream && !facts.has_stream_options &&
                      request_.operation == Operation::chat_completions;
    if (!renamed && !asks) return exchange_->body();
    if (rewritten_for_ != model) {
      rewritten_ =
          renamed ? with_model(exchange_->body(), facts, model) : std::string{exchange_->body()};
      if (asks) rewritten_ = with_usage_asked_for(rewritten_);
      rewritten_for_ = model;
    }
    return rewritten_;
  }

  // --- judging

  Outcome judged(const Response& answer, bool* refreshable = nullptr) const {
    const auto& credential = lease_->credential();
    const auto verdict =
        classify_answer({credential.provider, credential.kind}, answer, world_.lender.now());
    if (refreshable)
      *refreshable = verdict.outcome == OutcomeKind::auth_failed &&
                     credential.can_refresh_at(world_.lender.now());
    return {.kind = verdict.outcome, .until = verdict.retry_at};
  }
  Outcome judged_stream_error() const {
    return judged({.status = 200, .headers = {}, .body = tap_->stream_error()});
  }

  /// An answer that is an error: the next credential, or the caller is told.
  void judge(int status) {
    refusal_.status = status;
    hide(lease_->secret(), refusal_.body);
    for (auto& header : refusal_.headers) hide(lease_->secret(), header.value);
    bool refreshable = false;
    const auto outcome = judged(refusal_, &refreshable);
    if (refreshable && !was_refreshed()) return refresh();
    lease_->report(outcome);
    last_ = RelayRefusal{status, outcome.kind, lease_->credential().provider, std::move(refusal_)};
    if (status >= 300 && status < 400) {
      tell(502, "the provider answered with a redirect, which is not followed",
           "upstream_redirect");
      return end(Ending::upstream_lost);
    }
    if (!outcome.another_may_serve()) return pass_on();
    exclude();
    next();
  }

  bool was_refreshed() const {
    return std::find(refreshed_.begin(), refreshed_.end(), lease_->credential().id) !=
           refreshed_.end();
  }

  /// A refused token: one refresh, and the request again with the new one.
  void refresh() {
    refreshed_.push_back(lease_->credential().id);
    const auto done = std::make_shared<Result<void>>();
    const auto used = lease_->credential();
    const bool runs = exchange_->offload([&lender = world_.lender, done, used,
                                          keep = keeps_alive_] { *done = lender.refresh(used); },
                                         [self = shared_from_this(), done] {
                                           if (self->exchange_) self->refreshed(*done);
                                         });
    if (!runs) refreshed(fail(Errc::busy, "refreshing a login"));
  }

  void refreshed(const Result<void>& done) {
    if (!done) {
      lease_->report(Outcome::auth_failed());
      last_ = RelayRefusal{status_, OutcomeKind::auth_failed, lease_->credential().provider,
                           std::move(refusal_)};
      exclude();
      return next();
    }
    const auto id = lease_->credential().id.hex();
    forget_answer();
    const auto pin = std::exchange(request_.lease.pin, id);
    const bool lent = lend();
    request_.lease.pin = pin;
    if (lent)
      send();
    else
      next();
  }

  // --- answering

  /// Looks at a stream's beginning. @return whether bytes may go on
  bool peek() {
    if (!tap_->stream_error().empty()) {
      if (const auto outcome = judged_stream_error(); outcome.another_may_serve()) {
        if (auto call = std::exchange(call_, nullptr)) call->cancel();
        refusal_ = {.status = 200, .headers = {}, .body = tap_->stream_error()};
        judge(502);
        return false;
      }
    }
    const auto most = tap_->may_be_in_error() ? RelayBounds::error : RelayBounds::stream;
    if (!has_whole_event(held_) && held_.size() < most) return false;
    release();
    return true;
  }

  /// The stream is good: what was held back goes out.
  void release() {
    begin_answer(std::exchange(answer_head_, {}).views());
    pass(held_);
    (void)send_passed();
    give_back(held_);
  }

  void begin_answer(const std::vector<HeaderView>& headers) {
    phase_ = Phase::relaying;
    AnswerHead head;
    head.status = status_;
    head.content_length = content_length_;
    head.headers.reserve(headers.size() + 3);
    if (!select_answer_headers(headers, head.headers)) head.headers.clear();  // not sound
    const OwnHeaders own{way_->credential, attempts_, request_.id};
    own.add_to(head.headers);
    exchange_->start(head);
    request_.record.status = status_;
  }

  Outcome success() const { return Outcome::ok(std::chrono::duration_cast<Duration>(first_byte_)); }

  /// A stream that broke tells so in its own shape; anything else is cut, so that it is not taken
  /// for complete.
  void break_off(bool timed_out) {
    if (content_length_ || !is_stream_) return exchange_->cut();
    if (tap_->complete()) return exchange_->finish();
    last_words_ =
        broken_stream(request_.operation, tap_->at_event_boundary(), timed_out, request_.id);
    exchange_->write(last_words_);
    exchange_->finish();
  }

  /// Nobody can serve: the last error with the earliest time at which trying again makes sense.
  void give_up() {
    if (last_ && last_->outcome != OutcomeKind::auth_failed) return pass_on();
    if (last_)
      tell(503,
           "every credential that could serve this was refused by its provider (" +
               last_->provider + "); `credpool status` says which needs a login",
           "credentials_refused");
    else if (last_failure_)
      tell(502, callers_words(world_.gate, *last_failure_), "upstream_unreachable");
    else if (why_not_ &&
             (why_not_->errc() == Errc::not_found || why_not_->errc() == Errc::invalid_argument))
      tell(400, why_not_->message(), "invalid_pin");  // the pool asks for a credential by name only
    else if (why_not_ && why_not_->errc() == Errc::overloaded)
      tell(503, why_not_hint(), "providers_unavailable");
    else if (retry_at_)
      tell(429, "every credential that could serve this rests; " + why_not_hint(), "no_credential");
    else
      tell(503, why_not_hint(), "no_credential");
    end(Ending::refused);
  }

  std::string why_not_hint() const {
    return why_not_ ? why_not_->message() : "no credential serves this";
  }

  /// Hands an upstream's error on as it came.
  void pass_on() {
    auto out = handed_on(last_->status, std::move(last_->answer), retry_at_.has_value());
    finish(std::move(out),
           lease_ ? lease_->credential().id.short_hex() : request_.record.credential);
    end(last_->status < 500 && last_->outcome == OutcomeKind::request_fault ? Ending::ok
                                                                            : Ending::refused);
  }

  /// Answers with an error of our own.
  void tell(int status, const std::string& message, std::string_view code) {
    Answer answer;
    answer.status = status;
    answer.headers.emplace_back("content-type", "application/json");
    answer.body = error_body(request_.dialect, {status, message, code}, request_.id);
    finish(std::move(answer), request_.record.credential);
  }

  void finish(Answer answer, const std::string& credential) {
    if (retry_at_ && (answer.status == 429 || answer.status >= 500)) {
      const auto wait =
          std::chrono::ceil<std::chrono::seconds>(*retry_at_ - world_.lender.now()).count();
      answer.headers.emplace_back("retry-after", std::to_string(std::max<std::int64_t>(wait, 1)));
    }
    std::vector<HeaderView> own;
    const OwnHeaders ours{credential, attempts_, request_.id};
    ours.add_to(own);
    for (const auto& [name, value] : own) answer.headers.emplace_back(name, value);
    request_.record.status = answer.status;
    request_.record.bytes_out = answer.body.size();
    exchange_->respond(answer);
  }

  /// The last thing that is done: lets go of everything.
  void end(Ending how) {
    auto& record = request_.record;
    record.ending = how;
    record.total = at_once_ && how == Ending::ok ? first_byte_ : since_start();
    if (phase_ == Phase::relaying) record.first_byte = first_byte_;
    if (tap_) record.usage = tap_->usage();
    // What a provider has begun to answer has its price, whoever ended it.
    if (const auto spending = std::exchange(spending_, nullptr);
        spending && (phase_ == Phase::relaying || phase_ == Phase::peeking))
      spending->settle(spent(how), {});
    if (world_.on_access) world_.on_access(record);
    lease_.reset();
    exchange_.reset();
  }

  std::shared_ptr<const void> keeps_alive_;  ///< the world
  RelayWorld world_;
  std::shared_ptr<const ProxyCatalog> catalog_;
  std::shared_ptr<ServerExchange> exchange_;  ///< none: ended
  RelayRequest request_;
  std::optional<Lease> lease_;
  const ProxyCatalog::Way* way_ = nullptr;
  const ModelTarget* target_ = nullptr;
  std::shared_ptr<UpstreamCall> call_;
  std::vector<CredentialId> tried_;
  std::vector<CredentialId> refreshed_;
  std::string rewritten_;  ///< the body with another model
  std::optional<std::string> rewritten_for_;
  std::optional<UsageTap> tap_;
  KeptHeaders answer_head_;
  std::string held_;
  std::shared_ptr<Spending> spending_;  ///< none: it costs nothing, or has been settled
  KeptEnd end_;                         ///< of an answer that has to be paid for
  std::string last_words_;
  Response refusal_;
  std::optional<RelayRefusal> last_;
  std::optional<Error> last_failure_;
  std::optional<Error> why_not_;
  std::optional<TimePoint> retry_at_;
  TimePoint patience_ends_{};
  std::optional<std::uint64_t> content_length_;
  std::chrono::microseconds first_byte_{};
  int status_ = 0;
  int attempts_ = 0;
  Phase phase_ = Phase::idle;
  bool is_stream_ = false;
  bool at_once_ = false;  ///< the answer came and left in one piece, for which one time will do
  bool stalled_ = false;  ///< the caller has not read all that was sent
  bool settled_ = false;  ///< only the end of the answer is missing
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
