// SPDX-License-Identifier: MIT
// Reads documents from standard input, each ended by NUL, and prints what each says, one a line, in
// a form that does not depend on how a language writes numbers: see compare.mjs.
#include <credpool/config/json5.hpp>
#include <credpool/core/hash.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

namespace cp = credpool;

namespace {

std::string canonical(const cp::Json5Value& value) {
  if (const auto* b = value.boolean()) return *b ? "t" : "f";
  if (const auto* s = value.string()) return "s" + cp::to_hex(std::string_view{*s});
  if (const auto* n = value.number()) {
    if (std::isnan(*n)) return "nan";
    char digits[20];
    std::snprintf(digits, sizeof digits, "d%016llx",
                  static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(*n)));
    return digits;
  }
  std::string out;
  if (const auto* elements = value.array()) {
    for (const auto& element : *elements) out += canonical(element) + ",";
    return "[" + out + "]";
  }
  if (const auto* members = value.object()) {
    for (const auto& member : *members)
      out += cp::to_hex(std::string_view{member.key}) + ":" + canonical(member.value) + ",";
    return "{" + out + "}";
  }
  return "null";
}

}  // namespace

int main() {
  for (std::string text; std::getline(std::cin, text, '\0');) {
    const auto value = cp::parse_json5(text);
    std::cout << (value ? canonical(*value) : "refused") << '\n';
  }
}
