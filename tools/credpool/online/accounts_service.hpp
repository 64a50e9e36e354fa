#pragma once
// SPDX-License-Identifier: MIT

#include "account_keeper.hpp"
#include "accounts_gate.hpp"
#include "accounts_view.hpp"

#include <credpool/account/api.hpp>
#include <credpool/account/argon2_password.hpp>
#include <credpool/account/ledger.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/store/state_directory.hpp>
#include <credpool/transport/httplib.hpp>

#include "../account_stores.hpp"
#include "../commands.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace credpool_cli {

/// Accounts, credits and keys of `serve`: their stores, the ledger, and what answers requests.
class AccountsService {
 public:
  /// @param transport, session must outlive this
  static credpool::Result<std::unique_ptr<AccountsService>> open(
      const Session& session, const credpool::Settings& settings,
      const credpool::StateDirectory& directory, const AccountsOptions& options,
      credpool::HttplibTransport& transport);
  ~AccountsService();

  /// Lets provisioned keys use the proxy, for credits.
  std::shared_ptr<credpool::ProxyGate> gate() const noexcept { return gate_; }
  /// The accounts' interface, and `proxy` for all other paths.
  std::shared_ptr<credpool::ServerHandler> site(std::shared_ptr<credpool::ServerHandler> proxy);

  /// Settles what there is, and tops nobody up any more. To be called when the engine has stopped,
  /// while it still exists: who waited is told on its loops.
  void stop() {
    ledger_->stop();
    keeper_.reset();  // nobody calls it now, and it calls nobody who is gone
  }

  /// What all requests of this run have cost, as far as it is durable.
  credpool::Money settled() const noexcept { return credpool::Money{settled_.load()}; }

  /// For who runs the server; as long as this lives.
  AccountsView view();

  /// How people get credits: "by card (Stripe)", "for nothing", or that they cannot.
  std::string_view payment() const noexcept;

 private:
  AccountsService() = default;

  AccountStores stores_;
  credpool::Argon2PasswordHasher passwords_;
  std::unique_ptr<credpool::AccountApi> api_;
  std::unique_ptr<AccountKeeper> keeper_;
  std::atomic<std::int64_t> settled_{0};      ///< micro-dollars
  std::unique_ptr<credpool::Ledger> ledger_;  ///< ends before what it calls
  std::shared_ptr<AccountsGate> gate_;
  std::string time_zone_;
  bool stripe_ = false;
  bool grants_ = false;
};

}  // namespace credpool_cli
