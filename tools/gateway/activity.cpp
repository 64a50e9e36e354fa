// SPDX-License-Identifier: MIT
#include "activity.hpp"

#include <credpool/core/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t shard_count = 8;
/// Callers make names of models up: further ones of the same second are counted without a name.
constexpr std::size_t most_kinds = 1'024;

std::int64_t minute_of(cp::TimePoint time) {
  return std::chrono::floor<std::chrono::minutes>(time.time_since_epoch()).count();
}

std::chrono::sys_days day_of(cp::TimePoint time) {
  return std::chrono::floor<std::chrono::days>(time);
}

/// A text in a place of fixed size; what is too long for it was no name.
template <std::size_t Size> struct ShortText {
  std::array<char, Size> bytes{};
  std::uint8_t size = 0;

  void put(std::string_view text) noexcept {
    size = static_cast<std::uint8_t>(std::min(text.size(), Size));
    std::memcpy(bytes.data(), text.data(), size);
  }
  std::string_view view() const noexcept { return {bytes.data(), size}; }
  auto operator<=>(const ShortText& other) const noexcept { return view() <=> other.view(); }
};

/// The shard of this thread.
std::size_t shard_of_thread() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed) % shard_count;
  return mine;
}

/// Whether the upstream did what was asked.
bool succeeded(const cp::AccessRecord& record) noexcept {
  return record.status >= 200 && record.status < 300 &&
         (record.ending == cp::Ending::ok || record.ending == cp::Ending::client_gone);
}

}  // namespace

void Served::add(const Served& other) noexcept {
  requests += other.requests;
  failed += other.failed;
  input_tokens += other.input_tokens;
  output_tokens += other.output_tokens;
}

struct Activity::Kind {
  ShortText<16> credential;
  ShortText<128> model;  ///< as the caller named it
  auto operator<=>(const Kind&) const noexcept = default;
};

struct Activity::Shard {
  std::mutex mutex;
  // Since the last tick. In the order in which they came: names are given out in that order.
  std::vector<std::pair<Kind, Served>> served;
  std::map<Kind, std::size_t> places;
};

/// An hour of counters; those that are older are zero, without anybody having to come by.
struct Activity::Ring {
  std::array<Served, minutes> slots{};
  std::int64_t newest = 0;  ///< the minute of the newest slot

  void move_to(std::int64_t minute) {
    const auto steps = std::min<std::int64_t>(minute - newest, minutes);
    for (std::int64_t i = 1; i <= steps; ++i) slot(minute - steps + i) = {};
    newest = std::max(newest, minute);
  }
  Served& slot(std::int64_t minute) { return slots[static_cast<std::size_t>(minute) % minutes]; }
  /// Oldest first, as seen from that minute.
  template <class Put> void each(std::int64_t minute, Put put) const {
    for (std::size_t i = 0; i < minutes; ++i) {
      const auto at = minute - static_cast<std::int64_t>(minutes - 1 - i);
      if (at > newest || at <= newest - static_cast<std::int64_t>(minutes)) continue;
      put(i, slots[static_cast<std::size_t>(at) % minutes]);
    }
  }
  bool is_quiet(std::int64_t minute) const {
    return newest <= minute - static_cast<std::int64_t>(minutes);
  }
};

struct Activity::DayKey {
  std::chrono::sys_days day;
  std::string credential;  ///< short id
  std::string model;
  auto operator<=>(const DayKey&) const = default;
};

Activity::Activity(ActivityOptions options) : options_{std::move(options)} {
  if (!options_.now) options_.now = [] { return cp::SystemClock{}.now(); };
  if (!options_.name)
    options_.name = [](std::string_view id) { return ServedBy{std::string{id}, {}, {}}; };
  for (std::size_t i = 0; i < shard_count; ++i) shards_.push_back(std::make_unique<Shard>());
  written_minute_ = minute_of(now());
  if (options_.days) {
    // Names that were earned before keep their place.
    const auto since = day_of(now()) - std::chrono::days{days_kept};
    if (auto known = options_.days->models(since, options_.most_models + 1))
      for (auto& model : *known)
        if (model != other && known_models_.size() < options_.most_models)
          known_models_.insert(std::move(model));
  }
  if (!options_.ticks) return;
  thread_ = std::thread{[this] {
    std::unique_lock lock{stop_mutex_};
    while (!wake_.wait_for(lock, std::chrono::seconds{1}, [this] { return stopping_; })) {
      lock.unlock();
      tick();
      lock.lock();
    }
  }};
}

Activity::~Activity() {
  stop();
}

