// SPDX-License-Identifier: MIT
// A secret does not turn into text by itself.
// expect: no viable conversion|conversion from|could not convert
#include <credpool/core/secret.hpp>

#include <string>
#include <string_view>

std::size_t take(const credpool::Secret& secret) {
  const std::string revealed{secret.reveal()};
#if defined(BAD_LINE)
  const std::string_view leaked = secret;
#endif
  return revealed.size();
}
