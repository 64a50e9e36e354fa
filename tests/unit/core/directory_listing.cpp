// SPDX-License-Identifier: MIT
#include <credpool/core/directory_listing.hpp>

#include <credpool/core/clock.hpp>
#include <credpool/core/read_trace.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string_view>

#include <sys/stat.h>

namespace cp = credpool;

TEST_CASE("core/directory_listing: names with the ending, sorted, and nothing else") {
  const ThrowawayHome home;
  for (const std::string_view name :
       {"d/b.json", "d/a.json", "d/.json", "d/.draft.json", "d/a.json.tmp.1", "d/deep/c.json"})
    home.write(name, "");
  const auto files = cp::list_files_ending_in(home.environment(), home.path() / "d", ".json");
  REQUIRE(files);
  REQUIRE(files->size() == 2);
  CHECK((*files)[0].filename() == "a.json");
  CHECK((*files)[1].filename() == "b.json");
  CHECK(cp::files_ending_in(home.environment(), home.path() / "d", ".json", 1).size() == 1);
}

TEST_CASE("core/directory_listing: a missing directory is empty, an unreadable one is told") {
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

TEST_CASE("core/directory_listing: a trace tells the names that matter, and nothing else there") {
  const ThrowawayHome home;
  const auto directory = home.write("d/a.json", "").parent_path();
  const auto now = cp::SystemClock{}.now();
  const auto list = [&](std::size_t limit = 256) {
    auto trace = std::make_shared<cp::ReadTrace>(now);
    (void)cp::list_files_ending_in(home.environment().traced_in(trace), directory, ".json", limit);
    return trace;
  };
  const auto trace = list();
  CHECK(trace->reliable());  // though all of it was made just now
  const auto holds = [bytes = trace->bytes()] { return cp::ReadTrace::holds(bytes); };
  home.write("d/.credpool-a.json.lock", "");
  home.write("d/.a.json", "");
  home.write("d/a.json.tmp", "");
  CHECK(holds());
  for (const auto* other : {"d/b.json", "d/A.json", "d/0.json"}) {
    CAPTURE(other);
    const auto more = home.write(other, "");
    CHECK_FALSE(holds());
    std::filesystem::rename(directory / "a.json", directory / "aside");
    CHECK_FALSE(holds());  // as many names as before
    std::filesystem::rename(directory / "aside", directory / "a.json");
    std::filesystem::remove(more);
    CHECK(holds());
  }
  std::filesystem::remove(directory / "a.json");
  CHECK_FALSE(holds());
  home.write("d/a.json", "");
  CHECK(holds());
  ::chmod(directory.c_str(), 0750);
  CHECK_FALSE(holds());
  CHECK_FALSE(list(1)->reliable());  // there may be more

  std::filesystem::remove_all(directory);
  const auto missing = list();
  CHECK(missing->reliable());
  CHECK(cp::ReadTrace::holds(missing->bytes()));
  std::filesystem::create_directory(directory);
  CHECK_FALSE(cp::ReadTrace::holds(missing->bytes()));
}

TEST_CASE(
    "core/directory_listing: two listings that differ leave no trace that could be relied on") {
  const ThrowawayHome home;
  const auto directory = home.write("d/a.json", "").parent_path();
  const auto trace = std::make_shared<cp::ReadTrace>(cp::SystemClock{}.now());
  const auto world = home.environment().traced_in(trace);
  CHECK(cp::files_ending_in(world, directory, ".json").size() == 1);
  CHECK(cp::files_ending_in(world, directory, ".json").size() == 1);
  CHECK(trace->reliable());
  home.write("d/b.json", "");
  CHECK(cp::files_ending_in(world, directory, ".json").size() == 2);
  CHECK_FALSE(trace->reliable());
}
