#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/secret.hpp>
#include <credpool/transport/message.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Who vouches for people without a password.
struct GitHubSettings {
  std::string login_base = "https://github.com";
  std::string api_base = "https://api.github.com";
  std::string client_id;
};

/// A device login that GitHub has begun (RFC 8628, section 3.2).
struct GitHubDeviceCode {
  Secret device_code;
  std::string user_code;
  std::string verification_uri;
  int interval = 5;      ///< seconds between two questions
  int expires_in = 900;  ///< seconds
};

/// The answer to one question whether the person has agreed (RFC 8628, section 3.5).
struct GitHubPoll {
  Secret token;       ///< GitHub's; empty: not yet, or never
  std::string error;  ///< "authorization_pending", "slow_down", "expired_token", ...
  int interval = 0;   ///< with slow_down: the new one in seconds; 0: not said
};

/// Whom GitHub vouches for.
struct GitHubIdentity {
  std::int64_t id = 0;
  std::string email;  ///< the primary one if GitHub has verified it, in lower case; else empty
  std::string name;
  std::string avatar_url;
};

/// GitHub's device login, as far as an account server needs it.
///
/// @thread_safety as that of `send`
/// @errors of all: network, timeout: it could not be asked; overloaded: it did not answer as agreed
/// @source docs.github.com, "Authorizing OAuth apps", device flow; REST "Users", "Emails"
class GitHubLogin {
 public:
  using Send = std::function<Result<Response>(const Request&)>;

  GitHubLogin(GitHubSettings settings, Send send)
      : settings_{std::move(settings)}, send_{std::move(send)} {}

  const GitHubSettings& settings() const noexcept { return settings_; }

  Result<GitHubDeviceCode> begin() const;
  Result<GitHubPoll> poll(std::string_view device_code) const;
  Result<GitHubIdentity> identity(const Secret& token) const;

 private:
  GitHubSettings settings_;
  Send send_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/github_login.ipp>
#endif
