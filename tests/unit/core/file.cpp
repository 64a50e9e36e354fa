// SPDX-License-Identifier: MIT
#include <credpool/core/file.hpp>

#include <credpool/core/platform.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include <sys/socket.h>
#include <sys/un.h>

namespace cp = credpool;

namespace {

std::string text_of(const std::filesystem::path& path, const ThrowawayHome& home) {
  const auto file = cp::read_file(path, home.environment());
  REQUIRE(file);
  return std::string{file->bytes.reveal()};
}

cp::Error refusal(const std::filesystem::path& path, const ThrowawayHome& home,
                  cp::FileRules rules = {}) {
  const auto file = cp::read_file(path, home.environment(), rules);
  REQUIRE_FALSE(file);
  return file.error();
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{directory})
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

}  // namespace

TEST_CASE("core/file: bytes and facts of a file") {
  const ThrowawayHome home;
  const std::string bytes{"a\0b\n", 4};
  const auto path = home.write("d/file", bytes);
  const auto file = cp::read_file(path, home.environment());
  REQUIRE(file);
  CHECK(file->bytes.reveal() == bytes);
  CHECK(file->facts.path == path);
  CHECK(file->facts.resolved == path);
  CHECK_FALSE(file->facts.symbolic_link);
  CHECK(file->facts.mode == 0600);
  CHECK(file->facts.size == 4);
  CHECK(file->facts.inode != 0);
  CHECK(file->facts.modified > cp::TimePoint{});
  CHECK(file->facts.warnings.empty());
  home.write("d/empty", "");
  CHECK(text_of(home.path() / "d/empty", home).empty());
}

TEST_CASE("core/file: B1 what others can read or replace is told with the command that mends it") {
  const ThrowawayHome home;
  const auto warnings = [&](const std::filesystem::path& path, cp::FileRules rules = {}) {
    const auto file = cp::read_file(path, home.environment(), rules);
    REQUIRE(file);
    return file->facts.warnings;
  };
  const auto path = home.write("d/file", "x", 0640);
  REQUIRE(warnings(path).size() == 1);
  CHECK(warnings(path)[0].kind == cp::FileWarning::Kind::readable_by_others);
  CHECK(warnings(path)[0].repair == "chmod 600 '" + path.string() + "'");
  CHECK(warnings(path, cp::config_file_rules).empty());

  ::chmod(path.c_str(), 0600);
  ::chmod(path.parent_path().c_str(), 0770);
  REQUIRE(warnings(path).size() == 1);
  CHECK(warnings(path)[0].kind == cp::FileWarning::Kind::writable_parent);
  CHECK(warnings(path)[0].repair == "chmod go-w '" + path.parent_path().string() + "'");
  ::chmod(path.parent_path().c_str(), 01777);  // as /tmp: only the owner may replace a file
  CHECK(warnings(path).empty());
}

TEST_CASE("core/file: B1 a repair command does what it says, whatever the path") {
  const ThrowawayHome home;
  const auto path = home.write("it's $(id)/file", "x", 0644);
  const auto file = cp::read_file(path, home.environment());
  REQUIRE(file);
  REQUIRE(file->facts.warnings.size() == 1);
  CHECK(file->facts.warnings[0].repair ==
        "chmod 600 '" + home.path().string() + "/it'\\''s $(id)/file'");
}

TEST_CASE("core/file: B1 another owner's file is refused, root's is not") {
  const ThrowawayHome home;
  const auto path = home.write("file", "x");
  cp::Environment::Facts facts;
  facts.home = home.path();
  facts.user = ::geteuid() + 1;
  const auto as_somebody_else = cp::read_file(path, cp::Environment{facts});
  if (::geteuid() == 0) {
    REQUIRE(as_somebody_else);  // it is root's
    CHECK(as_somebody_else->facts.warnings.empty());
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    const auto error = refusal(path, home);
    CHECK(error.errc() == cp::Errc::unsafe_file);
    CHECK(error.hint.find("65534") != std::string::npos);
  } else {
    REQUIRE_FALSE(as_somebody_else);
    CHECK(as_somebody_else.error().errc() == cp::Errc::unsafe_file);
  }
}

