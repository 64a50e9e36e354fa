#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

class EventHub;

/// Something that happened, as subscribers get it.
struct HubEvent {
  std::string id;    ///< "<epoch>-<number>"; empty: to be told only, not to resume from
  std::string type;  ///< "credential.cooling"
  std::string data;  ///< JSON on one line
};

struct EventHubOptions {
  std::string epoch = "0";        ///< another one in each run of the server: letters and digits
  std::size_t ring = 1'024;       ///< events that are kept
  std::size_t bytes = 4U << 20;   ///< and so many bytes of them
  std::size_t subscribers = 256;  ///< at once
};

/// One reader's place among the events. Its end ends the subscription.
///
/// @thread_safety used by one thread at a time; `wake` is called on that of a publisher
class EventSubscription {
 public:
  ~EventSubscription();
  EventSubscription(const EventSubscription&) = delete;
  EventSubscription& operator=(const EventSubscription&) = delete;

  /// What comes next, in order; empty when there is nothing new, and `wake` is called once then as
  /// soon as there is.
  ///
  /// Who reads so slowly that events have left the ring gets "dropped" ({"count":N}) and "resync"
  /// in their place, and goes on with what is new from then on.
  std::vector<std::shared_ptr<const HubEvent>> take(std::size_t most = 64);

 private:
  friend class EventHub;
  EventSubscription(EventHub& hub, std::uint64_t next, bool resync, std::function<void()> wake);

  EventHub& hub_;
  std::uint64_t next_;  ///< number of the event that it gets next
  bool resync_;         ///< it is told to look at everything anew first
  bool asleep_ = false;
  std::function<void()> wake_;
};

/// Tells what happens to whoever wants to know. All readers share one ring of the last events, so
/// one that reads nothing costs nothing and holds nobody up.
///
/// @thread_safety safe
class EventHub {
 public:
  explicit EventHub(EventHubOptions options = {});
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  /// Adds an event; never waits for a reader.
  /// @param data_json one line
  void publish(std::string_view type, std::string_view data_json);

  /// Begins to read.
  ///
  /// @param last_event_id of the last event that the reader has got: it goes on after it, if that
  ///        is of this run and still in the ring; else, and when it is empty, its first event is
  ///        "resync" ({}): look at everything, then go by the events
  /// @param wake called, under no lock, when an event has come for a reader that took all there
  ///        was; must not block. It may be called once more after the subscription has ended
  /// @return null when there are as many subscribers as there may be. The hub must outlive it
  std::unique_ptr<EventSubscription> subscribe(std::string_view last_event_id,
                                               std::function<void()> wake);

  std::size_t subscribers() const noexcept { return count_.load(std::memory_order_relaxed); }
  std::uint64_t published() const noexcept { return published_.load(std::memory_order_relaxed); }
  /// Events that a reader was too slow for, over all readers.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  friend class EventSubscription;
  std::uint64_t oldest() const noexcept { return newest_ + 1 - ring_.size(); }
  std::string id_of(std::uint64_t number) const;

  EventHubOptions options_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const HubEvent>> ring_;
  std::size_t bytes_ = 0;
  std::uint64_t newest_ = 0;  ///< number of the last event; they count from 1
  std::vector<EventSubscription*> readers_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/gateway/event_hub.ipp>
#endif
