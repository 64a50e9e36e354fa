#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/proxy/operation.hpp>
#include <credpool/proxy/usage.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// How a request ended.
enum class Ending {
  ok,             ///< answered whole, whatever the status
  client_gone,    ///< the caller left before the end
  upstream_lost,  ///< the upstream's answer broke off
  refused,        ///< the server itself said no
  timed_out,      ///< somebody was too slow
};

/// The ending's name as it stands in logs ("client_gone").
std::string_view to_string(Ending ending) noexcept;

/// One line of the access log, of the proxy or of the gateway beside it: what was asked, who served
/// it, what it cost.
///
/// No header's value, no query and no body has a place in it. Texts of the caller (path, model,
/// method, request id) are bounded, cleaned, and a part of them that might be a token is written as
/// "***" (see access_text()).
struct AccessRecord {
  TimePoint time{};        ///< when the request's head had been read
  std::string request_id;  ///< as in x-request-id
  std::string peer;        ///< address of the caller
  std::string key_name;    ///< name of the caller's key in the configuration, never the key
  std::string who;         ///< who called the gateway: "token:NAME", "session", "unix"
  std::string method;
  std::string path;  ///< what follows a "?" is not written
  std::string rpc;   ///< the gateway's method that was called, as RpcDispatcher tells it
  std::optional<Operation> operation;
  std::string model;            ///< as the caller named it
  std::string provider;         ///< of the credential that served it last
  std::string credential;       ///< CredentialId::short_hex() of it
  int attempts = 0;             ///< credentials that were tried
  int status = 0;               ///< 0: the caller got none
  std::uint64_t bytes_in = 0;   ///< of the request's body
  std::uint64_t bytes_out = 0;  ///< of the answer's body
  TokenUsage usage;
  std::optional<std::chrono::microseconds> first_byte;  ///< until the answer's first byte went out
  std::chrono::microseconds total{};
  Ending ending = Ending::ok;
};

/// A caller's text as it may stand in a log: one line of valid UTF-8, with every part between "/"
/// that begins with "sk-", or with "cp-" or "cpg-" as our own keys do, or is longer than 48 bytes
/// written as "***".
/// @param max_bytes the result is cut to this length, at a character's border
std::string access_text(std::string_view text, std::size_t max_bytes);

/// One JSON object and a line feed. What is empty or not known is left out; times of day are ISO
/// 8601 in UTC, durations milliseconds with three decimals.
std::string access_json_line(const AccessRecord& record);

/// The same for a person: one line of words with single blanks between them, and a line feed. A
/// blank inside a text becomes "_", an empty one "-"; `who` has the place of the key's name.
std::string access_text_line(const AccessRecord& record);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/access_record.ipp>
#endif
