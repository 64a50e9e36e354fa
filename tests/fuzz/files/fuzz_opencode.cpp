// SPDX-License-Identifier: MIT
// Any bytes as auth.json of opencode.
#include <credpool/source/opencode.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz_store<credpool::Opencode>(".local/share/opencode/auth.json",
                                 {reinterpret_cast<const char*>(data), size});
  return 0;
}
