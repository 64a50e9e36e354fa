#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/transport/message.hpp>
#include <credpool/validation/verdict.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Whose answer is judged: what decides between "refresh it" and "it is dead".
struct AnswerContext {
  std::string_view provider;  ///< provider id, "kimi-code", "openai" ...
  Kind kind = Kind::api_key;  ///< of the credential that was sent
};

/// What an answer means, for the credential and for the pool.
struct Classification {
  Finding finding = Finding::could_not_tell;
  OutcomeKind outcome = OutcomeKind::unknown;
  std::optional<TimePoint> retry_at;  ///< when the answer tells it
  std::string code;     ///< the provider's own error code, lower case, for logs; may be empty
  std::string message;  ///< the provider's own words, raw: pass them through shown_text()
};

/// Judges any answer of a provider's API: the one place where this is decided.
///
/// The status counts first, then the error's type, code, status and reason fields, its text last
/// (the text of a 429 may well say "unauthorized"). An HTML page comes from a gateway and proves
/// nothing about a credential. An error inside a 200 is judged by its type.
///
/// @param now the wall clock, for retry_at
/// @errors none: what cannot be understood is could_not_tell or the status's default
/// @effects none (pure)
/// @source docs/providers.md
Classification classify_answer(const AnswerContext& context, const Response& response,
                               TimePoint now);

/// Judges a request that got no answer (the error of a Transport).
Classification classify_failure(const Error& error);

/// What a token endpoint's answer means for the refresh token or device code that was sent.
enum class TokenVerdict {
  ok,            ///< 200 with an access token: persist it, then publish it
  malformed,     ///< 200 without one, or not JSON: change nothing
  dead,          ///< the grant is no longer good: re-read the store, then a new login
  client_fault,  ///< our client id or request is wrong: the token is untouched
  transient,     ///< try later with the same token, see retry_at
  pending,       ///< device flow: the person has not answered yet
  slow_down,     ///< device flow: poll less often
  denied,        ///< device flow: the person said no
  code_expired,  ///< device flow: start again
};

/// The verdict's name as it stands in logs ("client_fault").
std::string_view to_string(TokenVerdict verdict) noexcept;

/// A judged answer of a token endpoint.
struct TokenAnswer {
  TokenVerdict verdict = TokenVerdict::transient;
  std::optional<TimePoint> retry_at;
  std::string code;     ///< the endpoint's error code, lower case; may be empty
  std::string message;  ///< its own words, raw: pass them through shown_text()
};

/// Judges the answer of a token endpoint (RFC 6749 section 5.2, RFC 8628 section 3.5, and what the
/// providers do instead).
/// @effects none (pure)
TokenAnswer classify_token_answer(std::string_view provider, const Response& response,
                                  TimePoint now);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/validation/classifier.ipp>
#endif