TEST_CASE("core/file: B1 a directory of another owner is told") {
  const ThrowawayHome home;
  const auto path = home.write("d/file", "x");
  if (::geteuid() != 0) {
    CHECK(text_of(path, home) == "x");  // only root can make the fault
    return;
  }
  REQUIRE(::chown(path.parent_path().c_str(), 65534, 65534) == 0);
  const auto file = cp::read_file(path, home.environment());
  REQUIRE(file);
  REQUIRE(file->facts.warnings.size() == 1);
  CHECK(file->facts.warnings[0].repair == "chown 0 '" + path.parent_path().string() + "'");
}

TEST_CASE("core/file: B2 links are followed for the CLIs' files and never for ours") {
  const ThrowawayHome home;
  const auto target = home.write("d/target", "x");
  const auto link = home.path() / "link";
  std::filesystem::create_symlink(target, link);
  const auto file = cp::read_file(link, home.environment());
  REQUIRE(file);
  CHECK(file->facts.symbolic_link);
  CHECK(file->facts.path == link);
  CHECK(file->facts.resolved == std::filesystem::canonical(target));
  CHECK(refusal(link, home, {.follow_symlink = false}).errc() == cp::Errc::unsafe_file);
  std::filesystem::remove(target);
  CHECK(refusal(link, home).errc() == cp::Errc::not_found);
}

TEST_CASE("core/file: B3 a second name is told") {
  const ThrowawayHome home;
  const auto path = home.write("file", "x");
  std::filesystem::create_hard_link(path, home.path() / "other");
  const auto file = cp::read_file(path, home.environment());
  REQUIRE(file);
  REQUIRE(file->facts.warnings.size() == 1);
  CHECK(file->facts.warnings[0].kind == cp::FileWarning::Kind::hard_linked);
}

