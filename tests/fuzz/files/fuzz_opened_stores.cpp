// SPDX-License-Identifier: MIT
// Any bytes as the notes about encrypted stores: what comes out of them holds no secret and is
// written and read again as the same.
#include <credpool/impl/source/opened_stores_text.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace cp = credpool;
  for (const auto& [store, credentials] :
       cp::detail::opened_stores_in({reinterpret_cast<const char*>(data), size}))
    for (const auto& credential : credentials) {
      if (!credential.secret.empty() || !credential.refresh_token.empty()) std::abort();
      const auto shown = cp::detail::shown_credential(credential);
      const auto again = cp::detail::credential_of_shown(shown);
      if (!again || cp::detail::shown_credential(*again) != shown) std::abort();
      (void)credential.status_at(cp::TimePoint{});
    }
  return 0;
}
