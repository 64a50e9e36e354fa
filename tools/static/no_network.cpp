// SPDX-License-Identifier: MIT
// For programs that are linked statically, which look up no name and load no library: parts of
// OpenSSL and SQLite that are never called do. The C library's own functions would want its shared
// libraries, of the very version that it came from; the linker warns of each.

#include <netdb.h>

extern "C" {

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo** found) {
  *found = nullptr;
  return EAI_FAIL;
}
void freeaddrinfo(addrinfo*) noexcept {}

hostent* gethostbyname(const char*) {
  h_errno = NO_RECOVERY;
  return nullptr;
}

/// In the place of dlopen().
void* no_library(const char*, int) noexcept {
  return nullptr;
}
}
