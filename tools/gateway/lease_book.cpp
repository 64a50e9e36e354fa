// SPDX-License-Identifier: MIT
#include "lease_book.hpp"

#include <credpool/core/encoding.hpp>

#include <sodium.h>

#include <algorithm>
#include <array>
#include <vector>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t most_leases = 10'000;

std::string new_name() {
  std::array<char, 16> random{};
  ::randombytes_buf(random.data(), random.size());
  return cp::encode_base64url({random.data(), random.size()});
}

}  // namespace

LeaseBook::LeaseBook() : watcher_{[this] { watch(); }} {}

LeaseBook::~LeaseBook() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  watcher_.join();
}

cp::Result<std::string> LeaseBook::keep(cp::Lease lease, cp::Duration time) {
  auto name = new_name();
  {
    const std::lock_guard lock{mutex_};
    if (held_.size() >= most_leases)
      return cp::fail(cp::Errc::overloaded, "lending a credential", {},
                      "too many leases are out: give them back with tokenDiscovery.endLease");
    held_.emplace(name, Held{std::move(lease), Steady::now() + time});
  }
  changed_.notify_one();
  return name;
}

cp::Result<cp::Credential> LeaseBook::end(const std::string& name, const cp::Outcome& outcome) {
  std::map<std::string, Held, std::less<>>::node_type node;
  {
    const std::lock_guard lock{mutex_};
    node = held_.extract(name);
  }
  if (node.empty())
    return cp::fail(cp::Errc::not_found, "ending a lease", {},
                    "it has ended before: by its time, or by another call");
  auto& lease = node.mapped().lease;
  lease.report(outcome);
  return lease.credential();
}

std::size_t LeaseBook::size() const {
  const std::lock_guard lock{mutex_};
  return held_.size();
}

/// Ends leases whose time is over; a report may take a while, so it is made under no lock.
void LeaseBook::watch() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const auto now = Steady::now();
    std::vector<cp::Lease> over;
    auto next = Steady::time_point::max();
    for (auto each = held_.begin(); each != held_.end();) {
      if (each->second.until <= now) {
        over.push_back(std::move(each->second.lease));
        each = held_.erase(each);
      } else {
        next = std::min(next, each->second.until);
        ++each;
      }
    }
    if (!over.empty()) {
      lock.unlock();
      over.clear();
      lock.lock();
    } else if (next == Steady::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, next);
    }
  }
}

}  // namespace credpool_cli
