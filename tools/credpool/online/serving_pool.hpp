#pragma once
// SPDX-License-Identifier: MIT

#include "../cli_pool.hpp"
#include "../refresher.hpp"

#include <credpool/config/settings_file.hpp>
#include <credpool/proxy/catalog.hpp>
#include <credpool/proxy/lender.hpp>
#include <credpool/refresh/scheduler.hpp>
#include <credpool/validation/verdict.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace credpool_cli {

/// A setting whose value is another one now; both as JSON text, empty where there is none.
struct SettingChange {
  std::string path;
  std::string before;
  std::string after;
};

/// The settings that differ between two readings, sorted by path.
std::vector<SettingChange> setting_changes(const std::vector<credpool::SettingRow>& before,
                                           const std::vector<credpool::SettingRow>& after);

/// Whether a running server takes a change of that setting over only when it is started again.
bool needs_restart(const std::string& path);

/// A setting's value as it is in documents; null for an empty text.
Json setting_value_json(const std::string& text);
/// The same of changes: `path`, `before`, `after`, and whether a restart is needed.
Json setting_changes_json(const std::vector<SettingChange>& changes);

/// What a provider said about a token, and when.
struct NotedVerdict {
  std::string token_hash;
  credpool::Verdict verdict;
  credpool::TimePoint at{};
};

/// The pool of a server: looks at the logins again when their files change, renews their tokens in
/// time, and lends to the proxy.
///
/// @thread_safety safe; the session must outlive it
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

  /// The settings in force; another object after a change.
  std::shared_ptr<const credpool::Settings> settings() const;
  const std::optional<credpool::StateDirectory>& directory() const noexcept { return directory_; }
  std::shared_ptr<const CliSources> sources() const;
  /// Refreshes logins under the settings in force.
  std::shared_ptr<Refresher> refresher() const;
  CliPool& pool() noexcept { return *pool_; }

  /// Where every credential leads, as of now.
  std::shared_ptr<const credpool::ProxyCatalog> catalog() const;

  /// Looks at the logins again, if a file that the last look rests on has changed; where that may
  /// not be told, only `anyway`. After a look that found the same, the next one that is not
  /// `anyway` is made five seconds later: some files change all the time.
  /// @return whether the catalog is another one
  bool look(bool anyway);
  /// What the last look has found.
  std::shared_ptr<const credpool::Discovery> discovery() const;

  /// Reads the settings again and acts on them while it lends. What needs_restart() names stays as
  /// it was.
  /// @return what differs from the settings that were read before
  /// @errors configuration when the files are wrong: then everything stays as it was
  credpool::Result<std::vector<SettingChange>> reload();

  /// Is told of each renewal that was tried; null when it succeeded. To be set before requests
  /// come.
  using OnRenewal = std::function<void(const credpool::Error* failure)>;
  void on_renewal(OnRenewal told);

  /// When its token is renewed next; none: not planned.
  std::optional<credpool::TimePoint> next_refresh(const credpool::CredentialId& id) const;

  /// Keeps what providers said about these tokens, as long as they are the same ones; what is left
  /// of allowances shows in credentials() from then on.
  /// @param credentials to which the verdicts belong, in their order
  void note_verdicts(const std::vector<credpool::Credential>& credentials,
                     const std::vector<credpool::Verdict>& verdicts);
  std::optional<NotedVerdict> verdict(const credpool::Credential& credential) const;

 private:
  struct Planned {
    std::string token_hash;
    credpool::TimePoint due{};
  };

  ServingPool(const Session& session, PoolParts parts, const credpool::ReadTrace& trace,
              std::vector<std::string> allowed);
  credpool::Result<void> start();
  void adopt(credpool::Settings& fresh) const;
  credpool::PoolSettings rules(const credpool::Settings& settings,
                               const std::vector<credpool::Credential>& credentials) const;
  credpool::Discovery discover_traced(const credpool::Settings& settings,
                                      const std::shared_ptr<credpool::ReadTrace>& trace) const;
  void take_over(credpool::Discovery found, const credpool::ReadTrace& trace);
  void lend(std::vector<credpool::Credential> credentials);
  void plan();
  std::optional<credpool::TimePoint> renew(const credpool::CredentialId& id);
  credpool::Result<void> told(credpool::Result<void> renewed) const;

  const Session& session_;
  const std::vector<std::string> allowed_;
  std::optional<credpool::StateDirectory> directory_;
  std::mutex looking_;  ///< held by whoever looks or changes settings, as long as that takes
  std::vector<credpool::SettingRow> rows_;  ///< under looking_: of the settings that were read
  std::string trace_;                       ///< under looking_: what the last look rests on
  bool reliable_ = false;  ///< under looking_: whether the trace tells every change
  std::chrono::steady_clock::time_point rest_until_{};  ///< under looking_
  std::shared_ptr<const OnRenewal> on_renewal_;         ///< under mutex_

  mutable std::mutex mutex_;  ///< of the rest; held for a moment
  std::shared_ptr<const credpool::Settings> settings_;
  std::shared_ptr<const CliSources> sources_;
  std::shared_ptr<Refresher> refresher_;  ///< knows what is due
  std::shared_ptr<const credpool::Discovery> seen_;
  std::map<credpool::CredentialId, Planned> planned_;
  std::map<credpool::CredentialId, NotedVerdict> verdicts_;

  std::unique_ptr<CliPool> pool_;
  std::unique_ptr<credpool::RenewalScheduler> scheduler_;  ///< last: it uses the others
};

}  // namespace credpool_cli
