// SPDX-License-Identifier: MIT
// Any bytes as hosts.yml of gh, or as .aider.conf.yml; the first byte chooses which.
#include <credpool/source/aider.hpp>
#include <credpool/source/gh_cli.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  if (data[0] % 2 == 0) {
    fuzz_store<credpool::GhCli>(".config/gh/hosts.yml", bytes);
  } else {
    fuzz_store<credpool::Aider>(".aider.conf.yml", bytes);
  }
  return 0;
}
