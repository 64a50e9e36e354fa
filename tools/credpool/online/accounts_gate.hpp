#pragma once
// SPDX-License-Identifier: MIT

#include "unknown_keys.hpp"

#include <credpool/account/ledger.hpp>
#include <credpool/account/pricing.hpp>
#include <credpool/proxy/gate.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace credpool_cli {

/// Lets provisioned keys use the proxy: the most that a request can cost is held in the ledger
/// before it goes out, and what it has cost is settled before its answer ends.
class AccountsGate final : public credpool::ProxyGate {
 public:
  /// Called with a key's digest when its account has too little; `again` is to be called once, on
  /// any thread, when it may have more.
  using TooLittle = std::function<void(std::string digest, std::function<void()> again)>;
  /// Told of each account that has spent, and how much, once that is durable; must not block.
  using OnSpent = std::function<void(const credpool::AccountId&, credpool::Money)>;

  /// @param ledger    must outlive this
  /// @param most_body bytes of a request, of which the head need not say how many they are
  AccountsGate(credpool::Ledger& ledger, credpool::PriceTable prices, std::uint64_t most_body,
               TooLittle too_little, OnSpent on_spent);

  /// Lets in whom the ledger knows. A key that was no good a while ago is refused; one that nobody
  /// has used lately is let in as long as not too much is sent by such keys, and looked up.
  credpool::ProxyAdmission admit(std::string_view key,
                                 std::optional<std::uint64_t> body_bytes) override;
  /// Asks the ledger about the key, for no money.
  std::optional<credpool::Reservation> confirm(
      std::shared_ptr<const credpool::ProxyCaller> who,
      std::function<void(credpool::Reservation)> later) override;
  bool charges() const noexcept override { return true; }
  std::optional<credpool::Reservation> reserve(
      const credpool::SpendRequest& request,
      std::function<void(credpool::Reservation)> later) override;

 private:
  struct Caller;
  struct Asked;
  class Held;

  std::optional<credpool::Reservation> hold(std::shared_ptr<const Asked> asked, bool first,
                                            std::function<void(credpool::Reservation)> later);

  void look_up(const std::string& digest);

  credpool::Ledger& ledger_;
  const std::uint64_t most_body_;  ///< of one request
  std::shared_ptr<UnknownKeys> strangers_;
  std::shared_ptr<const credpool::PriceTable> prices_;
  TooLittle too_little_;
  std::shared_ptr<const OnSpent> on_spent_;
};

}  // namespace credpool_cli