void Activity::stop() {
  {
    const std::lock_guard lock{stop_mutex_};
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  tick();
  write_days();
}

void Activity::record(const cp::AccessRecord& record) {
  if (record.credential.empty()) return;  // nobody served it
  Kind kind;
  kind.credential.put(record.credential);
  kind.model.put(record.model);
  const Served one{1, succeeded(record) ? 0U : 1U, record.usage.input.value_or(0),
                   record.usage.output.value_or(0)};
  auto& shard = *shards_[shard_of_thread()];
  const std::lock_guard lock{shard.mutex};
  auto place = shard.places.find(kind);
  if (place == shard.places.end()) {
    if (shard.served.size() >= most_kinds) kind.model = {};
    place = shard.places.try_emplace(kind, shard.served.size()).first;
    if (place->second == shard.served.size()) shard.served.emplace_back(kind, Served{});
  }
  shard.served[place->second].second.add(one);
}

/// The name under which it is counted.
std::string Activity::model_of(const Kind& kind, const Served& served) {
  constexpr std::size_t longest = 96;
  if (kind.model.view().empty()) return std::string{other};
  auto name = cp::access_text(kind.model.view(), longest);
  if (known_models_.contains(name)) return name;
  const bool may_be_new = served.failed < served.requests && !name.empty() &&
                          name.find("***") == std::string::npos &&
                          known_models_.size() < options_.most_models;
  if (!may_be_new) return std::string{other};
  known_models_.insert(name);
  return name;
}

/// Under mutex_.
void Activity::count(const Kind& kind, const Served& served) {
  const std::string credential{kind.credential.view()};
  const auto model = model_of(kind, served);
  const auto time = now();
  const auto minute = minute_of(time);
  for (auto* ring : {&credentials_[credential], &models_[model]}) {
    ring->move_to(minute);
    ring->slot(minute).add(served);
  }
  second_[{credential, model}].add(served);
  day_[{day_of(time), credential, model}].add(served);
}

void Activity::tick() {
  std::vector<ServedRow> rows;
  bool minute_is_over = false;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& shard : shards_) {
      std::vector<std::pair<Kind, Served>> all;
      {
        const std::lock_guard turn{shard->mutex};
        all.swap(shard->served);
        shard->places.clear();
      }
      for (const auto& [kind, served] : all) count(kind, served);
    }
    for (auto& [key, served] : second_) rows.push_back({key.first, key.second, served});
    second_.clear();
    const auto minute = minute_of(now());
    minute_is_over = minute != written_minute_;
    if (minute_is_over) {
      std::erase_if(credentials_, [&](const auto& each) { return each.second.is_quiet(minute); });
      std::erase_if(models_, [&](const auto& each) { return each.second.is_quiet(minute); });
      written_minute_ = minute;
    }
  }
  if (!rows.empty() && options_.each_second) options_.each_second(rows);
  if (minute_is_over) write_days();
}

Activity::Minutes Activity::recent(std::string_view short_id) const {
  Minutes requests{};
  const std::lock_guard lock{mutex_};
  const auto ring = credentials_.find(short_id);
  if (ring != credentials_.end())
    ring->second.each(minute_of(now()), [&](std::size_t at, const Served& served) {
      requests[at] = served.requests;
    });
  return requests;
}

Activity::Hour Activity::hour() const {
  Hour hour;
  const std::lock_guard lock{mutex_};
  const auto minute = minute_of(now());
  hour.from = cp::TimePoint{std::chrono::minutes{minute - static_cast<std::int64_t>(minutes) + 1}};
  for (const auto& [credential, ring] : credentials_) {
    Recent recent;
    recent.by = options_.name(credential);
    ring.each(minute, [&](std::size_t at, const Served& served) {
      recent.requests[at] = served.requests;
      recent.failed[at] = served.failed;
      recent.tokens[at] = served.tokens();
    });
    hour.credentials.push_back(std::move(recent));
  }
  for (const auto& [model, ring] : models_) {
    RecentModel recent{model, {}};
    ring.each(minute,
              [&](std::size_t at, const Served& served) { recent.requests[at] = served.requests; });
    hour.models.push_back(std::move(recent));
  }
  return hour;
}

/// Under mutex_.
std::vector<cp::DayUse> Activity::unwritten() const {
  std::vector<cp::DayUse> uses;
  for (const auto& [key, served] : day_) {
    const auto by = options_.name(key.credential);
    uses.push_back({key.day, by.id, by.profile_id, by.provider, key.model, served.requests,
                    served.failed, served.input_tokens, served.output_tokens});
  }
  return uses;
}

void Activity::write_days() {
  if (!options_.days) {
    // Nobody asks for more than there can be: today's and yesterday's counters stay in memory.
    const std::lock_guard lock{mutex_};
    const auto oldest = day_of(now()) - std::chrono::days{1};
    std::erase_if(day_, [&](const auto& each) { return each.first.day < oldest; });
    return;
  }
  const std::lock_guard writing{days_mutex_};
  std::vector<cp::DayUse> uses;
  std::map<DayKey, Served> taken;
  {
    const std::lock_guard lock{mutex_};
    uses = unwritten();
    taken = std::exchange(day_, {});
  }
  if (uses.empty()) return;
  const auto kept = options_.days->add(uses, day_of(now()) - std::chrono::days{days_kept - 1});
  if (kept) {
    told_trouble_ = false;
    return;
  }
  {
    // The next minute tries again.
    const std::lock_guard lock{mutex_};
    for (const auto& [key, served] : taken) day_[key].add(served);
  }
  if (!std::exchange(told_trouble_, true) && options_.trouble) options_.trouble(kept.error());
}

cp::Result<std::vector<cp::DayUse>> Activity::days(int count) const {
  const auto first = day_of(now()) - std::chrono::days{std::clamp(count, 1, days_kept) - 1};
  constexpr std::size_t most_rows = 50'000;
  std::vector<cp::DayUse> all;
  const std::lock_guard reading{days_mutex_};
  if (options_.days) {
    auto kept = options_.days->since(first, most_rows);
    if (!kept) return kept;
    all = std::move(*kept);
  }
  std::vector<cp::DayUse> fresh;
  {
    const std::lock_guard lock{mutex_};
    fresh = unwritten();
  }
  for (auto& use : fresh) {
    if (use.day < first) continue;
    const auto same = std::find_if(all.begin(), all.end(), [&](const cp::DayUse& each) {
      return each.day == use.day && each.credential == use.credential && each.model == use.model;
    });
    if (same == all.end()) {
      all.push_back(std::move(use));
      continue;
    }
    same->requests += use.requests;
    same->failed += use.failed;
    same->input_tokens += use.input_tokens;
    same->output_tokens += use.output_tokens;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.day < b.day; });
  return all;
}

}  // namespace credpool_cli
