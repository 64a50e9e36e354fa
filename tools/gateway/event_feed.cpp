// SPDX-License-Identifier: MIT
#include "event_feed.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace credpool_cli {

namespace cp = credpool;

/// One stream: takes events when it was woken, and only as fast as its peer reads them.
class EventFeed final : public cp::ExchangeListener,
                        public std::enable_shared_from_this<EventFeed> {
 public:
  EventFeed(std::shared_ptr<cp::ServerExchange> exchange, cp::GatewayAccess& access,
            cp::GatewayIdentity identity, EventFeeds& feeds)
      : exchange_{std::move(exchange)},
        access_{access},
        identity_{std::move(identity)},
        feeds_{feeds} {}

  bool begin(cp::EventHub& hub, std::string_view last_event_id) {
    const std::weak_ptr<EventFeed> weak = weak_from_this();
    const auto later = [post = exchange_->poster(), weak](void (EventFeed::*what)()) {
      post([weak, what] {
        if (const auto self = weak.lock()) ((*self).*what)();
      });
    };
    number_ = feeds_.add([later] { later(&EventFeed::finish); });
    if (number_ == 0) return false;
    subscription_ = hub.subscribe(last_event_id, [later] { later(&EventFeed::pump); });
    if (!subscription_) {
      feeds_.remove(number_);
      return false;
    }
    cp::Answer headers;
    cp::add_security_headers(headers);
    cp::AnswerHead head;
    head.headers = {{"content-type", "text/event-stream"}, {"x-accel-buffering", "no"}};
    for (const auto& [name, value] : headers.headers) head.headers.push_back({name, value});
    exchange_->listen(shared_from_this());
    exchange_->start(head);
    if (send(":\n\n")) pump();
    beat();
    return true;
  }

  void on_drained() override {
    waits_ = false;
    pump();
  }
  void on_client_gone() override { drop(); }

 private:
  static constexpr std::chrono::seconds beat_every{15};

  /// Sends what there is. The peer's pace is ours: while it has not taken the last piece nothing is
  /// taken from the hub, which tells later what was missed.
  void pump() {
    while (exchange_ && !waits_) {
      if (!access_.is_still_good(identity_)) return finish();
      const auto events = subscription_->take();
      if (events.empty()) return;
      text_.clear();
      for (const auto& event : events) {
        if (!event->id.empty()) text_.append("id: ").append(event->id).append("\n");
        text_.append("event: ").append(event->type).append("\ndata: ").append(event->data);
        text_.append("\n\n");
      }
      if (!send(text_)) return;
    }
  }

  bool send(std::string_view bytes) {
    exchange_->write(bytes);
    waits_ = !exchange_->flush();
    return !waits_;
  }

  /// Lets proxies and the peer see that the stream lives, and looks whether it still may.
  void beat() {
    exchange_->after(beat_every, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || !self->exchange_) return;
      if (!self->access_.is_still_good(self->identity_)) return self->finish();
      if (!self->waits_) (void)self->send(":\n\n");
      self->beat();
    });
  }

  void finish() {
    const auto self = shared_from_this();
    if (const auto exchange = std::exchange(exchange_, nullptr)) {
      drop();
      // What the peer has not taken yet could take for ever.
      waits_ ? exchange->cut() : exchange->finish();
    }
  }
  void drop() {
    exchange_.reset();
    subscription_.reset();
    feeds_.remove(number_);
  }

  std::shared_ptr<cp::ServerExchange> exchange_;
  cp::GatewayAccess& access_;
  cp::GatewayIdentity identity_;
  EventFeeds& feeds_;
  std::unique_ptr<cp::EventSubscription> subscription_;
  std::uint64_t number_ = 0;
  std::string text_;
  bool waits_ = false;
};

void EventFeeds::open(const std::shared_ptr<cp::ServerExchange>& exchange, cp::EventHub& hub,
                      cp::GatewayAccess& access, cp::GatewayIdentity identity) {
  const auto last = std::string{exchange->head().header("last-event-id").value_or("")};
  const auto feed = std::make_shared<EventFeed>(exchange, access, std::move(identity), *this);
  if (!feed->begin(hub, last))
    exchange->respond(cp::gateway_error(503, "BUSY", "too many read the events; try again later"));
}

void EventFeeds::end() {
  std::vector<std::function<void()>> all;
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
    for (const auto& [number, end] : open_) all.push_back(end);
  }
  for (const auto& end : all) end();
}

std::uint64_t EventFeeds::add(std::function<void()> end) {
  const std::lock_guard lock{mutex_};
  if (ended_) return 0;
  open_.emplace(++last_, std::move(end));
  return last_;
}

void EventFeeds::remove(std::uint64_t number) {
  const std::lock_guard lock{mutex_};
  open_.erase(number);
}

}  // namespace credpool_cli
