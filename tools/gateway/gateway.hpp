#pragma once
// SPDX-License-Identifier: MIT

#include "assets.hpp"
#include "event_feed.hpp"
#include "gateway_site.hpp"
#include "session_file.hpp"

#include <credpool/gateway/access.hpp>
#include <credpool/gateway/event_hub.hpp>
#include <credpool/rpc/dispatcher.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/listen_address.hpp>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace credpool_cli {

class AccountsService;
class Activity;
class FlowBook;
class ServingPool;
class Session;

/// What the methods of the gateway work on; all of it outlives them.
struct GatewayContext {
  const Session& session;
  ServingPool& pool;
  AccountsService* accounts;  ///< null without accounts
  credpool::EventHub& events;
  Activity& activity;
  FlowBook& flows;
  std::function<void()> catalog_changed;  ///< to be called when the pool lends others than before
};

struct GatewayOptions {
  bool ui = true;
  bool api = true;                          ///< false: only whether the server is well
  std::vector<std::string> hosts = {};      ///< further names that Host may have
  std::filesystem::path ui_directory = {};  ///< not empty: pages come from there
};

/// The gateway of a server: who may talk to it, its methods, its events, its pages.
///
/// Life: open(), add methods, site() for the listeners, serving() once they are bound, then the
/// engine may start; draining() when it is about to stop; stop() when it has stopped.
class Gateway {
 public:
  /// Opens the tokens in the state directory; makes the main one when there is none.
  /// @errors what reading and writing them answers; invalid_argument for such a host name
  static credpool::Result<std::unique_ptr<Gateway>> open(const Session& session,
                                                         std::filesystem::path directory,
                                                         GatewayOptions options);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  credpool::RpcDispatcher& methods() noexcept { return methods_; }
  credpool::EventHub& events() noexcept { return events_; }
  credpool::GatewayAccess& access() noexcept { return access_; }

  /// What answers a listener's requests; `next` gets those that are not the gateway's.
  std::shared_ptr<credpool::ServerHandler> site(std::shared_ptr<credpool::ServerHandler> next,
                                                bool tls);
  /// What answers those of the gateway's own socket, and where that is; none where no socket can
  /// be.
  std::shared_ptr<credpool::ServerHandler> own_site();
  std::optional<credpool::ListenAddress> own_address() const;

  /// Its listeners are bound: their names are its own from now on; gateway.json says where it is,
  /// and the sessions of its last run go on, unless another server with this state directory runs.
  /// @param own the own socket, if it is open
  void serving(const std::vector<credpool::ListenAddress>& bound, bool tls, const std::string& url,
               const std::optional<credpool::ListenAddress>& own);

  /// Why no requests should come, besides that it is draining; empty: they may.
  void ready_unless(std::function<std::vector<std::string>()> reasons);
  /// What /metrics says.
  void measured_by(std::function<std::string()> text) { parts_.metrics = std::move(text); }
  /// What is told of each request to the gateway itself. Before the engine starts.
  void logged_by(std::function<void(const credpool::AccessRecord&)> log) {
    parts_.on_access = std::move(log);
  }
  std::string metrics() const { return parts_.metrics(); }

  /// From now on /readyz is 503; returns when who asks for it has heard, or could have.
  void draining();
  /// The streams of events end. Before the engine stops.
  void end_streams() { feeds_.end(); }
  /// Removes gateway.json, and keeps the sessions.
  void stop();

  /// Writes down which sessions there are, if this server keeps them. May block for a disk.
  void keep_sessions();

  /// Reads the tokens again: their files may have been changed.
  credpool::Result<void> reload();

  // --- for its methods

  /// A link that opens the pages once.
  struct Link {
    std::string url;
    credpool::TimePoint expires_at;
  };
  /// @errors unsupported without pages, or without an address that a browser can open
  credpool::Result<Link> link(credpool::Scopes scopes);
  credpool::Result<credpool::Secret> create_token(const std::string& name, credpool::Scopes scopes,
                                                  std::optional<credpool::TimePoint> expires_at);
  credpool::Result<credpool::Secret> rotate_token(const std::string& name);
  credpool::Result<void> revoke_token(const std::string& name);
  /// Signs all browsers out.
  /// @return how many sessions there were
  std::size_t end_sessions();
  std::vector<std::string> not_ready() const;

 private:
  Gateway(const Session& session, std::filesystem::path directory, GatewayOptions options,
          credpool::TokenBook tokens, std::string epoch);

  credpool::Result<void> keep_tokens();
  std::filesystem::path token_file() const { return directory_ / "gateway.token"; }
  std::filesystem::path tokens_file() const { return directory_ / "gateway-tokens.json"; }
  std::filesystem::path sessions_file() const { return directory_ / "gateway-sessions.json"; }
  std::filesystem::path place_file() const { return directory_ / "gateway.json"; }

  const Session& session_;
  std::filesystem::path directory_;
  GatewayOptions options_;
  credpool::GatewayAccess access_;
  credpool::EventHub events_;
  credpool::RpcDispatcher methods_;
  EventFeeds feeds_;
  Assets assets_;
  SiteParts parts_;
  std::mutex tokens_mutex_;  ///< of what is kept in files
  std::function<std::vector<std::string>()> reasons_;
  std::string url_;  ///< empty: none for browsers
  std::atomic<bool> started_{false};
  std::atomic<bool> draining_{false};
  bool wrote_place_ = false;
  std::unique_ptr<SessionFile> sessions_;  ///< null: another server keeps its own there
};

/// gateway.*, health and metrics.
void add_gateway_methods(credpool::RpcDispatcher& dispatcher, Gateway& gateway);

}  // namespace credpool_cli
