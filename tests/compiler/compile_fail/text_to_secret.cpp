// SPDX-License-Identifier: MIT
// Text does not turn into a secret by itself: the caller must see where its own copy stays.
// expect: no viable|no match|conversion from|could not convert
#include <credpool/core/secret.hpp>

#include <string_view>

credpool::Secret make(const char* text) {
  credpool::Secret secret{text};
#if defined(BAD_LINE)
  secret = std::string_view{text};
#endif
  return secret;
}
