#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/secret.hpp>
#include <credpool/core/time.hpp>

#include <optional>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// The tokens of one login as its store has them.
struct StoredTokens {
  Secret access_token;                  ///< empty when there is none
  Secret refresh_token;                 ///< empty when there is none
  std::optional<TimePoint> expires_at;  ///< end of the access token; none: not told
  std::optional<Duration> lifetime;     ///< from its issue to its end; none: not told
  std::string account_id;               ///< whose login it is, where the store tells; may be empty
};

/// What a token endpoint granted (RFC 6749 section 5.1), checked and bounded.
struct GrantedTokens {
  Secret access_token;                       ///< never empty
  Secret refresh_token;                      ///< empty: the old one stays good
  Secret id_token;                           ///< empty when there is none
  std::optional<Duration> lifetime;          ///< of the access token; none: not told
  std::optional<Duration> refresh_lifetime;  ///< of the refresh token; none: not told
  std::string token_type;                    ///< as the server spells it; may be empty
  std::string scope;                         ///< may be empty
  std::string resource_url;                  ///< qwen: where the token is to be used; may be empty
  std::string account_id;  ///< whose tokens they are, where the answer tells; may be empty
};

}  // namespace credpool::inline CREDPOOL_ABI
