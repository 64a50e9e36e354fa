// SPDX-License-Identifier: MIT
// Any bytes as a discovery that was kept: what comes out of them holds no secret and is written and
// read again as the same.
#include <credpool/impl/source/discovery_bytes.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace cp = credpool;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  (void)cp::ReadTrace::holds(bytes);
  const auto discovery = cp::detail::discovery_of_bytes(bytes);
  if (!discovery) return 0;
  for (const auto& credential : discovery->credentials) {
    if (!credential.secret.empty() || !credential.refresh_token.empty()) std::abort();
    (void)credential.status_at(cp::TimePoint{});
    (void)credential.next_change(cp::TimePoint{});
  }
  const auto again = cp::detail::bytes_of_discovery(*discovery);
  const auto twice = cp::detail::discovery_of_bytes(again);
  if (!twice || cp::detail::bytes_of_discovery(*twice) != again) std::abort();
  return 0;
}
