// SPDX-License-Identifier: MIT
#include <credpool/core/read_trace.hpp>

#include <credpool/core/clock.hpp>
#include <credpool/core/file.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <functional>

#include <fcntl.h>

namespace cp = credpool;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

using Of = cp::ReadTrace::Of;

/// So late that everything has settled.
cp::TimePoint later() {
  return cp::SystemClock{}.now() + 1h;
}

void set_times(const fs::path& path, const struct stat& facts) {
  const std::array<timespec, 2> times{facts.st_atim, facts.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
}

struct Home : ThrowawayHome {
  fs::path file = write("dir/file", "text");
  fs::path nothing = path() / "dir/nothing";
  fs::path far_nothing = path() / "no/where/at/all";
  fs::path link = path() / "link";
  fs::path way = path() / "way";
  Home() {
    fs::create_symlink("dir/file", link);
    fs::create_directory_symlink("dir", way);
  }
  std::string trace(Of what = Of::contents) const {
    cp::ReadTrace trace{later()};
    for (const auto& each : {file, nothing, far_nothing, link, way / "file", path() / "dir"})
      trace.look(each.native(), what);
    REQUIRE(trace.reliable());
    return trace.bytes();
  }
};

}  // namespace

TEST_CASE("core/read_trace: it holds while nothing has changed, whatever is read or lies beside") {
  const Home home;
  const auto trace = home.trace();
  CHECK(cp::ReadTrace::holds(trace));
  CHECK(cp::read_file(home.link, home.environment()));
  home.write("other", "text");
  home.write("more/other", "text");
  CHECK(cp::ReadTrace::holds(trace));
}

TEST_CASE("core/read_trace: every change of what was noted is a difference") {
  const std::vector<std::pair<std::string_view, std::function<void(const Home&)>>> changes{
      {"other bytes, of the same size at the same time",
       [](const Home& home) {
         struct stat facts {};
         REQUIRE(::stat(home.file.c_str(), &facts) == 0);
         home.write("dir/file", "TEXT");
         set_times(home.file, facts);
       }},
      {"more bytes", [](const Home& home) { home.write("dir/file", "text and more"); }},
      {"replaced by the same",
       [](const Home& home) {
         home.write("new", "text");
         fs::rename(home.path() / "new", home.file);
       }},
      {"removed", [](const Home& home) { fs::remove(home.file); }},
      {"the rights of a file", [](const Home& home) { ::chmod(home.file.c_str(), 0640); }},
      {"the rights of a directory on the way",
       [](const Home& home) { ::chmod((home.path() / "dir").c_str(), 0770); }},
      {"another name of the file",
       [](const Home& home) { fs::create_hard_link(home.file, home.path() / "again"); }},
      {"something where there was nothing",
       [](const Home& home) { home.write("dir/nothing", ""); }},
      {"a directory on the way to where there was nothing",
       [](const Home& home) { fs::create_directory(home.path() / "no"); }},
      {"a link that leads nowhere, where there was nothing",
       [](const Home& home) { fs::create_symlink("/no/where", home.nothing); }},
      {"a link that leads elsewhere",
       [](const Home& home) {
         home.write("same", "text");
         fs::remove(home.link);
         fs::create_symlink("same", home.link);
       }},
      {"the same link made anew",
       [](const Home& home) {
         fs::remove(home.link);
         fs::create_symlink("dir/file", home.link);
       }},
      {"a directory on the way that leads elsewhere",
       [](const Home& home) {
         home.write("elsewhere/file", "text");
         fs::remove(home.way);
         fs::create_directory_symlink("elsewhere", home.way);
       }},
      {"a name more in a directory", [](const Home& home) { home.write("dir/more", ""); }},
      {"a directory in a file's place",
       [](const Home& home) {
         fs::remove(home.file);
         fs::create_directory(home.file);
       }},
  };
  for (const auto& entry : changes) {
    const auto what = entry.first;
    CAPTURE(what);
    const Home home;
    const auto trace = home.trace();
    REQUIRE(cp::ReadTrace::holds(trace));
    entry.second(home);
    CHECK_FALSE(cp::ReadTrace::holds(trace));
  }
}

