// SPDX-License-Identifier: MIT
// Any bytes as a token endpoint's 200, as what a helper process answered, and as the job that it
// got.
#include <credpool/core/encoding.hpp>
#include <credpool/refresh/exchange_job.hpp>
#include <credpool/refresh/token_endpoint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace cp = credpool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto granted = cp::parse_granted_tokens(bytes)) {
    // What goes into a header line and into a store is a token, and its life is a time.
    if (!cp::is_safe_token(granted->access_token.reveal())) std::abort();
    if (!granted->refresh_token.empty() && !cp::is_safe_token(granted->refresh_token.reveal()))
      std::abort();
    if (granted->lifetime && *granted->lifetime <= cp::Duration{0}) std::abort();
  } else if (granted.error().message().size() > 400) {
    std::abort();  // an error never quotes what it failed on
  }
  static_cast<void>(cp::parse_exchange_answer(bytes));
  if (const auto job = cp::parse_exchange_job(bytes, 1000)) {
    const auto again = cp::parse_exchange_job(cp::exchange_job_text(*job), 1000);
    if (!again || again->credential.id != job->credential.id) std::abort();
  }
  return 0;
}
