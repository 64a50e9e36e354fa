#pragma once
// SPDX-License-Identifier: MIT

#include "assets.hpp"
#include "event_feed.hpp"
#include "logged_exchange.hpp"

#include <credpool/gateway/access.hpp>
#include <credpool/gateway/event_hub.hpp>
#include <credpool/proxy/access_record.hpp>
#include <credpool/rpc/dispatcher.hpp>
#include <credpool/server/exchange.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

/// What the sites of a gateway share; outlives them.
struct SiteParts {
  credpool::GatewayAccess& access;
  credpool::RpcDispatcher& rpc;
  credpool::EventHub& events;
  EventFeeds& feeds;
  const Assets* ui = nullptr;  ///< null: the pages are not served
  bool api = true;             ///< whether there is more than the state of health
  std::function<std::string()> metrics;
  /// Why no requests should be sent here now; empty: they may be.
  std::function<std::vector<std::string>()> not_ready;
  /// Is told of each request; may be empty.
  std::function<void(const credpool::AccessRecord&)> on_access;
  /// A session began or was ended; may block, and be empty.
  std::function<void()> sessions_changed;
  std::atomic<int> calls = 0;                         ///< to /rpc that are being worked on
  std::atomic<std::uint64_t> refused_readiness = 0;   ///< times that /readyz was 503
  std::atomic<std::int64_t> asked_readiness_at = -1;  ///< by the steady clock, in seconds

  /// Whether somebody asks for /readyz now and then.
  bool readiness_was_asked() const noexcept;
};

/// The gateway's paths, and another handler for all that are not its own.
///
/// Answers say their x-request-id, and the log is told of them; of those about its own state only
/// where they are refused or bad, since somebody asks for them again and again.
class GatewaySite final : public credpool::ServerHandler {
 public:
  enum class Socket {
    shared,  ///< a listener for everybody: who comes must show something
    own,     ///< the gateway's own Unix socket: who can open it is its owner
  };

  /// @param next null: other paths are 404
  /// @param tls  whether its listeners speak https
  GatewaySite(SiteParts& parts, std::shared_ptr<credpool::ServerHandler> next, bool tls,
              Socket socket = Socket::shared)
      : parts_{parts}, next_{std::move(next)}, tls_{tls}, socket_{socket} {}

  std::optional<credpool::Answer> admit(const credpool::RequestHead& head,
                                        std::string_view peer) override;
  void handle(std::shared_ptr<credpool::ServerExchange> exchange) override;
  credpool::Answer refusal(int status, std::string_view why) override;

 private:
  using Exchange = std::shared_ptr<LoggedExchange>;

  const credpool::GatewayRoute* route_of(const credpool::RequestHead& head) const;
  credpool::GatewayDecision decide(const credpool::GatewayRoute& route,
                                   const credpool::RequestHead& head, std::string_view peer,
                                   bool first) const;
  std::optional<credpool::Answer> refuse(const credpool::GatewayRoute* route,
                                         const credpool::RequestHead& head, std::string_view peer);
  void answer(const credpool::GatewayRoute* route, const Exchange& exchange);
  void call(const Exchange& exchange, const credpool::GatewayIdentity& identity) const;
  void sessions_changed(const Exchange& exchange, std::function<void()> then) const;
  void open_session(const Exchange& exchange) const;
  void close_session(const Exchange& exchange, const credpool::GatewayIdentity& identity) const;
  credpool::Answer health(bool ready) const;
  std::string cookie(std::string_view value, std::string_view more) const;

  SiteParts& parts_;
  std::shared_ptr<credpool::ServerHandler> next_;
  bool tls_;
  Socket socket_;
};

}  // namespace credpool_cli
