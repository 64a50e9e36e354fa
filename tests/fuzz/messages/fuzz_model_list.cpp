// SPDX-License-Identifier: MIT
#include <credpool/proxy/model_list.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace cp = credpool;

// Input: a provider's answer. What was taken of it, written and read again, is the same list.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body{reinterpret_cast<const char*>(data), size};
  for (const auto dialect : {cp::Dialect::openai, cp::Dialect::anthropic}) {
    cp::ModelList list{{.max_answer_bytes = 1 << 16, .max_models = 8, .max_id_bytes = 64}};
    const auto added = list.add_answer("acme", body);
    if (added > 8 || added != list.size()) std::abort();
    const auto text = list.write(dialect);
    for (const char c : text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
    cp::ModelList again;
    if (again.add_answer("acme", text) != added || again.write(dialect) != text) std::abort();
  }
  return 0;
}
