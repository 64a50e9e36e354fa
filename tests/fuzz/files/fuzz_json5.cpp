// SPDX-License-Identifier: MIT
// The JSON5 reader and editor on any bytes: no crash, and an edit says what it should.
#include <credpool/config/json5.hpp>
#include <credpool/config/json5_edit.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace cp = credpool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto document = cp::parse_json5(text);
  if (!document) {
    if (document.error().place.find(':') == std::string::npos) std::abort();
    return 0;
  }
  // What is written as one line reads as the same value.
  const auto again = cp::parse_json5(cp::write_json5(*document), {.max_bytes = size * 8 + 64});
  if (!again || !(*again == *document)) std::abort();
  if (document->object() == nullptr) return 0;

  const std::vector<std::string> added{"fuzzed key"};
  const auto edited = cp::edit_json5(text, added, "value");
  if (!edited || *cp::parse_json5(*edited)->find(added[0]) != cp::Json5Value{"value"}) std::abort();
  for (const auto& member : *document->object()) {
    const std::vector<std::string> path{member.key};
    if (!cp::edit_json5(text, path, 1)) std::abort();
    const auto removed = cp::remove_json5(text, path);
    if (!removed || cp::parse_json5(*removed)->find(member.key) != nullptr) std::abort();
  }
  return 0;
}
