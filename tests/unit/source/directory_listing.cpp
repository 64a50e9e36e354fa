// SPDX-License-Identifier: MIT
#include <credpool/source/directory_listing.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace cp = credpool;

TEST_CASE("source/directory_listing: names with the ending, sorted, and nothing else") {
  const ThrowawayHome home;
  for (const std::string_view name :
       {"d/b.json", "d/a.json", "d/.json", "d/a.json.tmp.1", "d/deep/c.json"})
    home.write(name, "");
  const auto files = cp::list_files_ending_in(home.environment(), home.path() / "d", ".json");
  REQUIRE(files);
  REQUIRE(files->size() == 2);
  CHECK((*files)[0].filename() == "a.json");
  CHECK((*files)[1].filename() == "b.json");
  CHECK(cp::files_ending_in(home.environment(), home.path() / "d", ".json", 1).size() == 1);
}

TEST_CASE("source/directory_listing: a missing directory is empty, an unreadable one is told") {
  const ThrowawayHome home;
  const auto missing = cp::list_files_ending_in(home.environment(), home.path() / "none", ".json");
  REQUIRE(missing);
  CHECK(missing->empty());
  home.write("file", "");
  CHECK(cp::files_ending_in(home.environment(), home.path() / "file", ".json").empty());
  // A link to itself cannot be listed by anybody, root included.
  std::filesystem::create_symlink("loop", home.path() / "loop");
  CHECK(
      cp::list_files_ending_in(home.environment(), home.path() / "loop", ".json").error().errc() ==
      cp::Errc::io);
}
