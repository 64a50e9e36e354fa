// SPDX-License-Identifier: MIT
// Any bytes as a slot, as config.toml or as the region file of Kimi Code; the first byte chooses.
#include <credpool/source/kimi_code.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 3) {
    case 0:
      fuzz_store<credpool::KimiCode>(".kimi-code/credentials/kimi-code.json", bytes);
      break;
    case 1:
      fuzz_store<credpool::KimiCode>(".kimi-code/config.toml", bytes);
      break;
    default:
      fuzz_store<credpool::KimiCode>(".kimi-code/region", bytes);
      break;
  }
  return 0;
}
