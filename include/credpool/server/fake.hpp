#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/server/concept.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/listen_address.hpp>
#include <credpool/server/upstream.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// @file
/// A server and an upstream without sockets, threads and time: a test says what comes when, and
/// reads what was answered. They hold a handler to the contract: what the interfaces forbid throws
/// std::logic_error here, and bytes that a handler was lent are freed as soon as they may be.

namespace credpool::inline CREDPOOL_ABI {

/// The time and the threads of fake exchanges: both stand still until a test moves them.
class FakeLoop {
 public:
  /// Time passes: calls what is due, in the order in which it is due.
  void advance(Duration by);
  /// Runs everything that was handed to offload(), each followed by its `then`.
  /// @return how many
  std::size_t run_offloaded();
  /// Runs everything that was given to a poster().
  /// @return how many
  std::size_t run_posted();

  /// Timers that have not been called yet.
  std::size_t waiting() const noexcept { return timers_.size(); }
  std::size_t offloaded() const noexcept { return offloaded_.size(); }
  /// From now on offload() refuses when so much is waiting.
  void offload_room(std::size_t room) noexcept { room_ = room; }

 private:
  friend class FakeExchange;
  struct Timer {
    Duration due;
    std::function<void()> then;
  };
  struct Job {
    std::function<void()> work;
    std::function<void()> then;
  };

  Duration now_{};
  std::vector<Timer> timers_;
  std::deque<Job> offloaded_;
  std::deque<std::function<void()>> posted_;
  std::size_t room_ = 256;
};

/// A request as a test writes it.
struct FakeRequest {
  std::string method = "POST";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::string peer = "127.0.0.1";
  int minor_version = 1;
};

/// What a peer has got so far.
struct FakeAnswer {
  int status = 0;  ///< 0: nothing yet
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::uint64_t> content_length;
  std::string body;  ///< without framing

  /// The first header of that name; empty when there is none.
  std::string header(std::string_view name) const;
};

/// One request and what was answered to it.
class FakeExchange final : public ServerExchange {
 public:
  enum class End {
    none,         ///< it is still being answered
    finished,     ///< respond() or finish(): a complete answer
    cut,          ///< cut()
    client_gone,  ///< leave()
  };

  FakeExchange(FakeRequest request, std::shared_ptr<FakeLoop> loop);

  // --- what came of it

  const FakeAnswer& answer() const noexcept { return answer_; }
  End end() const noexcept { return end_; }
  /// How often flush() or finish() sent something.
  std::size_t flushes() const noexcept { return flushes_; }

  // --- what the peer does

  /// From now on the peer reads nothing: flush() says "not yet".
  void stop_reading() noexcept { reads_ = false; }
  /// The peer reads again; tells the listener if it was waiting.
  void read_on();
  /// The peer leaves; tells the listener.
  void leave();

  // --- ServerExchange

  const RequestHead& head() const noexcept override;
  std::string_view body() const noexcept override;
  std::string_view peer() const noexcept override;
  void respond(const Answer& answer) override;
  void start(const AnswerHead& head) override;
  bool started() const noexcept override { return started_; }
  bool recall() override;
  void write(std::string_view bytes) override;
  bool flush() override;
  void finish() override;
  void cut() override;
  void listen(std::shared_ptr<ExchangeListener> listener) override;
  void after(Duration delay, std::function<void()> then) override;
  std::function<void(std::function<void()>)> poster() override;
  bool offload(std::function<void()> work, std::function<void()> then) override;

 private:
  void send();
  void end_with(End end);

