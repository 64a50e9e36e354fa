#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What the stores' JSON Web Tokens tell about themselves. The signature is not checked: these
/// facts only label a credential and tell when it ends, they grant nothing.
struct JwtClaims {
  std::optional<TimePoint> issued_at;
  std::optional<TimePoint> expires_at;
  std::string subject;
  std::string email;
  std::string openai_account_id;  ///< the workspace; its members share it
  std::string openai_user_id;
  std::string openai_plan;
};

/// Reads the claims of a three-part JWT (RFC 7519).
///
/// `iat` and `exp` may be a number or a string of digits. The e-mail is taken from `email` or
/// OpenAI's profile claim.
/// @errors malformed when it is not three base64url parts with a JSON object in the middle;
/// too_large over 64 KiB
/// @source RFC 7519; OpenAI's claim names as codex 0.169.0 reads them
Result<JwtClaims> read_jwt(std::string_view token);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/credential/jwt.ipp>
#endif
