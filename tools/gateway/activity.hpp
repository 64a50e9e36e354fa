#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/time.hpp>
#include <credpool/proxy/access_record.hpp>
#include <credpool/store/sqlite_day_uses.hpp>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace credpool_cli {

/// What was served within some time.
struct Served {
  std::uint32_t requests = 0;  ///< the failed ones, too
  std::uint32_t failed = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;

  std::uint64_t tokens() const noexcept { return input_tokens + output_tokens; }
  void add(const Served& other) noexcept;
};

/// Whose credential that is; of one that is gone the short id alone.
struct ServedBy {
  std::string id;
  std::string profile_id;
  std::string provider;
};

/// What each credential served with a model in one second.
struct ServedRow {
  std::string credential;  ///< its short id
  std::string model;
  Served served;
};

struct ActivityOptions {
  std::function<credpool::TimePoint()> now;                      ///< none: the system's clock
  std::function<ServedBy(std::string_view short_id)> name = {};  ///< none: the id names itself
  std::optional<credpool::SqliteDayUses> days = {};              ///< none: they are not kept
  /// Told once a second what was served in it, where anything was, from the one thread.
  std::function<void(const std::vector<ServedRow>&)> each_second = {};
  std::function<void(const credpool::Error&)> trouble = {};  ///< the days could not be kept
  bool ticks = true;                                         ///< false: only tick() makes time pass
  std::size_t most_models = 64;
};

/// Counts what the proxy served: by minute for the last hour, by day for the last 90 days.
///
/// A model has a name of its own here as soon as an upstream has answered with success under it;
/// before that, and beyond so many of them, it is "other": callers make names up. Days and minutes
/// are those of the time when the record came. What happened since the last full minute is lost
/// when the process dies.
///
/// @thread_safety safe
class Activity {
 public:
  static constexpr std::size_t minutes = 60;
  static constexpr int days_kept = 90;
  static constexpr std::string_view other = "other";
  using Minutes = std::array<std::uint32_t, minutes>;

  explicit Activity(ActivityOptions options = {});
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;
  /// stop()
  ~Activity();

  /// Counts a request, under a lock that nobody holds for long.
  void record(const credpool::AccessRecord& record);

  /// Requests by minute, oldest first; the last one is the minute that runs.
  Minutes recent(std::string_view short_id) const;

  struct Recent {
    ServedBy by;
    Minutes requests{}, failed{};
    std::array<std::uint64_t, minutes> tokens{};
  };
  struct RecentModel {
    std::string model;
    Minutes requests{};
  };
  struct Hour {
    credpool::TimePoint from{};  ///< when its first minute begins
    std::vector<Recent> credentials;
    std::vector<RecentModel> models;
  };
  Hour hour() const;

  /// The last so many days, today's with what is not written yet; oldest first.
  /// @errors those of reading the file
  credpool::Result<std::vector<credpool::DayUse>> days(int count) const;

  /// Takes over what was counted, and does what is due. Called by a thread of its own each second.
  void tick();
  /// Writes what is left. Nothing is noted after it.
  void stop();

 private:
  struct Kind;
  struct Shard;
  struct Ring;
  struct DayKey;

  void count(const Kind& kind, const Served& served);
  std::string model_of(const Kind& kind, const Served& served);
  void write_days();
  std::vector<credpool::DayUse> unwritten() const;
  credpool::TimePoint now() const { return options_.now(); }

  ActivityOptions options_;
  std::vector<std::unique_ptr<Shard>> shards_;

  mutable std::mutex mutex_;  ///< of what follows; never taken by record()
  std::map<std::string, Ring, std::less<>> credentials_;
  std::map<std::string, Ring, std::less<>> models_;
  std::set<std::string, std::less<>> known_models_;
  std::map<std::pair<std::string, std::string>, Served> second_;
  std::map<DayKey, Served> day_;
  std::int64_t written_minute_ = 0;
  bool told_trouble_ = false;

  mutable std::mutex days_mutex_;  ///< of options_.days

  std::mutex stop_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace credpool_cli