TEST_CASE("core/read_trace: of an identity, what a directory holds does not matter") {
  const ThrowawayHome home;
  const auto directory = home.write("dir/file", "text").parent_path();
  cp::ReadTrace trace{later()};
  trace.look(directory.native(), Of::identity);
  const auto identity = trace.bytes();
  trace.look(directory.native(), Of::contents);  // asked for more: both matter
  const auto contents = trace.bytes();
  home.write("dir/more", "text");
  CHECK(cp::ReadTrace::holds(identity));
  CHECK_FALSE(cp::ReadTrace::holds(contents));
  fs::remove_all(directory);
  CHECK_FALSE(cp::ReadTrace::holds(identity));
}

TEST_CASE("core/read_trace: below what is not there is nothing, in whatever order it is asked") {
  const ThrowawayHome home;
  const auto nothing = home.path() / "no";
  for (const bool first_above : {true, false}) {
    cp::ReadTrace trace{later()};
    if (first_above) CHECK(trace.look(nothing.native()) == false);
    CHECK(trace.look((nothing / "where").native()) == false);
    CHECK(trace.look((nothing / "where/at/all").native()) == false);
    CHECK(trace.look(nothing.native()) == false);
    CHECK(cp::ReadTrace::holds(trace.bytes()));
    CHECK(trace.bytes().find("where") ==
          std::string::npos);  // that there is no way there is enough
    const auto file = home.write("no", "a file has nothing below it either");
    CHECK_FALSE(cp::ReadTrace::holds(trace.bytes()));
    fs::remove(file);
  }
}

TEST_CASE("core/read_trace: what was noted first counts") {
  const ThrowawayHome home;
  const auto directory = home.write("dir/file", "text").parent_path();
  cp::ReadTrace swapped{later()};
  swapped.look(directory.native(), Of::identity);
  fs::rename(directory, home.path() / "aside");
  home.write("dir/file", "text");
  swapped.look(directory.native(), Of::contents);
  CHECK_FALSE(swapped.reliable());
  const auto file = home.write("file", "text");
  cp::ReadTrace trace{later()};
  trace.look(file.native());
  home.write("file", "other text");
  trace.look(file.native());
  CHECK_FALSE(cp::ReadTrace::holds(trace.bytes()));
}

TEST_CASE("core/read_trace: what has changed just now, or cannot be told, makes it unreliable") {
  const ThrowawayHome home;
  const auto file = home.write("file", "text");
  const auto reliable = [&](cp::TimePoint begun, const fs::path& path, Of what = Of::contents) {
    cp::ReadTrace trace{begun};
    trace.look(path.native(), what);
    return trace.reliable();
  };
  const auto now = cp::SystemClock{}.now();
  CHECK_FALSE(reliable(now, file));
  CHECK_FALSE(reliable(now + 1s, file));
  CHECK(reliable(now + 4s, file));
  CHECK(reliable(now, home.path() / "nothing"));
  CHECK(reliable(now, home.path(), Of::identity));
  CHECK_FALSE(reliable(later(), "relative"));
  CHECK_FALSE(reliable(later(), "/proc/self/status"));  // no time of its own
  CHECK_FALSE(reliable(later(), home.path() / std::string(300, 'x')));
  cp::ReadTrace spoilt{later()};
  spoilt.spoil();
  CHECK_FALSE(spoilt.reliable());
}

TEST_CASE("core/read_trace: a directory that may not be searched is a state of its own") {
  const ThrowawayHome home;
  const auto file = home.write("dir/file", "text");
  // Root may search everything: as nobody it may not.
  const bool root = ::getuid() == 0;
  const auto close = [&] { return root ? ::seteuid(65534) : ::chmod(home.path().c_str(), 0); };
  const auto open = [&] { return root ? ::seteuid(0) : ::chmod(home.path().c_str(), 0700); };
  cp::ReadTrace trace{later()};
  REQUIRE(close() == 0);
  const auto there = trace.look(file.native());
  const auto bytes = trace.bytes();
  const bool held = cp::ReadTrace::holds(bytes);
  REQUIRE(open() == 0);
  CHECK(there == false);
  CHECK(trace.reliable());
  CHECK(held);
  CHECK_FALSE(cp::ReadTrace::holds(bytes));
}

