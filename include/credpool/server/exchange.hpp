#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/server/request_head.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// The head of an answer. Framing (Content-Length, Transfer-Encoding, Connection) and Date are the
/// server's business and must not stand among the headers.
struct AnswerHead {
  int status = 200;
  std::vector<HeaderView> headers;
  std::optional<std::uint64_t> content_length;  ///< none: not known, the body is chunked
};

/// A whole answer, small and at once.
struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Who is told what becomes of an exchange while it is being answered. All calls come on the
/// exchange's own thread, never from inside one of its functions.
class ExchangeListener {
 public:
  virtual ~ExchangeListener() = default;
  /// What was written has left, after a flush() that said "not yet".
  virtual void on_drained() = 0;
  /// The peer left, stalled, or the server is stopping; nothing can be written any more.
  virtual void on_client_gone() = 0;
};

/// One request, whole, and the way to answer it. Ends with respond(), finish() or cut().
///
/// @thread_safety used on its own thread only (the one its handler was called on)
class ServerExchange {
 public:
  virtual ~ServerExchange() = default;

  /// Valid until the exchange ends, as are body() and peer().
  virtual const RequestHead& head() const noexcept = 0;
  virtual std::string_view body() const noexcept = 0;
  /// The peer's address without its port; "unix" for a Unix socket.
  virtual std::string_view peer() const noexcept = 0;

  /// Answers whole.
  virtual void respond(const Answer& answer) = 0;

  /// Begins an answer. It is kept back until the first flush() or finish(), so that the head and
  /// the first bytes leave together.
  virtual void start(const AnswerHead& head) = 0;
  /// Whether start() or respond() was called.
  virtual bool started() const noexcept = 0;
  /// Takes back an answer that was started, if nothing of it has been sent.
  /// @return whether it was: another one may be started
  virtual bool recall() = 0;
  /// Adds bytes of the body; they must stay where they are until flush() or finish() returns.
  virtual void write(std::string_view bytes) = 0;
  /// Sends what was written.
  /// @return whether all of it has left. If not, the server holds a copy of the rest, nothing may
  /// be
  ///         written before ExchangeListener::on_drained()
  virtual bool flush() = 0;
  /// Sends what was written and ends a complete answer. One that is shorter than its head said, or
  /// was not begun, is cut.
  virtual void finish() = 0;
  /// Ends the exchange and cuts the connection: the peer sees that the answer is not complete.
  virtual void cut() = 0;

  /// From now on that one is told (the exchange keeps it alive until its end).
  virtual void listen(std::shared_ptr<ExchangeListener> listener) = 0;

  /// Calls `then` on the exchange's thread after that time, whether the exchange has ended by then
  /// or not, unless the server ends first.
  virtual void after(Duration delay, std::function<void()> then) = 0;
  /// A way to come back to the exchange's thread from any other: what it is given is run there
  /// soon, whether the exchange has ended by then or not, unless the server ends first.
  virtual std::function<void(std::function<void()>)> poster() = 0;
  /// Runs `work`, which may block, on a thread of a bounded pool and then `then` on the exchange's
  /// own thread.
  /// @return false when too much is waiting already: nothing is run then
  virtual bool offload(std::function<void()> work, std::function<void()> then) = 0;
};

/// What answers requests.
class ServerHandler {
 public:
  virtual ~ServerHandler() = default;
  /// Looks at a request's head before its body is read.
  /// @return an answer that refuses it (the body is then not read); none: go on
  virtual std::optional<Answer> admit(const RequestHead& head, std::string_view peer) = 0;
  /// Answers a whole request, now or later.
  virtual void handle(std::shared_ptr<ServerExchange> exchange) = 0;
  /// The answer to a request that is not HTTP as it should be, in the handler's own error shape.
  /// @param status 400, 408, 413, 414, 417, 431, 501, 503 or 505
  virtual Answer refusal(int status, std::string_view why) = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI
