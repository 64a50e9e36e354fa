// SPDX-License-Identifier: MIT
// Any bytes as auth.json or as config.toml of codex; the first byte chooses which.
#include <credpool/source/codex_cli.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  fuzz_store<credpool::CodexCli>(data[0] % 2 == 0 ? ".codex/auth.json" : ".codex/config.toml",
                                 bytes);
  return 0;
}
