// SPDX-License-Identifier: MIT
#include <credpool/validation/retry_hint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace cp = credpool;

// Input: up to the first line's end a header's value, after it the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr cp::TimePoint now{std::chrono::milliseconds{1794998400000}};
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const auto line = input.substr(0, input.find('\n'));
  static_cast<void>(cp::parse_http_date(line, now));
  static_cast<void>(cp::parse_wait(line));
  static_cast<void>(cp::parse_reset(line, now));
  for (const auto* name : {"Retry-After", "retry-after-ms", "x-ratelimit-reset-tokens"}) {
    cp::Response response;
    response.status = 429;
    response.headers.push_back({name, std::string{line}});
    if (line.size() < input.size()) response.body = input.substr(line.size() + 1);
    for (const auto when :
         {cp::retry_hint(response, now), cp::reset_hint(response, now, cp::longest_wait)})
      if (when && (*when < now || *when > now + cp::longest_wait)) std::abort();
  }
  return 0;
}
