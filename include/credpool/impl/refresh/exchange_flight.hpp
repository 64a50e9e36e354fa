#pragma once
// SPDX-License-Identifier: MIT

// One exchange of a file at a time in this process. Internal: included by .ipp files only.

#include <credpool/refresh/exchange.hpp>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// An exchange on its way, and what came of it for those who wait.
struct ExchangeFlight {
  bool mandatory = false;  ///< whoever flies waits for locks
  std::mutex mutex;
  std::condition_variable landed;
  std::optional<Result<ExchangeReport>> result;
};

class ExchangeFlights {
 public:
  static ExchangeFlights& of_process() {
    static ExchangeFlights flights;
    return flights;
  }

  /// Joins the flight of that file, or begins one.
  /// @return the flight, and whether the caller is the one who flies
  std::pair<std::shared_ptr<ExchangeFlight>, bool> board(const std::string& file, bool mandatory) {
    const std::lock_guard lock{mutex_};
    auto& flight = flights_[file];
    if (flight) return {flight, false};
    flight = std::make_shared<ExchangeFlight>();
    flight->mandatory = mandatory;
    return {flight, true};
  }

  void land(const std::string& file, const Result<ExchangeReport>& result) {
    std::shared_ptr<ExchangeFlight> flight;
    {
      const std::lock_guard lock{mutex_};
      flight = std::move(flights_[file]);
      flights_.erase(file);
    }
    const std::lock_guard lock{flight->mutex};
    flight->result = result;
    flight->landed.notify_all();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ExchangeFlight>> flights_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
