#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/money.hpp>
#include <credpool/core/error.hpp>
#include <credpool/core/time.hpp>
#include <credpool/gateway/event_hub.hpp>
#include <credpool/proxy/access_record.hpp>
#include <credpool/proxy/spending.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace credpool_cli {

class ServingPool;

/// What a server counts, for Prometheus.
///
/// @thread_safety safe; counting holds a lock that is shared with few others for some 100 ns
class Metrics {
 public:
  explicit Metrics(credpool::TimePoint started) : started_{started} {}

  /// A request to the proxy has ended.
  void count(const credpool::AccessRecord& record);
  /// A token was renewed, or why not.
  void count_refresh(const credpool::Error* failure);
  /// Credits were held for a request, or why not.
  void count_hold(const std::optional<credpool::SpendRefusal>& refusal);
  /// What a request has cost is on its way to the ledger's store ...
  void begin_settlement() { ++settling_; }
  /// ... and there, or not within the time that was allowed.
  void end_settlement(bool durable);

  /// All of it, and how the pool and the events stand now.
  /// @param settled what requests have cost; none: there are no accounts
  std::string text(ServingPool& pool, const credpool::EventHub& events,
                   std::uint64_t gateway_failures,
                   std::optional<credpool::Money> settled = {}) const;

 private:
  /// Seconds; the same for all histograms.
  static const std::vector<double>& bounds();

  struct Histogram {
    std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(bounds().size() + 1);
    double sum = 0;
    void add(double seconds);
    void add(const Histogram& other);
  };
  struct Provider {
    /// Class of the status, ending.
    std::map<std::pair<int, credpool::Ending>, std::uint64_t> requests;
    Histogram duration;
    Histogram first_byte;
    std::uint64_t input_tokens = 0;
    std::uint64_t output_tokens = 0;
    std::uint64_t attempts = 0;
  };
  struct Counts {
    std::map<std::string, Provider, std::less<>> providers;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
  };
  /// One for the event loops that happen to share it.
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    Counts counts;
  };

  Counts sum() const;

  credpool::TimePoint started_;
  std::array<Shard, 8> shards_;
  std::atomic<std::uint64_t> refreshed_{0};
  std::atomic<std::uint64_t> refresh_failed_{0};
  std::atomic<std::uint64_t> login_needed_{0};
  std::atomic<std::uint64_t> held_{0};
  std::atomic<std::uint64_t> no_credits_{0};
  std::atomic<std::uint64_t> over_limit_{0};
  std::atomic<std::uint64_t> not_reached_{0};
  std::atomic<std::uint64_t> not_held_{0};  ///< for another reason
  std::atomic<std::uint64_t> settled_{0};
  std::atomic<std::uint64_t> not_settled_{0};
  std::atomic<std::int64_t> settling_{0};
  std::atomic<bool> ledger_well_{true};
};

}  // namespace credpool_cli
