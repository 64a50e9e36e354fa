#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/jwt.hpp>

#include <credpool/credential/credential.hpp>
#include <credpool/impl/core/json.hpp>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// A time of the claims; none when it is missing or no time.
inline std::optional<TimePoint> jwt_time(const Json& claims, std::string_view name) {
  const auto* claim = member(claims, name);
  const auto seconds = claim == nullptr ? std::nullopt : number_of(*claim);
  // RFC 7519: seconds. No unit repair here: the claim is not written by hand.
  return seconds && *seconds < 1e11 ? time_from_epoch(*seconds) : std::nullopt;
}

}  // namespace detail

CREDPOOL_INLINE Result<JwtClaims> read_jwt(std::string_view token) {
  const std::string doing = "reading a JWT";
  if (token.size() > 64 * 1024) return fail(Errc::too_large, doing);
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return fail(Errc::malformed, doing, "it does not have three parts");
  const auto payload = decode_base64(token.substr(first + 1, second - first - 1));
  if (!payload) return fail(Errc::malformed, doing, "payload");
  auto document = detail::parse_json(*payload);
  if (!document) return fail(document.error());
  if (!document->is_object()) return fail(Errc::malformed, doing, "the payload is not an object");

  JwtClaims claims;
  claims.issued_at = detail::jwt_time(*document, "iat");
  claims.expires_at = detail::jwt_time(*document, "exp");
  claims.subject = detail::text_or_empty(*document, "sub");
  claims.email = detail::text_or_empty(*document, "email");
  if (const auto* profile = detail::member(*document, "https://api.openai.com/profile");
      profile != nullptr && claims.email.empty())
    claims.email = detail::text_or_empty(*profile, "email");
  if (const auto* auth = detail::member(*document, "https://api.openai.com/auth")) {
    claims.openai_account_id = detail::text_or_empty(*auth, "chatgpt_account_id");
    claims.openai_user_id = detail::text_or_empty(*auth, "chatgpt_user_id");
    if (claims.openai_user_id.empty())
      claims.openai_user_id = detail::text_or_empty(*auth, "user_id");
    claims.openai_plan = detail::text_or_empty(*auth, "chatgpt_plan_type");
  }
  return claims;
}

}  // namespace credpool::inline CREDPOOL_ABI
