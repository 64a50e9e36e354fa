// SPDX-License-Identifier: MIT
// Text does not turn into a secret by itself: the caller must see where its own copy stays.
// expect: no viable conversion|conversion from|could not convert
#include <credpool/core/secret.hpp>

credpool::Secret make(const char* text) {
  credpool::Secret secret{text};
#if defined(BAD_LINE)
  credpool::Secret implicit = text;
#endif
  return secret;
}
