#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/transport/concept.hpp>

#include <functional>
#include <mutex>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A transport without a network: a function answers, and every request that was sent is kept for
/// inspection.
///
/// @thread_safety safe; the function is called by one thread at a time
class FakeTransport {
 public:
  using Answer = std::function<Result<Response>(const Request&)>;

  explicit FakeTransport(Answer answer) : answer_{std::move(answer)} {}

  Result<Response> send(const Request& request) {
    const std::lock_guard lock{mutex_};
    if (request.before_body)
      if (auto ready = request.before_body(); !ready) return fail(std::move(ready).error());
    requests_.push_back(request);
    return answer_(request);
  }

  std::vector<Request> requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  Answer answer_;
  std::vector<Request> requests_;
};
static_assert(Transport<FakeTransport>);

}  // namespace credpool::inline CREDPOOL_ABI
