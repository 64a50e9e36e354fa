// SPDX-License-Identifier: MIT
#include <credpool/pool/explain.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace cp = credpool;

TEST_CASE("pool/explain: docs/concepts/pool.md has one row for every Eligibility") {
  const auto tests = std::filesystem::path{CREDPOOL_TEST_DATA}.parent_path();
  std::ifstream page{tests.parent_path() / "docs/concepts/pool.md"};
  REQUIRE(page);
  std::multiset<std::string> rows;
  bool in_table = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) in_table = line == "## Why a credential does not serve";
    if (in_table && line.starts_with("| `")) rows.insert(line.substr(3, line.find('`', 3) - 3));
  }
  std::size_t names = 0;
  for (int i = 0;; ++i) {
    const auto name = to_string(static_cast<cp::Eligibility>(i));
    if (name == "unknown") break;
    ++names;
    CAPTURE(name);
    CHECK(rows.count(std::string{name}) == 1);
  }
  CHECK(names == rows.size());
  CHECK(names == static_cast<std::size_t>(cp::Eligibility::already_tried) + 1);
}
