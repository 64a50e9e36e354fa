#pragma once
// SPDX-License-Identifier: MIT

#include "../cli_pool.hpp"
#include "../refresher.hpp"

#include <credpool/proxy/catalog.hpp>
#include <credpool/proxy/lender.hpp>
#include <credpool/refresh/scheduler.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace credpool_cli {

/// The pool of a server: looks at the logins again when their files change, renews their tokens in
/// time, and lends to the proxy.
class ServingPool final : public credpool::CredentialLender {
 public:
  /// @param allowed providers that the user agreed to on the command line
  /// @param renews  whether tokens are renewed in time
  static credpool::Result<std::unique_ptr<ServingPool>> open(
      const Session& session, const std::vector<std::string>& allowed, bool renews = true);
  ~ServingPool() override;

  credpool::Result<credpool::Lease> acquire(const credpool::LeaseRequest& request) override;
  credpool::Result<void> refresh(const credpool::Credential& used) override;
  std::vector<std::shared_ptr<const credpool::Credential>> credentials() const override;
  credpool::TimePoint now() const override;

  const credpool::Settings& settings() const noexcept { return settings_; }
  const std::optional<credpool::StateDirectory>& directory() const noexcept { return directory_; }

  /// Where every credential leads, as of now.
  std::shared_ptr<const credpool::ProxyCatalog> catalog() const;

  /// Looks at the logins again, if a file they came from has changed or `anyway`.
  /// @return whether the catalog is another one
  bool look(bool anyway);

 private:
  using Stamps = std::map<std::string, std::string>;

  ServingPool(const Session& session, PoolParts parts);
  credpool::Result<void> start();
  void take_over(credpool::Discovery discovery);
  void plan(const std::vector<credpool::Credential>& credentials);
  std::optional<credpool::TimePoint> renew(const credpool::CredentialId& id);
  Stamps stamps() const;

  credpool::Environment environment_;
  credpool::Settings settings_;
  std::optional<credpool::StateDirectory> directory_;
  std::shared_ptr<const CliSources> sources_;
  std::unique_ptr<Refresher> refresher_;  ///< knows what is due
  std::unique_ptr<CliPool> pool_;
  std::vector<credpool::Credential> seen_;                 ///< of the last look
  std::map<credpool::CredentialId, std::string> planned_;  ///< token hash that was planned for
  Stamps stamps_;
  std::unique_ptr<credpool::RenewalScheduler> scheduler_;  ///< last: it uses the others
};

}  // namespace credpool_cli
