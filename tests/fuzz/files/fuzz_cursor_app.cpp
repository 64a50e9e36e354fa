// SPDX-License-Identifier: MIT
// Any bytes as the database of the Cursor app.
#include <credpool/source/cursor_app.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz_store<credpool::CursorApp>(".config/Cursor/User/globalStorage/state.vscdb",
                                  {reinterpret_cast<const char*>(data), size});
  return 0;
}
