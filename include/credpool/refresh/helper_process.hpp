#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/exchange_job.hpp>
#include <credpool/refresh/exchanger.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How HelperProcess reaches the helper, and what it hands on.
struct HelperParts {
  std::filesystem::path program;  ///< the installed `credpool`; absolute
  std::vector<std::string> arguments{"exchange-helper"};
  LoginStoreOf login_store;  ///< reads the tokens after the helper stored them
  Environment environment;
  TokenEndpointSettings endpoints = {};
  std::string host_id = {};
  /// Longest wait for the helper's answer, besides the request's patience: its request, and the
  /// looks that it takes at the store afterwards.
  Duration answer_patience{90'000};
};

/// Runs each exchange in a process of its own, which outlives us: whoever kills this program
/// between the server's answer and the store loses nothing. An Exchanger.
///
/// The helper leads a session of its own, starts with an empty environment and gets its job through
/// a pipe; no token crosses: both sides read the store. It is never sent a signal.
///
/// @thread_safety safe when `login_store` is
class HelperProcess {
 public:
  explicit HelperProcess(HelperParts parts) : parts_{std::move(parts)} {}

  /// @errors those of exchange(); besides: not_found, permission_denied, configuration, io when the
  ///         helper cannot be started or is of another version (nothing was spent); timeout when it
  ///         does not answer in time: it goes on, and the next call finds what it stored;
  ///         outcome_unknown when it ended without an answer: the next call finishes what it began
  /// @effects a child process
  Result<ExchangeReport> run(const Credential& credential, const ExchangeRequest& request);

 private:
  HelperParts parts_;
};
static_assert(Exchanger<HelperProcess>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/helper_process.ipp>
#endif
