#pragma once
// SPDX-License-Identifier: MIT

#include "profile_directory.hpp"
#include "session.hpp"

#include <credpool/core/secret.hpp>
#include <credpool/transport/message.hpp>

#include <memory>
#include <string>

namespace openclaw_token {

/// One call of the accounts' interface.
struct ApiCall {
  std::string method = "GET";
  std::string path;        ///< below the API base, with its query: "/keys?limit=100"
  std::string body;        ///< JSON; empty: none
  credpool::Secret token;  ///< empty: none
  /// The server does the same request once, however often it comes with this.
  std::string idempotency_key;
  /// Whether asking a second time does no harm when the answer to the first was lost.
  bool repeatable = true;
  bool patient = true;  ///< false: one short attempt
};

/// How calls reach a server: over the network, or a made-up one in this process.
class Channel {
 public:
  virtual ~Channel() = default;

  /// An answer of any status is a Response.
  /// @errors Fault::unreachable, Fault::lost, or a mistake in how the network is set up
  virtual credpool::Result<credpool::Response> send(const ApiCall& call) = 0;
};

/// The network. In the program that goes without its libraries this does not return: it becomes the
/// one that has them, with the same arguments. So it comes before anything is read or printed.
std::unique_ptr<Channel> network_channel(Session& session, const std::string& api_base);

/// The made-up server of the profile: see docs/openclaw-token.md. A new one has the demo account,
/// and the profile is logged in to it.
credpool::Result<std::unique_ptr<Channel>> mock_channel(const Session& session,
                                                        const ProfileDirectory& profiles);

}  // namespace openclaw_token
