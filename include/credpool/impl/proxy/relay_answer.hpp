#pragma once
// SPDX-License-Identifier: MIT

// Answers of the proxy's own, and the headers that it adds. Internal.

#include <credpool/core/error.hpp>
#include <credpool/credential/outcome.hpp>
#include <credpool/proxy/error_shape.hpp>
#include <credpool/proxy/gate.hpp>
#include <credpool/proxy/header_rules.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/transport/message.hpp>

#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What every answer says of how it came about. Must outlive the headers that it added, as must
/// the texts that it was made of.
class OwnHeaders {
 public:
  /// @param credential empty: none was tried
  OwnHeaders(std::string_view credential, int attempts, std::string_view request) noexcept
      : credential_{credential}, request_{request} {
    const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), attempts).ptr;
    size_ = static_cast<std::size_t>(end - digits_.data());
  }

  void add_to(std::vector<HeaderView>& headers) const {
    if (!credential_.empty()) headers.push_back({"x-credpool-credential", credential_});
    headers.push_back({"x-credpool-attempts", {digits_.data(), size_}});
    headers.push_back({"x-request-id", request_});
  }

 private:
  std::string_view credential_;
  std::string_view request_;
  std::array<char, 12> digits_{};
  std::size_t size_ = 0;
};

/// How many bytes of an answer are kept before any of it is handed on.
struct RelayBounds {
  static constexpr std::size_t refusal = 64 << 10;
  static constexpr std::size_t stream = 2 << 10;  ///< before its first event
  static constexpr std::size_t error = 16 << 10;  ///< ... if that seems to be an error
};

/// An upstream's error as it is handed on when nobody else can serve.
struct RelayRefusal {
  int status = 0;
  OutcomeKind outcome = OutcomeKind::unknown;
  std::string provider;
  Response answer;
};

/// Why there is no answer. Who runs this proxy is told which address failed and how; who only pays
/// is not.
inline std::string callers_words(const ProxyGate& gate, const Error& error) {
  if (!gate.charges()) return error.message();
  return error.errc() == Errc::timeout ? "the provider did not answer in time"
                                       : "the provider cannot be reached at the moment";
}

/// What a stream ends with whose upstream has gone.
/// @param between_events else a half event is ended, so that ours is not taken for its rest
inline std::string broken_stream(Operation operation, bool between_events, bool timed_out,
                                 std::string_view request) {
  return (between_events ? "" : "\n\n") +
         stream_error_event(
             operation,
             {timed_out ? 504 : 502,
              timed_out ? "the provider's answer stalled"
                        : "the connection to the provider was lost in the middle of its "
                          "answer",
              timed_out ? "upstream_timeout" : "upstream_lost"},
             request);
}

/// An upstream's error as it came, without the headers that are not for the caller.
/// @param without_retry_after a time of ours takes its place
inline Answer handed_on(int status, Response answer, bool without_retry_after) {
  Answer out;
  out.status = status;
  out.body = std::move(answer.body);
  std::vector<HeaderView> views;
  for (const auto& header : answer.headers) views.push_back({header.name, header.value});
  std::vector<HeaderView> kept;
  if (!select_answer_headers(views, kept)) kept.clear();
  for (const auto& [name, value] : kept)
    if (!(without_retry_after && same_header_name(name, "retry-after")))
      out.headers.emplace_back(name, value);
  if (answer.headers.empty()) out.headers.emplace_back("content-type", "application/json");
  return out;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
