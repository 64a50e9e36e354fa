#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/event_hub.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::size_t event_size(const HubEvent& event) noexcept {
  return sizeof event + event.id.size() + event.type.size() + event.data.size();
}

inline std::shared_ptr<const HubEvent> new_event(std::string id, std::string type,
                                                 std::string data) {
  return std::make_shared<const HubEvent>(
      HubEvent{std::move(id), std::move(type), std::move(data)});
}

/// The number in "<epoch>-<number>"; none when it is of another run, or no such thing.
inline std::optional<std::uint64_t> event_number(std::string_view id, std::string_view epoch) {
  if (id.size() <= epoch.size() + 1 || !id.starts_with(epoch) || id[epoch.size()] != '-')
    return std::nullopt;
  id.remove_prefix(epoch.size() + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return number;
}

}  // namespace detail

CREDPOOL_INLINE EventHub::EventHub(EventHubOptions options) : options_{std::move(options)} {}

CREDPOOL_INLINE std::string EventHub::id_of(std::uint64_t number) const {
  return options_.epoch + "-" + std::to_string(number);
}

CREDPOOL_INLINE void EventHub::publish(std::string_view type, std::string_view data_json) {
  published_.fetch_add(1, std::memory_order_relaxed);
  std::vector<std::function<void()>> wakes;
  {
    const std::lock_guard lock{mutex_};
    auto event = detail::new_event(id_of(newest_ + 1), std::string{type}, std::string{data_json});
    bytes_ += detail::event_size(*event);
    ring_.push_back(std::move(event));
    ++newest_;
    while (ring_.size() > 1 && (ring_.size() > options_.ring || bytes_ > options_.bytes)) {
      bytes_ -= detail::event_size(*ring_.front());
      ring_.pop_front();
    }
    for (auto* reader : readers_)
      if (std::exchange(reader->asleep_, false)) wakes.push_back(reader->wake_);
  }
  for (const auto& wake : wakes) wake();
}

CREDPOOL_INLINE std::unique_ptr<EventSubscription> EventHub::subscribe(
    std::string_view last_event_id, std::function<void()> wake) {
  const std::lock_guard lock{mutex_};
  if (readers_.size() >= options_.subscribers) return nullptr;
  const auto last = detail::event_number(last_event_id, options_.epoch);
  const bool resumes = last && *last <= newest_ && *last + 1 >= oldest();
  std::unique_ptr<EventSubscription> made{
      new EventSubscription{*this, resumes ? *last + 1 : newest_ + 1, !resumes, std::move(wake)}};
  readers_.push_back(made.get());
  count_.store(readers_.size(), std::memory_order_relaxed);
  return made;
}

CREDPOOL_INLINE EventSubscription::EventSubscription(EventHub& hub, std::uint64_t next, bool resync,
                                                     std::function<void()> wake)
    : hub_{hub}, next_{next}, resync_{resync}, wake_{std::move(wake)} {}

CREDPOOL_INLINE EventSubscription::~EventSubscription() {
  const std::lock_guard lock{hub_.mutex_};
  std::erase(hub_.readers_, this);
  hub_.count_.store(hub_.readers_.size(), std::memory_order_relaxed);
}

CREDPOOL_INLINE std::vector<std::shared_ptr<const HubEvent>> EventSubscription::take(
    std::size_t most) {
  std::vector<std::shared_ptr<const HubEvent>> taken;
  const std::lock_guard lock{hub_.mutex_};
  const auto oldest = hub_.oldest();
  if (next_ < oldest) {
    const auto count = hub_.newest_ + 1 - next_;
    hub_.dropped_.fetch_add(count, std::memory_order_relaxed);
    taken.push_back(detail::new_event({}, "dropped", "{\"count\":" + std::to_string(count) + "}"));
    next_ = hub_.newest_ + 1;
    resync_ = true;
  }
  if (std::exchange(resync_, false))
    taken.push_back(detail::new_event(hub_.id_of(next_ - 1), "resync", "{}"));
  for (; next_ <= hub_.newest_ && taken.size() < most; ++next_)
    taken.push_back(hub_.ring_[static_cast<std::size_t>(next_ - oldest)]);
  asleep_ = taken.empty();
  return taken;
}

}  // namespace credpool::inline CREDPOOL_ABI