TEST_CASE("core/read_trace: times that no 64 bits of nanoseconds hold") {
  const ThrowawayHome home;
  const auto file = home.write("file", "text");
  const std::array<timespec, 2> far{timespec{20'000'000'000, 0}, timespec{20'000'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), far.data(), 0) == 0);
  cp::ReadTrace trace{later()};
  trace.look(file.native());
  CHECK(cp::ReadTrace::holds(trace.bytes()));
}

TEST_CASE("core/read_trace: a variable of a window spoils it, others do not") {
  const ThrowawayHome home;
  const auto trace = std::make_shared<cp::ReadTrace>(later());
  const auto world = home.environment({{"TERM", "xterm"}}).traced_in(trace);
  CHECK_FALSE(world.variable("OPENAI_API_KEY"));
  CHECK_FALSE(cp::names_a_window("OPENAI_API_KEY"));
  CHECK(trace->reliable());
  for (const auto* name : {"TERM", "PWD", "WINDOWID", "INVOCATION_ID", "KITTY_PID"})
    CHECK(cp::names_a_window(name));
  CHECK(world.variable("TERM") == "xterm");
  CHECK_FALSE(trace->reliable());
}

TEST_CASE("core/read_trace: bytes that are no trace do not hold") {
  const Home home;
  const auto trace = home.trace();
  CHECK(cp::ReadTrace::holds(""));
  for (std::size_t size = 1; size < 200; ++size) {
    const auto cut = trace.substr(0, size);
    if (cut.back() != '\0' || cut.size() < 60) CHECK_FALSE(cp::ReadTrace::holds(cut));
  }
  CHECK_FALSE(cp::ReadTrace::holds(std::string(500, '\0')));
  cp::ReadTrace listed{later()};
  listed.note_names((home.path() / "dir").native(), "le", {"file"});
  const auto names = listed.bytes();
  REQUIRE(cp::ReadTrace::holds(names));
  for (auto size = names.rfind("n/") + 1; size < names.size(); ++size)
    CHECK_FALSE(cp::ReadTrace::holds(names.substr(0, size)));
}

TEST_CASE("core/read_trace: an environment notes what is read and looked for on its behalf") {
  const ThrowawayHome home;
  const auto file = home.write("file", "text");
  home.write("bin/tool", "#!/bin/sh\n", 0755);
  home.write("bin/no-tool", "text", 0644);
  const auto path = (home.path() / "bin").string() + ":" + (home.path() / "more").string();
  const auto trace_of = [&](auto&& read) {
    auto trace = std::make_shared<cp::ReadTrace>(later());
    read(home.environment({{"PATH", path}}).traced_in(trace).with_variable("X", "y"));
    CHECK(trace->reliable());
    return trace->bytes();
  };
  const auto read = trace_of([&](const auto& world) { CHECK(cp::read_file(file, world)); });
  const auto missing = trace_of(
      [&](const auto& world) { CHECK_FALSE(cp::inspect_file(home.path() / "later", world)); });
  const auto tool = trace_of([&](const auto& world) { CHECK(world.find_program("tool")); });
  const auto no_tool =
      trace_of([&](const auto& world) { CHECK_FALSE(world.find_program("no-tool")); });
  const auto no_such =
      trace_of([&](const auto& world) { CHECK_FALSE(world.find_program("such")); });

  ::chmod((home.path() / "bin/no-tool").c_str(), 0755);
  CHECK(cp::ReadTrace::holds(tool));
  CHECK_FALSE(cp::ReadTrace::holds(no_tool));
  CHECK(cp::ReadTrace::holds(no_such));
  home.write("more/such", "#!/bin/sh\n", 0755);
  CHECK_FALSE(cp::ReadTrace::holds(no_such));
  CHECK(cp::ReadTrace::holds(tool));  // it was found before that
  home.write("file", "text");
  CHECK_FALSE(cp::ReadTrace::holds(read));
  CHECK(cp::ReadTrace::holds(missing));
  home.write("later", "text");
  CHECK_FALSE(cp::ReadTrace::holds(missing));
}
