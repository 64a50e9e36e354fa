// SPDX-License-Identifier: MIT
// Any bytes as auth.v2.file of droid (even first byte), or as the text inside of it (odd).
#include <credpool/source/droid.hpp>

#include "store_fuzzer.hpp"

#include <droid_seal.hpp>

namespace {

/// Droid with a key beside its store.
struct KeyedDroid : credpool::Droid {
  credpool::Result<std::vector<credpool::Credential>> discover(
      const credpool::Environment& environment) const {
    std::ofstream{*environment.home() / ".factory/auth.v2.key"} << droid_test_key;
    return Droid::discover(environment);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  fuzz_store<KeyedDroid>(
      ".factory/auth.v2.file",
      data[0] % 2 == 0 ? std::string{bytes} : sealed_for_droid(bytes, data[0] % 4 == 1 ? 12 : 16));
  return 0;
}
