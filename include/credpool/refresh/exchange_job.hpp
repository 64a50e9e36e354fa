#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/refresh/exchange.hpp>

#include <functional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace credpool::inline CREDPOOL_ABI {

/// One exchange as it is handed to another process. No token is part of it: the other side reads
/// the store itself.
struct ExchangeJob {
  /// What names the login: id, cli, provider, profile_id, ownership, first place, base_url,
  /// oauth_host, account, account_id. The rest is not handed over.
  Credential credential;
  ExchangeRequest request;
  TokenEndpointSettings endpoints;
  Environment environment;  ///< of its variables only those that an exchange needs are handed over
  std::string host_id;      ///< see ExchangeWorld
};

/// The job as one line of JSON.
///
/// The variables are those that say where files lie, how the network is reached and which servers
/// are asked. HTTPS_PROXY may hold a password: the text goes through a pipe, never into an argument
/// or a variable.
std::string exchange_job_text(const ExchangeJob& job);

/// @param user whose files are ours; never taken from the text
/// @errors malformed, unsupported (of another version), too_large over 256 KiB
Result<ExchangeJob> parse_exchange_job(std::string_view text, uid_t user);

/// What an exchange came to, as one line of JSON. The tokens stay behind.
std::string exchange_answer_text(const Result<ExchangeReport>& report);

/// @return the report, without tokens, or the error that the other side met
/// @errors besides: malformed for a text that is no answer
Result<ExchangeReport> parse_exchange_answer(std::string_view text);

/// The helper's side: reads the job, runs it and says what it came to. Does not throw on a bad job:
/// the answer tells.
/// @param run runs it, as an Exchanger would
std::string run_exchange_job(std::string_view job, uid_t user,
                             const std::function<Result<ExchangeReport>(const ExchangeJob&)>& run);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/exchange_job.ipp>
#endif
