#pragma once
// SPDX-License-Identifier: MIT

#include "metrics.hpp"

#include <credpool/proxy/gate.hpp>

#include <memory>
#include <utility>

namespace credpool_cli {

/// A gate that charges, with its holds and settlements counted.
class CountingGate final : public credpool::ProxyGate {
 public:
  /// @param metrics must outlive it and what it holds
  CountingGate(std::shared_ptr<credpool::ProxyGate> gate, Metrics& metrics)
      : gate_{std::move(gate)}, metrics_{metrics} {}

  credpool::ProxyAdmission admit(std::string_view key,
                                 std::optional<std::uint64_t> body_bytes) override {
    return gate_->admit(key, body_bytes);
  }
  std::optional<credpool::Reservation> confirm(
      std::shared_ptr<const credpool::ProxyCaller> caller,
      std::function<void(credpool::Reservation)> later) override {
    return gate_->confirm(std::move(caller), std::move(later));
  }
  bool charges() const noexcept override { return gate_->charges(); }
  std::optional<credpool::Reservation> reserve(
      const credpool::SpendRequest& request,
      std::function<void(credpool::Reservation)> later) override {
    auto made = gate_->reserve(
        request, [&metrics = metrics_, later = std::move(later)](credpool::Reservation one) {
          later(counted(metrics, std::move(one)));
        });
    if (made) return counted(metrics_, std::move(*made));
    return made;
  }

 private:
  class Counted final : public credpool::Spending {
   public:
    Counted(std::shared_ptr<credpool::Spending> held, Metrics& metrics)
        : held_{std::move(held)}, metrics_{metrics} {}
    void settle(const credpool::Spent& spent,
                std::function<void(const credpool::Result<void>&)> done) override {
      metrics_.begin_settlement();
      held_->settle(
          spent, [&metrics = metrics_, done = std::move(done)](const credpool::Result<void>& kept) {
            metrics.end_settlement(kept.has_value());
            if (done) done(kept);
          });
    }

   private:
    std::shared_ptr<credpool::Spending> held_;
    Metrics& metrics_;
  };

  static credpool::Reservation counted(Metrics& metrics, credpool::Reservation one) {
    metrics.count_hold(one.refusal);
    if (one.spending) one.spending = std::make_shared<Counted>(std::move(one.spending), metrics);
    return one;
  }

  std::shared_ptr<credpool::ProxyGate> gate_;
  Metrics& metrics_;
};

}  // namespace credpool_cli
