// SPDX-License-Identifier: MIT
// Any bytes as the login or as the settings of qwen-code; the first byte chooses which.
#include <credpool/source/qwen_cli.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  fuzz_store<credpool::QwenCli>(data[0] % 2 == 0 ? ".qwen/oauth_creds.json" : ".qwen/settings.json",
                                bytes);
  return 0;
}