TEST_CASE("core/file: B4 what is no regular file is refused at once") {
  const ThrowawayHome home;
  const auto fifo = home.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(refusal(fifo, home).errc() == cp::Errc::unsafe_file);
  CHECK(refusal(fifo, home).hint.find("FIFO") != std::string::npos);
  CHECK(refusal(home.path(), home).hint.find("directory") != std::string::npos);
  CHECK(refusal("/dev/zero", home).hint.find("device") != std::string::npos);
  std::filesystem::create_symlink("/dev/zero", home.path() / "zero");
  CHECK(refusal(home.path() / "zero", home).errc() == cp::Errc::unsafe_file);

  const auto socket_path = (home.path() / "socket").string();
  const cp::Descriptor socket{::socket(AF_UNIX, SOCK_STREAM, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(socket_path.size() < sizeof address.sun_path);
  std::copy(socket_path.begin(), socket_path.end(), address.sun_path);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(refusal(socket_path, home).hint.find("socket") != std::string::npos);
}

TEST_CASE("core/file: B4 a file of /proc, which lies about its size, is read under the cap") {
  const ThrowawayHome home;
  CHECK_FALSE(text_of("/proc/self/stat", home).empty());
  CHECK(refusal("/proc/self/stat", home, {.max_bytes = 8}).errc() == cp::Errc::too_large);
}

TEST_CASE("core/file: B5 a huge file is refused without being read") {
  const ThrowawayHome home;
  const auto path = home.write("file", "x");
  REQUIRE(::truncate(path.c_str(), 10LL << 30) == 0);
  CHECK(refusal(path, home).errc() == cp::Errc::too_large);
  REQUIRE(::truncate(path.c_str(), 64 * 1024) == 0);
  CHECK(text_of(path, home).size() == 64 * 1024);
  REQUIRE(::truncate(path.c_str(), 64 * 1024 + 1) == 0);
  CHECK(refusal(path, home).errc() == cp::Errc::too_large);
}

TEST_CASE("core/file: what is not there, or has a file for a directory, is not found") {
  const ThrowawayHome home;
  const auto path = home.write("file", "x");
  CHECK(refusal(home.path() / "none", home).errc() == cp::Errc::not_found);
  CHECK(refusal(path / "below", home).errc() == cp::Errc::not_found);
}

TEST_CASE("core/file: replacing keeps the old or the new file, and nothing besides") {
  const ThrowawayHome home;
  const auto path = home.path() / "file";
  REQUIRE(cp::replace_file(path, "one"));
  CHECK(text_of(path, home) == "one");
  CHECK(mode_of(path) == 0600);
  REQUIRE(cp::replace_file(path, "two", 0640));
  CHECK(mode_of(path) == 0640);
  REQUIRE(cp::replace_file(path, "three", 0600, true));
  CHECK(mode_of(path) == 0640);
  CHECK(text_of(path, home) == "three");
  CHECK(names_in(home.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("core/file: B2 replacing goes through a link, and a link that leads nowhere is refused") {
  const ThrowawayHome home;
  const auto target = home.write("d/target", "old");
  const auto link = home.path() / "link";
  std::filesystem::create_symlink(target, link);
  REQUIRE(cp::replace_file(link, "new"));
  CHECK(std::filesystem::is_symlink(link));
  CHECK(text_of(target, home) == "new");
  CHECK(names_in(target.parent_path()) == std::vector<std::string>{"target"});
  std::filesystem::remove(target);
  CHECK(cp::replace_file(link, "new").error().errc() == cp::Errc::unsafe_file);
}

TEST_CASE("core/file: B3 replacing one of two names leaves the other's content") {
  const ThrowawayHome home;
  const auto path = home.write("file", "old");
  std::filesystem::create_hard_link(path, home.path() / "other");
  REQUIRE(cp::replace_file(path, "new"));
  CHECK(text_of(home.path() / "other", home) == "old");
}

TEST_CASE("core/file: a file is judged without reading it, by the same rules") {
  const ThrowawayHome home;
  const auto path = home.write("file", "12345", 0644);
  const auto read = cp::read_file(path, home.environment());
  const auto facts = cp::inspect_file(path, home.environment());
  REQUIRE(facts);
  CHECK(facts->size == 5);
  CHECK(facts->inode == read->facts.inode);
  CHECK(facts->modified == read->facts.modified);
  REQUIRE(facts->warnings.size() == 1);
  CHECK(facts->warnings.front().repair == read->facts.warnings.front().repair);
  const auto error = [&](const std::filesystem::path& of, cp::FileRules rules = {}) {
    return cp::inspect_file(of, home.environment(), rules).error().errc();
  };
  CHECK(error(path, {4, true, true}) == cp::Errc::too_large);
  CHECK(error(home.path() / "none") == cp::Errc::not_found);
  CHECK(error(home.path()) == cp::Errc::unsafe_file);
  std::filesystem::create_symlink("file", home.path() / "link");
  CHECK(error(home.path() / "link", {64, false, true}) == cp::Errc::unsafe_file);
  CHECK(cp::inspect_file(home.path() / "link", home.environment())->resolved.filename() == "file");
}

TEST_CASE("core/file: a failed replacement leaves nothing behind") {
  const ThrowawayHome home;
  CHECK(cp::replace_file(home.path() / "none/file", "x").error().errc() == cp::Errc::not_found);
  std::filesystem::create_directory(home.path() / "taken");
  CHECK_FALSE(cp::replace_file(home.path() / "taken", "x"));
  CHECK(names_in(home.path()) == std::vector<std::string>{"taken"});
}

TEST_CASE("core/file: B11 what others left behind is not touched") {
  const ThrowawayHome home;
  std::vector<std::string> names{"file"};
  for (int i = 0; i < 100; ++i) {
    names.push_back("file.tmp." + std::to_string(i));
    home.write(names.back(), "leftover");
  }
  home.write("file", "old");
  std::sort(names.begin(), names.end());
  REQUIRE(cp::replace_file(home.path() / "file", "new"));
  CHECK(names_in(home.path()) == names);
}

TEST_CASE("core/file: private directories are 0700 whatever the umask") {
  const ThrowawayHome home;
  const auto before = ::umask(0);
  const auto made = cp::make_private_directory(home.path() / "a/b/c");
  ::umask(before);
  REQUIRE(made);
  CHECK(mode_of(home.path() / "a") == 0700);
  CHECK(mode_of(home.path() / "a/b/c") == 0700);
  CHECK(cp::make_private_directory(home.path() / "a/b/c"));
  const auto file = home.write("file", "");
  CHECK(cp::make_private_directory(file).error().errc() == cp::Errc::unsafe_file);
  CHECK(cp::make_private_directory(file / "below").error().errc() == cp::Errc::unsafe_file);
}
