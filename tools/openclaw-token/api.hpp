#pragma once
// SPDX-License-Identifier: MIT

#include "channel.hpp"

#include <string>
#include <vector>

namespace openclaw_token {

/// The accounts' interface as commands use it: who we are, what we ask, what the answer means.
class Api {
 public:
  enum class Needs { login, nothing };

  /// Finds the profile and its key. Comes first in every command that asks the server.
  /// @errors those of the profile; Fault::not_logged_in
  static credpool::Result<Api> open(Session& session, Needs needs = Needs::login);

  const ProfileDirectory& profiles() const noexcept { return profiles_; }
  const Effective& effective() const noexcept { return effective_; }

  /// Asks, shows on a terminal that something goes on, and takes the envelope off.
  /// @param doing "Fetching balance..."
  /// @return the answer's `data`
  /// @errors Fault::refused with the server's code as place and its http_status;
  ///         Fault::not_understood; those of the channel
  credpool::Result<Json> get(const std::string& path, const std::string& doing);
  credpool::Result<Json> call(ApiCall call, const std::string& doing);
  /// The same without the profile's key.
  credpool::Result<Json> anonymous(ApiCall call, const std::string& doing);
  /// The ids of the models that a provisioned key can use; empty when the server does not say.
  std::vector<std::string> models(const credpool::Secret& provisioned_key);

 private:
  Api(Session& session, ProfileDirectory profiles, Effective effective,
      std::unique_ptr<Channel> channel)
      : session_{&session},
        profiles_{std::move(profiles)},
        effective_{std::move(effective)},
        channel_{std::move(channel)} {}

  Session* session_;
  ProfileDirectory profiles_;
  Effective effective_;
  std::unique_ptr<Channel> channel_;
};

/// A POST with a JSON body. @param once a key of its own makes the server do it once
ApiCall post(std::string path, const Json& body, bool once);
/// Text as a part of a path or a query: everything but letters, digits and "-._~" as %XX.
std::string url_part(std::string_view text);
/// The server's code of an error ("KEY_NOT_FOUND"); empty when it is none of Fault::refused.
std::string_view code_of(const credpool::Error& error) noexcept;

}  // namespace openclaw_token
