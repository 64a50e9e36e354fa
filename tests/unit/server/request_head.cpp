// SPDX-License-Identifier: MIT
#include <credpool/server/request_head.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace cp = credpool;

TEST_CASE(
    "server/request_head: names are the same in any case of their letters, and of nothing else") {
  const auto lower = [](int byte) { return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte; };
  std::vector<std::string> wrong;
  // Each pair of bytes at the beginning, in the middle and at the end of names of all lengths.
  for (const std::size_t size : {1, 2, 7, 8, 9, 15, 16, 17, 30}) {
    for (const auto at : {std::size_t{0}, size / 2, size - 1}) {
      std::string one(size, 'x');
      std::string two(size, 'X');
      for (int left = 0; left < 256; ++left) {
        for (int right = 0; right < 256; ++right) {
          one[at] = static_cast<char>(left);
          two[at] = static_cast<char>(right);
          if (cp::same_header_name(one, two) != (lower(left) == lower(right)))
            wrong.push_back(one + " and " + two);
        }
      }
    }
  }
  CHECK(wrong == std::vector<std::string>{});
  CHECK(cp::same_header_name("", ""));
  CHECK_FALSE(cp::same_header_name("content-length", "content-lengt"));
  CHECK_FALSE(cp::same_header_name("content-length", "xontent-length"));
}

TEST_CASE("server/request_head: the first header of a name counts") {
  const std::vector<cp::HeaderView> headers{
      {"Accept", "a"}, {"X-Api-Key", "1"}, {"x-api-key", "2"}};
  CHECK(cp::find_header(headers, "x-api-key") == "1");
  CHECK_FALSE(cp::find_header(headers, "x-api"));
}