  /// Freed at the end: what the handler still holds of it dangles, as it would with a real server.
  struct Lent {
    FakeRequest request;
    RequestHead head;
  };
  std::unique_ptr<Lent> lent_;
  std::shared_ptr<FakeLoop> loop_;
  std::shared_ptr<ExchangeListener> listener_;
  FakeAnswer unsent_;
  std::vector<std::string_view> pieces_;
  FakeAnswer answer_;
  End end_ = End::none;
  std::size_t flushes_ = 0;
  bool started_ = false;
  bool reads_ = true;
  bool waits_ = false;  ///< a flush() said "not yet"
};

/// A server whose requests a test makes.
class FakeServer {
 public:
  Result<ListenAddress> listen(const ListenAddress& address,
                               std::shared_ptr<ServerHandler> handler);
  Result<void> start();
  /// Running exchanges are told that their peer is gone.
  void stop(Duration drain);

  /// Makes a request at the listener that was added as number `listener`. What admit() refuses is
  /// answered already when it returns.
  std::shared_ptr<FakeExchange> request(FakeRequest request, std::size_t listener = 0);
  FakeLoop& loop() noexcept { return *loop_; }
  bool running() const noexcept { return running_; }

 private:
  std::shared_ptr<FakeLoop> loop_ = std::make_shared<FakeLoop>();
  std::vector<std::shared_ptr<ServerHandler>> handlers_;
  std::vector<std::weak_ptr<FakeExchange>> exchanges_;
  bool running_ = false;
};
static_assert(Server<FakeServer>);

/// A request that was sent to a FakeUpstream, and the other end of it.
///
/// What a test says while the call is paused waits for deliver() after resume(). Once the call is
/// cancelled or ended nothing is told any more.
class FakeUpstreamCall final : public UpstreamCall {
 public:
  FakeUpstreamCall(UpstreamRequest request, std::shared_ptr<UpstreamListener> listener);

  // --- what was sent

  const UpstreamOrigin& origin() const noexcept { return *origin_; }
  /// Request line and headers.
  const std::string& head() const noexcept { return head_; }
  const std::string& body() const noexcept { return body_; }
  /// The value of the first header of that name in head(); empty when there is none.
  std::string header(std::string_view name) const;
  bool paused() const noexcept { return paused_; }
  bool cancelled() const noexcept { return cancelled_; }
  /// Whether the listener was told the end or a failure.
  bool ended() const noexcept { return !cancelled_ && !listener_; }

  // --- what the upstream does

  void answer_head(int status, std::vector<std::pair<std::string, std::string>> headers = {},
                   std::optional<std::uint64_t> content_length = std::nullopt);
  /// One batch of so many pieces.
  void answer_batch(std::vector<std::string> pieces);
  void answer_data(std::string piece);
  void answer_end();
  /// A whole answer that came in one batch.
  void answer(int status, std::vector<std::pair<std::string, std::string>> headers,
              std::string body);
  void fail(Errc code, bool request_sent, std::string hint = "as the test wanted it");
  /// Tells what waited while the call was paused.
  void deliver();

  // --- UpstreamCall

  void pause() override;
  void resume() override;
  void cancel() override;

 private:
  struct Head {
    int status;
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<std::uint64_t> content_length;
  };
  struct Event {
    std::optional<Head> head = std::nullopt;
    std::vector<std::string> pieces = {};
    bool end = false;
    std::optional<UpstreamFailure> failure = std::nullopt;
  };
  void tell(Event event);
  void hand_over(const Event& event);

  std::shared_ptr<const UpstreamOrigin> origin_;
  std::string head_;
  std::string body_;
  std::shared_ptr<UpstreamListener> listener_;
  std::deque<Event> events_;
  bool telling_ = false;
  bool paused_ = false;
  bool cancelled_ = false;
};

/// An upstream that keeps what is sent to it until a test answers.
class FakeUpstream final : public Upstream {
 public:
  std::shared_ptr<UpstreamCall> send(UpstreamRequest request,
                                     std::shared_ptr<UpstreamListener> listener) override;

  /// All that were sent, in order.
  const std::vector<std::shared_ptr<FakeUpstreamCall>>& calls() const noexcept { return calls_; }
  /// The last one. Throws std::logic_error when nothing was sent.
  FakeUpstreamCall& last() const;

 private:
  std::vector<std::shared_ptr<FakeUpstreamCall>> calls_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/fake.ipp>
#endif
