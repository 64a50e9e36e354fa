// SPDX-License-Identifier: MIT
// Any text as a JWT: refused or read, never a crash, and no claim longer than the token.
#include <credpool/credential/jwt.hpp>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view token{reinterpret_cast<const char*>(data), size};
  const auto claims = credpool::read_jwt(token);
  if (!claims) return 0;
  // Base64 takes four characters for three bytes, and JSON escapes never shrink a text.
  if (claims->subject.size() + claims->email.size() > size) std::abort();
  return 0;
}
