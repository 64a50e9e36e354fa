// SPDX-License-Identifier: MIT
#include <credpool/store/state_directory.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>

namespace cp = credpool;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& path) {
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

cp::Environment environment_of(fs::path home, uid_t user) {
  cp::Environment::Facts facts;
  facts.home = std::move(home);
  facts.working_directory = "/";
  facts.user = user;
  return cp::Environment{std::move(facts)};
}

}  // namespace

TEST_CASE("store/state_directory: the default place, and finding it writes nothing") {
  const ThrowawayHome home;
  const auto directory = cp::StateDirectory::locate(home.environment());
  REQUIRE(directory);
  CHECK(directory->path() == home.path() / ".local/state/credpool");
  CHECK(directory->state_file() == directory->path() / "state.sqlite");
  CHECK(directory->secrets_file() == directory->path() / "secrets.json");
  CHECK(directory->key_file() == directory->path() / "key");
  CHECK(fs::is_empty(home.path()));
}

TEST_CASE(
    "store/state_directory: XDG_STATE_HOME is followed when absolute, ignored when relative") {
  const ThrowawayHome home;
  const auto elsewhere = (home.path() / "elsewhere").string();
  const auto absolute =
      cp::StateDirectory::locate(home.environment({{"XDG_STATE_HOME", elsewhere}}));
  REQUIRE(absolute);
  CHECK(absolute->path() == fs::path{elsewhere} / "credpool");
  const auto relative = cp::StateDirectory::locate(home.environment({{"XDG_STATE_HOME", "here"}}));
  REQUIRE(relative);
  CHECK(relative->path() == home.path() / ".local/state/credpool");
}

TEST_CASE("store/state_directory: a configured place must be absolute") {
  const ThrowawayHome home;
  const auto chosen = cp::StateDirectory::locate(home.environment(), home.path() / "mine/");
  REQUIRE(chosen);
  CHECK(chosen->state_file() == home.path() / "mine/state.sqlite");
  const auto relative = cp::StateDirectory::locate(home.environment(), "mine");
  REQUIRE_FALSE(relative);
  CHECK(relative.error().errc() == cp::Errc::configuration);
}

TEST_CASE("store/state_directory: every directory is made 0700, whatever the umask") {
  for (const mode_t mask : {0000, 0022, 0777}) {
    CAPTURE(mask);
    const ThrowawayHome home;
    const auto directory = cp::StateDirectory::locate(home.environment());
    REQUIRE(directory);
    const auto before = ::umask(mask);
    const auto made = directory->create();
    ::umask(before);
    REQUIRE(made);
    for (const auto* part : {".local", ".local/state", ".local/state/credpool"})
      CHECK(mode_of(home.path() / part) == 0700);
    CHECK(directory->create());  // a second time is fine
  }
}

TEST_CASE(
    "store/state_directory: B12 no home, home / and a missing home are errors, nothing is "
    "written") {
  const uid_t ordinary = 12345;
  for (const char* home : {"", "relative", "/", "//", "/./", "/nonexistent-credpool-home"}) {
    CAPTURE(home);
    const auto directory = cp::StateDirectory::locate(environment_of(home, ordinary));
    REQUIRE_FALSE(directory);
    CHECK(directory.error().errc() == cp::Errc::configuration);
    CHECK_FALSE(directory.error().hint.empty());
  }
  CHECK_FALSE(fs::exists("/nonexistent-credpool-home"));
  // An absolute XDG_STATE_HOME is enough without a home.
  const ThrowawayHome home;
  const auto environment =
      environment_of("", ::geteuid()).with_variable("XDG_STATE_HOME", home.path().string());
  const auto directory = cp::StateDirectory::locate(environment);
  REQUIRE(directory);
  CHECK(directory->path() == home.path() / "credpool");
}

TEST_CASE("store/state_directory: B1 a parent that others may write is refused with its chmod") {
  const ThrowawayHome home;
  const auto shared = home.path() / ".local";
  fs::create_directory(shared);
  for (const mode_t mode : {0770, 0702, 0777}) {
    CAPTURE(mode);
    REQUIRE(::chmod(shared.c_str(), mode) == 0);
    const auto directory = cp::StateDirectory::locate(home.environment());
    REQUIRE_FALSE(directory);
    CHECK(directory.error().errc() == cp::Errc::unsafe_file);
    CHECK(directory.error().place == shared.string());
    CHECK(directory.error().hint.find("chmod go-w '" + shared.string() + "'") != std::string::npos);
  }
  REQUIRE(::chmod(shared.c_str(), 01777) == 0);  // sticky: only owners rename
  CHECK(cp::StateDirectory::locate(home.environment()));
  REQUIRE(::chmod(shared.c_str(), 0755) == 0);
  CHECK(cp::StateDirectory::locate(home.environment()));
}

TEST_CASE("store/state_directory: B1 a directory of another user is refused") {
  const ThrowawayHome home;
  const auto path = home.path() / ".local";
  fs::create_directory(path);
  // Root gives the directory away; anybody else takes another user's point of view.
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
  const auto environment = root ? home.environment() : environment_of(home.path(), ::geteuid() + 1);
  const auto directory = cp::StateDirectory::locate(environment);
  REQUIRE_FALSE(directory);
  CHECK(directory.error().errc() == cp::Errc::unsafe_file);
}

TEST_CASE("store/state_directory: B2 where a link leads is judged too") {
  const ThrowawayHome home;
  fs::create_directories(home.path() / "open/inner");
  fs::create_directory(home.path() / ".local");
  fs::create_directory_symlink(home.path() / "open/inner", home.path() / ".local/state");
  CHECK(cp::StateDirectory::locate(home.environment()));
  REQUIRE(::chmod((home.path() / "open").c_str(), 0777) == 0);
  const auto directory = cp::StateDirectory::locate(home.environment());
  REQUIRE_FALSE(directory);
  CHECK(directory.error().place == (home.path() / "open").string());
}

TEST_CASE("store/state_directory: B1 what lies above a path that begins here is judged too") {
  const ThrowawayHome home;
  fs::create_directories(home.path() / "open/here/state");
  const auto before = fs::current_path();
  fs::current_path(home.path() / "open/here");
  const auto user = home.environment().user();
  const bool safe = cp::check_safe_directory("state", user).has_value();
  REQUIRE(::chmod((home.path() / "open").c_str(), 0777) == 0);
  const auto judged = cp::check_safe_directory("state", user);
  fs::current_path(before);
  CHECK(safe);
  REQUIRE_FALSE(judged);
  CHECK(judged.error().place == (home.path() / "open").string());
}

TEST_CASE("store/state_directory: B4 a file where a directory should be") {
  const ThrowawayHome home;
  home.write(".local/state", "not a directory");
  const auto directory = cp::StateDirectory::locate(home.environment());
  REQUIRE_FALSE(directory);
  CHECK(directory.error().errc() == cp::Errc::unsafe_file);
}

TEST_CASE("store/state_directory: B12 a parent that cannot be written is a clear error") {
  const ThrowawayHome home;
  // /proc takes no new directories, not even from root.
  const auto directory =
      cp::StateDirectory::locate(home.environment(), "/proc/credpool-cannot-be-here");
  REQUIRE(directory);
  const auto made = directory->create();
  REQUIRE_FALSE(made);
  CHECK(made.error().place == "/proc/credpool-cannot-be-here");
}
