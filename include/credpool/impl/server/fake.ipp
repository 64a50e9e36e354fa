#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/fake.hpp>

#include <algorithm>
#include <stdexcept>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

[[noreturn]] inline void broken_fake_contract(const char* what) {
  throw std::logic_error{std::string{"credpool: "} + what};
}

inline std::string header_of_fake(const std::vector<std::pair<std::string, std::string>>& headers,
                                  std::string_view name) {
  for (const auto& [known, value] : headers)
    if (same_header_name(known, name)) return value;
  return {};
}

inline void check_fake_header(std::string_view name, std::string_view value) {
  for (const std::string_view own : {"content-length", "transfer-encoding", "connection", "date"})
    if (same_header_name(name, own))
      broken_fake_contract("framing and date are the server's business");
  if (name.empty() || name.find_first_of(std::string_view{"\r\n: \0", 5}) != name.npos ||
      value.find_first_of(std::string_view{"\r\n\0", 3}) != value.npos)
    broken_fake_contract("a header of an answer is none");
}

}  // namespace detail

CREDPOOL_INLINE void FakeLoop::advance(Duration by) {
  const auto until = now_ + by;
  for (;;) {
    const auto next = std::min_element(timers_.begin(), timers_.end(),
                                       [](const auto& a, const auto& b) { return a.due < b.due; });
    if (next == timers_.end() || next->due > until) break;
    now_ = std::max(now_, next->due);
    const auto then = std::move(next->then);
    timers_.erase(next);
    then();  // may ask for more
  }
  now_ = until;
}

CREDPOOL_INLINE std::size_t FakeLoop::run_posted() {
  std::size_t count = 0;
  for (; !posted_.empty(); ++count) {
    const auto what = std::move(posted_.front());
    posted_.pop_front();
    what();
  }
  return count;
}

CREDPOOL_INLINE std::size_t FakeLoop::run_offloaded() {
  std::size_t count = 0;
  for (; !offloaded_.empty(); ++count) {
    const auto job = std::move(offloaded_.front());
    offloaded_.pop_front();
    job.work();
    job.then();
  }
  return count;
}

CREDPOOL_INLINE std::string FakeAnswer::header(std::string_view name) const {
  return detail::header_of_fake(headers, name);
}

CREDPOOL_INLINE FakeExchange::FakeExchange(FakeRequest request, std::shared_ptr<FakeLoop> loop)
    : lent_{std::make_unique<Lent>(Lent{std::move(request), {}})}, loop_{std::move(loop)} {
  auto& head = lent_->head;
  head.method = lent_->request.method;
  head.target = lent_->request.target;
  head.minor_version = lent_->request.minor_version;
  for (const auto& [name, value] : lent_->request.headers) head.headers.push_back({name, value});
}

CREDPOOL_INLINE const RequestHead& FakeExchange::head() const noexcept {
  static const RequestHead none{};
  return lent_ ? lent_->head : none;
}
CREDPOOL_INLINE std::string_view FakeExchange::body() const noexcept {
  return lent_ ? std::string_view{lent_->request.body} : std::string_view{};
}
CREDPOOL_INLINE std::string_view FakeExchange::peer() const noexcept {
  return lent_ ? std::string_view{lent_->request.peer} : std::string_view{};
}

CREDPOOL_INLINE void FakeExchange::read_on() {
  reads_ = true;
  if (!std::exchange(waits_, false)) return;
  send();
  if (const auto listener = listener_) listener->on_drained();
}

CREDPOOL_INLINE void FakeExchange::leave() {
  if (end_ != End::none) return;
  const auto listener = listener_;
  end_with(End::client_gone);
  if (listener) listener->on_client_gone();
}

CREDPOOL_INLINE void FakeExchange::respond(const Answer& answer) {
  if (end_ != End::none) return;
  AnswerHead head;
  head.status = answer.status;
  for (const auto& [name, value] : answer.headers) head.headers.push_back({name, value});
  head.content_length = answer.body.size();
  start(head);
  write(answer.body);
  finish();
}

CREDPOOL_INLINE void FakeExchange::start(const AnswerHead& head) {
  if (end_ != End::none) return;
  if (started_) detail::broken_fake_contract("an answer was begun twice");
  if (head.status < 200 || head.status > 599)
    detail::broken_fake_contract("a status that is none of an answer");
  started_ = true;
  unsent_.status = head.status;
  unsent_.content_length = head.content_length;
  for (const auto& [name, value] : head.headers) {
    detail::check_fake_header(name, value);
    unsent_.headers.emplace_back(name, value);
  }
}

