// SPDX-License-Identifier: MIT
#include <credpool/impl/proxy/usage_search.hpp>

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>

namespace cp = credpool;

TEST_CASE("proxy/usage_search: the last name is found as rfind() finds it") {
  constexpr std::string_view name = R"("usage")";
  std::mt19937 random{5};
  constexpr std::array<std::string_view, 8> pieces{name,      "\"", "e\"", "usage\"",
                                                   "\"see\"", "e",  "x",   "\"usag"};
  int found = 0;
  bool same = true;
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (auto left = random() % 40; left > 0; --left) text += pieces[random() % pieces.size()];
    // Often none, or only one far in front.
    if (round % 2 == 0)
      for (auto at = text.find(name, round % 4 == 0 ? 7 : 0); at != text.npos; at = text.find(name))
        text.erase(at, 1);
    const auto last = cp::detail::usage_find_last(text);
    same = same && last == text.rfind(name);
    if (last != text.npos) ++found;
  }
  CHECK(same);
  CHECK(found > 10'000);
  // Alone, at every place: that it is found in blocks, and not only in the rest in front of them.
  for (std::size_t before = 0; before < 40; ++before) {
    for (std::size_t behind = 0; behind < 40; ++behind) {
      const auto text = std::string(before, 'e') + std::string{name} + std::string(behind, 'x');
      CHECK(cp::detail::usage_find_last(text) == before);
    }
  }
  CHECK(cp::detail::usage_find_last("") == std::string_view::npos);
}
