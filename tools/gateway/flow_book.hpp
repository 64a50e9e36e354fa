#pragma once
// SPDX-License-Identifier: MIT

#include "flow_person.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

struct FlowRules {
  std::size_t most = 16;  ///< at once
  std::size_t kept = 32;  ///< of those that have ended, to be asked for
  std::chrono::nanoseconds patience = std::chrono::minutes{15};
};

/// The refreshes that remote persons take part in, each on a thread of its own.
///
/// @thread_safety safe
class FlowBook {
 public:
  /// Does it, with the person; may block, but asks cancelled() now and then.
  using Work = std::function<credpool::Result<Kept>(FlowPerson& person)>;
  /// @param flow as it is after the change; not called after stop()
  using Changed = std::function<void(const Flow& flow)>;

  /// @param changed is told of each change of each flow, by the flow's thread
  explicit FlowBook(Changed changed = {}, FlowRules rules = {});
  FlowBook(const FlowBook&) = delete;
  FlowBook& operator=(const FlowBook&) = delete;
  ~FlowBook();

  /// Begins one. @param flow its cli, credential, method and command
  /// @errors busy when one of that CLI runs, or too many do; cancelled after stop()
  credpool::Result<Flow> start(Flow flow, Work work);

  /// @errors not_found
  credpool::Result<Flow> find(std::string_view id) const;
  /// Newest first.
  std::vector<Flow> all() const;

  /// @errors not_found; those of FlowPerson::give()
  credpool::Result<Flow> input(std::string_view id, credpool::Secret text);
  /// Returns when it has ended, or after a few seconds.
  /// @errors not_found
  credpool::Result<Flow> cancel(std::string_view id);

  /// Cancels all and waits for their ends; none is begun after it.
  void stop();

 private:
  struct Run;
  std::shared_ptr<Run> run_of(std::string_view id) const;
  void forget_old();

  const Changed changed_;
  const FlowRules rules_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Run>> runs_;  ///< oldest first
  bool stopped_ = false;
};

}  // namespace credpool_cli
