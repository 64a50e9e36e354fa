// SPDX-License-Identifier: MIT
#include <credpool/source/dotenv.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

/// The value of A in the text; "(none)" when it is not assigned.
std::string value_of(std::string_view text) {
  for (const auto& [name, value] : cp::parse_dotenv(text))
    if (name == "A") return value;
  return "(none)";
}

std::vector<cp::Credential> found(const cp::Environment& environment) {
  auto result = cp::DotenvKeys{}.discover(environment);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("source/dotenv: bare values") {
  CHECK(value_of("A=x") == "x");
  CHECK(value_of("A = x \t") == "x");
  CHECK(value_of("  A=x y") == "x y");
  CHECK(value_of("A=") == "");
  CHECK(value_of("A=\nB=2") == "");
  CHECK(value_of("A=a=b") == "a=b");
  CHECK(value_of("A: x") == "x");
  CHECK(value_of("export A=x") == "x");
  CHECK(value_of("export\tA=x") == "x");
  CHECK(value_of("\xEF\xBB\xBF"
                 "A=x") == "x");
  CHECK(value_of("A=$(id) ${B} \\n") == "$(id) ${B} \\n");
}

TEST_CASE("source/dotenv: comments") {
  CHECK(value_of("# A=x") == "(none)");
  CHECK(value_of("A=x # y") == "x");
  CHECK(value_of("A=x#y") == "x");
  CHECK(value_of("A=# y") == "");
  CHECK(value_of("A=\"x\" # y") == "x");
  CHECK(value_of("A='x#y' # z") == "x#y");
}

TEST_CASE("source/dotenv: quotes and escapes") {
  CHECK(value_of("A=\"x y\"") == "x y");
  CHECK(value_of("A=' x '") == " x ");
  CHECK(value_of("A=`x \"y\" 'z'`") == "x \"y\" 'z'");
  CHECK(value_of("A=\"\"") == "");
  CHECK(value_of("A=\"x\\ny\\r\"") == "x\ny\r");
  CHECK(value_of("A='x\\ny'") == "x\\ny");
  CHECK(value_of("A=\"x\\\"y\"") == "x\\\"y");
  CHECK(value_of("A='it's'") == "it's");
  CHECK(value_of("A=\"x\" y") == "\"x\" y");
  CHECK(value_of("A=\"x") == "\"x");
  CHECK(value_of("A=\"") == "\"");
  CHECK(value_of("A=\"x\ny\"\nB=2") == "x\ny");
}

TEST_CASE("source/dotenv: line ends, order and doubles") {
  CHECK(cp::parse_dotenv("A=1\r\nB='2'\r\n\r\nC=3\rD=4\n") ==
        Entries{{"A", "1"}, {"B", "2"}, {"C", "3"}, {"D", "4"}});
  CHECK(cp::parse_dotenv("A=1\nB=2\nA=3") == Entries{{"A", "3"}, {"B", "2"}});
  CHECK(cp::parse_dotenv("export=1\nexport =2") == Entries{{"export", "2"}});
  CHECK(cp::parse_dotenv("A-b.c_1=x") == Entries{{"A-b.c_1", "x"}});
}

TEST_CASE("source/dotenv: what is no assignment is passed over") {
  CHECK(cp::parse_dotenv("").empty());
  CHECK(cp::parse_dotenv("\n\n  \n").empty());
  CHECK(cp::parse_dotenv("A\nexport\n=x\nA:x\nA :x\nexport =\n$A=1").size() == 1);  // "export ="
  CHECK(value_of("garbage\nA=x") == "x");
}

TEST_CASE("source/dotenv: nothing there is nothing found") {
  const ThrowawayHome home;
  CHECK(found(home.environment()).empty());
  home.write(".env", "PORT=80\nOPENAI_API_KEY=\n#OPENAI_API_KEY=sk-fake\n");
  CHECK(found(home.environment()).empty());
}

TEST_CASE("source/dotenv: keys of the three files") {
  const ThrowawayHome home;
  const auto file = home.write(".env", "export OPENAI_API_KEY=\"sk-fake-1\"\r\n");
  home.write(".openclaw/.env", "OPENAI_API_KEYS=sk-fake-2,sk-fake-3\nOPENCLAW_LIVE_XAI_KEY=x-fake");
  const auto credentials = found(home.environment());
  REQUIRE(credentials.size() == 4);
  CHECK(credentials[0].cli == "dotenv");
  CHECK(credentials[0].provider == "openai");
  CHECK(credentials[0].profile_id == "openai:OPENAI_API_KEY");
  CHECK(credentials[0].places.front().location == file.string());
  CHECK(credentials[0].places.front().pointer == "OPENAI_API_KEY");
  CHECK(credentials[0].places.front().cli == "dotenv");
  CHECK(credentials[2].places.front().pointer == "OPENAI_API_KEYS/1");
  CHECK(credentials[3].provider == "xai");
}

TEST_CASE("source/dotenv: the working directory and a moved state directory") {
  const ThrowawayHome home;
  const ThrowawayHome project;
  home.write("state/.env", "XAI_API_KEY=x-fake");
  home.write(".openclaw/.env", "XAI_API_KEY=not-read");
  project.write(".env", "DEEPSEEK_API_KEY=d-fake\nOPENCLAW_LIVE_XAI_KEY=not-for-a-project");
  cp::Environment::Facts facts;
  facts.home = home.path();
  facts.working_directory = project.path();
  facts.user = ::geteuid();
  facts.variables["OPENCLAW_STATE_DIR"] = "~/state";
  const auto credentials = found(cp::Environment{facts});
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].secret.reveal() == "d-fake");
  CHECK(credentials[1].secret.reveal() == "x-fake");
}

TEST_CASE("source/dotenv: the same key in two files is one with two places") {
  const ThrowawayHome home;
  home.write(".env", "OPENAI_API_KEY=sk-fake");
  home.write(".openclaw/.env", "OPENAI_API_KEY='sk-fake'");
  const auto credentials = found(home.environment());
  REQUIRE(credentials.size() == 1);
  CHECK(credentials.front().places.size() == 2);
}

TEST_CASE("source/dotenv: the environment goes before a file, and both are told") {
  const ThrowawayHome home;
  home.write(".env", "OPENAI_API_KEY=sk-fake-file");
  auto credentials = found(home.environment({{"OPENAI_API_KEY", "sk-fake-env"}}));
  REQUIRE(credentials.size() == 1);
  CHECK(credentials.front().secret.reveal() == "sk-fake-file");
  CHECK(credentials.front().detail ==
        "the environment variable OPENAI_API_KEY goes before this one");
  credentials = found(home.environment({{"OPENAI_API_KEY", "sk-fake-file"}}));
  CHECK(credentials.front().detail.empty());
}

TEST_CASE("source/dotenv: a base URL beside the key, else that of the environment") {
  const ThrowawayHome home;
  home.write(".env", "OPENAI_API_KEY=sk-fake\nOPENAI_BASE_URL=https://openrouter.ai/api/v1");
  const cp::Environment other = home.environment({{"OPENAI_BASE_URL", "https://api.x.ai/v1"}});
  CHECK(found(other).front().provider == "openrouter");
  home.write(".env", "OPENAI_API_KEY=sk-fake");
  CHECK(found(other).front().provider == "xai");
}

TEST_CASE("source/dotenv: a file that cannot be read is listed") {
  const ThrowawayHome home;
  home.write(".env/inside", "x");
  const auto credentials = found(home.environment());
  REQUIRE(credentials.size() == 1);
  CHECK(credentials.front().reason == cp::Reason::unsafe_file);
}