CREDPOOL_INLINE bool FakeExchange::recall() {
  if (end_ != End::none || !started_ || flushes_ > 0) return false;
  unsent_ = {};
  pieces_.clear();
  started_ = false;
  return true;
}

CREDPOOL_INLINE void FakeExchange::write(std::string_view bytes) {
  if (end_ != End::none) return;
  if (!started_) detail::broken_fake_contract("a body was written before its head");
  if (waits_) detail::broken_fake_contract("written before what was kept back had left");
  pieces_.push_back(bytes);
}

/// Reads what was lent only now, as a real server does.
CREDPOOL_INLINE void FakeExchange::send() {
  answer_.status = unsent_.status;
  answer_.headers = unsent_.headers;
  answer_.content_length = unsent_.content_length;
  answer_.body += std::exchange(unsent_.body, {});
}

CREDPOOL_INLINE bool FakeExchange::flush() {
  if (end_ != End::none) return false;
  for (const auto piece : std::exchange(pieces_, {})) unsent_.body.append(piece);
  if (!started_) return true;
  ++flushes_;
  if (!reads_) {
    waits_ = true;
    return false;
  }
  send();
  return true;
}

CREDPOOL_INLINE void FakeExchange::finish() {
  if (end_ != End::none) return;
  if (!started_) detail::broken_fake_contract("an answer was finished that was not begun");
  ++flushes_;
  for (const auto piece : std::exchange(pieces_, {})) unsent_.body.append(piece);
  send();
  const bool bodiless = head().method == "HEAD" || answer_.status == 204 || answer_.status == 304;
  if (!bodiless && answer_.content_length && *answer_.content_length != answer_.body.size())
    detail::broken_fake_contract("an answer's body is not as long as its head says");
  end_with(End::finished);
}

CREDPOOL_INLINE void FakeExchange::cut() {
  if (end_ != End::none) return;
  pieces_.clear();
  end_with(End::cut);
}

CREDPOOL_INLINE void FakeExchange::end_with(End end) {
  end_ = end;
  waits_ = false;
  listener_.reset();
  lent_.reset();
}

CREDPOOL_INLINE void FakeExchange::listen(std::shared_ptr<ExchangeListener> listener) {
  if (end_ == End::none) listener_ = std::move(listener);
}

CREDPOOL_INLINE void FakeExchange::after(Duration delay, std::function<void()> then) {
  if (end_ == End::none) loop_->timers_.push_back({loop_->now_ + delay, std::move(then)});
}

CREDPOOL_INLINE std::function<void(std::function<void()>)> FakeExchange::poster() {
  return [loop = loop_](std::function<void()> what) { loop->posted_.push_back(std::move(what)); };
}

CREDPOOL_INLINE bool FakeExchange::offload(std::function<void()> work, std::function<void()> then) {
  if (end_ != End::none || loop_->offloaded_.size() >= loop_->room_) return false;
  loop_->offloaded_.push_back({std::move(work), std::move(then)});
  return true;
}

