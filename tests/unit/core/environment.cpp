// SPDX-License-Identifier: MIT
#include <credpool/core/environment.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace cp = credpool;
using std::filesystem::path;

namespace {

cp::Environment world(std::map<std::string, std::string, std::less<>> variables = {},
                      path home = "/home/tester") {
  cp::Environment::Facts facts;
  facts.variables = std::move(variables);
  facts.home = std::move(home);
  facts.working_directory = "/work";
  return cp::Environment{std::move(facts)};
}

}  // namespace

TEST_CASE("core/environment: an empty variable counts as unset") {
  const auto environment = world({{"A", "1"}, {"B", ""}});
  CHECK(environment.variable("A") == "1");
  CHECK_FALSE(environment.variable("B"));
  CHECK_FALSE(environment.variable("C"));
  CHECK(environment.variables().size() == 2);
}

TEST_CASE("core/environment: B12 no home, a relative one, the root directory") {
  for (const std::string_view home : {"", "relative/home"}) {
    CAPTURE(home);
    const auto environment = world({}, home);
    CHECK(environment.home().error().errc() == cp::Errc::configuration);
    CHECK(environment.home().error().place == "HOME");
    CHECK_FALSE(environment.config_home());
    CHECK_FALSE(environment.data_home());
    CHECK_FALSE(environment.state_home());
    CHECK_FALSE(environment.directory("X_HOME", ".x"));
  }
  CHECK(*world({}, "/").home() == "/");
  CHECK(*world({}, "/").directory("X_HOME", ".x") == "/.x");
}

TEST_CASE("core/environment: B12 XDG directories, a relative value is ignored") {
  CHECK(*world().config_home() == "/home/tester/.config");
  CHECK(*world().data_home() == "/home/tester/.local/share");
  CHECK(*world().state_home() == "/home/tester/.local/state");
  CHECK(*world({{"XDG_CONFIG_HOME", "/c"}}).config_home() == "/c");
  CHECK(*world({{"XDG_DATA_HOME", "/d"}}, "").data_home() == "/d");
  CHECK(*world({{"XDG_STATE_HOME", "relative"}}).state_home() == "/home/tester/.local/state");
  CHECK(*world({{"XDG_STATE_HOME", ""}}).state_home() == "/home/tester/.local/state");
}

TEST_CASE("core/environment: a CLI's own variable names its directory") {
  const auto at = [](const char* value) {
    return *world({{"X_HOME", value}}).directory("X_HOME", ".x");
  };
  CHECK(*world().directory("X_HOME", ".x") == "/home/tester/.x");
  CHECK(at("/x") == "/x");
  CHECK(at("~") == "/home/tester");
  CHECK(at("~/x") == "/home/tester/x");
  CHECK(at("x") == "/work/x");
  CHECK(at("~x") == "/work/~x");
}

TEST_CASE("core/environment: a program is an executable file on an absolute entry of PATH") {
  const ThrowawayHome home;
  home.write("a/tool", "", 0644);
  home.write("b/tool", "", 0755);
  home.write("c/tool/file", "");
  home.write("relative/tool", "", 0755);
  const auto at = [&](std::string_view name) { return (home.path() / name).string(); };
  const auto find = [&](const std::string& search, std::string_view name = "tool") {
    return home.environment({{"PATH", search}}).find_program(name);
  };
  CHECK(find(at("none") + ":" + at("a") + ":" + at("c") + ":" + at("b")) == path{at("b/tool")});
  CHECK_FALSE(find("relative::."));
  CHECK_FALSE(find(at("a")));
  CHECK_FALSE(find(""));
  CHECK_FALSE(find(at("b"), ""));
  CHECK_FALSE(find(at("b"), "../b/tool"));
  CHECK_FALSE(world().find_program("sh"));
}

TEST_CASE("core/environment: a changed variable makes another world, the first stays") {
  const auto first = world({{"A", "1"}});
  const auto second = first.with_variable("A", "2").with_variable("B", "3");
  CHECK(first.variable("A") == "1");
  CHECK(second.variable("A") == "2");
  CHECK(second.variable("B") == "3");
  CHECK_FALSE(second.with_variable("A", std::nullopt).variable("A"));
  CHECK_FALSE(second.with_variable("none", std::nullopt).variable("none"));
}

TEST_CASE("core/environment: the process's own world") {
  const auto environment = cp::Environment::of_process();
  CHECK(environment.user() == ::geteuid());
  CHECK_FALSE(environment.host_name().empty());
  CHECK(environment.working_directory() == std::filesystem::current_path());
  CHECK_FALSE(environment.variables().contains(""));
}
