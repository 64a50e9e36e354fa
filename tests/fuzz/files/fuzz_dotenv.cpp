// SPDX-License-Identifier: MIT
// Any bytes as a .env file: read by the source, and every name and value comes out of the text.
#include <credpool/source/dotenv.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  std::size_t taken = 0;
  for (const auto& [name, value] : credpool::parse_dotenv(text)) {
    if (name.empty()) std::abort();
    taken += name.size() + value.size() + 1;  // the sign between them
  }
  if (taken > size) std::abort();
  fuzz_store<credpool::DotenvKeys>(".env", text);
  return 0;
}