CREDPOOL_INLINE Result<ListenAddress> FakeServer::listen(const ListenAddress& address,
                                                         std::shared_ptr<ServerHandler> handler) {
  handlers_.push_back(std::move(handler));
  auto bound = address;
  if (bound.unix_path.empty() && bound.port == 0)
    bound.port = static_cast<std::uint16_t>(49'151 + handlers_.size());
  return bound;
}

CREDPOOL_INLINE Result<void> FakeServer::start() {
  running_ = true;
  return {};
}

CREDPOOL_INLINE void FakeServer::stop(Duration) {
  running_ = false;
  for (const auto& known : std::exchange(exchanges_, {}))
    if (const auto exchange = known.lock()) exchange->leave();
}

CREDPOOL_INLINE std::shared_ptr<FakeExchange> FakeServer::request(FakeRequest request,
                                                                  std::size_t listener) {
  if (!running_ || listener >= handlers_.size())
    detail::broken_fake_contract("a request to a server that does not run");
  const auto handler = handlers_[listener];
  auto exchange = std::make_shared<FakeExchange>(std::move(request), loop_);
  std::erase_if(exchanges_, [](const auto& known) { return known.expired(); });
  exchanges_.push_back(exchange);
  if (const auto refusal = handler->admit(exchange->head(), exchange->peer()))
    exchange->respond(*refusal);
  else
    handler->handle(exchange);
  return exchange;
}

CREDPOOL_INLINE FakeUpstreamCall::FakeUpstreamCall(UpstreamRequest request,
                                                   std::shared_ptr<UpstreamListener> listener)
    : origin_{std::move(request.origin)},
      head_{std::move(request.head)},
      body_{request.body},
      listener_{std::move(listener)} {
  if (!origin_) detail::broken_fake_contract("a request without an origin");
  if (!head_.ends_with("\r\n\r\n")) detail::broken_fake_contract("a request's head is not whole");
}

CREDPOOL_INLINE std::string FakeUpstreamCall::header(std::string_view name) const {
  const std::string_view head{head_};
  for (auto begin = head.find("\r\n") + 2; begin < head.size();) {
    const auto line = head.substr(begin, head.find("\r\n", begin) - begin);
    begin += line.size() + 2;
    const auto colon = line.find(": ");
    if (colon != line.npos && same_header_name(line.substr(0, colon), name))
      return std::string{line.substr(colon + 2)};
  }
  return {};
}

CREDPOOL_INLINE void FakeUpstreamCall::answer_head(
    int status, std::vector<std::pair<std::string, std::string>> headers,
    std::optional<std::uint64_t> content_length) {
  tell({.head = Head{status, std::move(headers), content_length}});
}
CREDPOOL_INLINE void FakeUpstreamCall::answer_batch(std::vector<std::string> pieces) {
  tell({.pieces = std::move(pieces)});
}
CREDPOOL_INLINE void FakeUpstreamCall::answer_data(std::string piece) {
  answer_batch({std::move(piece)});
}
CREDPOOL_INLINE void FakeUpstreamCall::answer_end() {
  tell({.end = true});
}
CREDPOOL_INLINE void FakeUpstreamCall::answer(
    int status, std::vector<std::pair<std::string, std::string>> headers, std::string body) {
  const auto length = body.size();
  tell(
      {.head = Head{status, std::move(headers), length}, .pieces = {std::move(body)}, .end = true});
}
CREDPOOL_INLINE void FakeUpstreamCall::fail(Errc code, bool request_sent, std::string hint) {
  Error error{code, "calling an upstream", origin_->key(), std::move(hint)};
  tell({.failure = UpstreamFailure{std::move(error), request_sent}});
}

CREDPOOL_INLINE void FakeUpstreamCall::tell(Event event) {
  events_.push_back(std::move(event));
  deliver();
}

CREDPOOL_INLINE void FakeUpstreamCall::deliver() {
  if (std::exchange(telling_, true)) return;
  while (!events_.empty() && listener_) {
    // A failure needs no reading: it comes to a paused call as well.
    if (paused_ && !events_.front().failure) break;
    const auto event = std::move(events_.front());
    events_.pop_front();
    hand_over(event);
  }
  telling_ = false;
}

CREDPOOL_INLINE void FakeUpstreamCall::hand_over(const Event& event) {
  const auto listener = listener_;
  if (event.failure) {
    listener_.reset();
    return listener->on_failure(*event.failure);
  }
  if (event.head) {
    UpstreamAnswerHead head;
    head.status = event.head->status;
    head.content_length = event.head->content_length;
    for (const auto& [name, value] : event.head->headers) head.headers.push_back({name, value});
    listener->on_head(head);
  }
  for (const auto& piece : event.pieces)
    if (listener_ && !piece.empty()) listener->on_data(piece);
  if (listener_) listener->on_batch_end(event.end);
  if (!event.end || !listener_) return;
  listener_.reset();
  listener->on_end();
}

CREDPOOL_INLINE void FakeUpstreamCall::pause() {
  paused_ = true;
}
CREDPOOL_INLINE void FakeUpstreamCall::resume() {
  paused_ = false;
}
CREDPOOL_INLINE void FakeUpstreamCall::cancel() {
  if (!listener_) return;
  cancelled_ = true;
  listener_.reset();
}

CREDPOOL_INLINE std::shared_ptr<UpstreamCall> FakeUpstream::send(
    UpstreamRequest request, std::shared_ptr<UpstreamListener> listener) {
  return calls_.emplace_back(
      std::make_shared<FakeUpstreamCall>(std::move(request), std::move(listener)));
}

CREDPOOL_INLINE FakeUpstreamCall& FakeUpstream::last() const {
  if (calls_.empty()) detail::broken_fake_contract("nothing was sent to the upstream");
  return *calls_.back();
}

}  // namespace credpool::inline CREDPOOL_ABI
