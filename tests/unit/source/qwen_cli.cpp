// SPDX-License-Identifier: MIT
#include <credpool/source/qwen_cli.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};  // 2026-11-18
constexpr auto store = ".qwen/oauth_creds.json";
constexpr auto settings = ".qwen/settings.json";

std::vector<cp::Credential> found(const cp::Environment& environment) {
  auto result = cp::QwenCli{}.discover(environment);
  REQUIRE(result);
  return *result;
}

cp::Credential only(const ThrowawayHome& home,
                    std::map<std::string, std::string, std::less<>> variables = {}) {
  auto credentials = found(home.environment(std::move(variables)));
  REQUIRE(credentials.size() == 1);
  return credentials.front();
}

/// The login of fixture Q1 with one piece of text replaced.
std::string login(std::string_view from = "", std::string_view to = "") {
  std::string text = R"({"access_token":"at-fake","token_type":"Bearer","refresh_token":"rt-fake",)"
                     R"("resource_url":"portal.qwen.ai","expiry_date":4102444800000})";
  if (!from.empty()) {
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
  }
  return text;
}

/// Fixture Q10.
constexpr auto coding_plan = R"({"$version":4,"env":{"BAILIAN_CODING_PLAN_API_KEY":"sk-sp-FAKE"},
"modelProviders":{"openai":[{"id":"qwen3-coder-plus","name":"q",
"baseUrl":"https://coding.dashscope.aliyuncs.com/v1","envKey":"BAILIAN_CODING_PLAN_API_KEY"}]},
"security":{"auth":{"selectedType":"openai"}}})";

}  // namespace

TEST_CASE("source/qwen_cli: nothing there is nothing found") {
  const ThrowawayHome home;
  CHECK(found(home.environment()).empty());
  home.write(settings, "{}");
  CHECK(found(home.environment()).empty());
}

TEST_CASE("source/qwen_cli: Q1 a valid login of a service that ended") {
  const ThrowawayHome home;
  home.write(store, login());
  const auto credential = only(home);
  CHECK(credential.cli == "qwen-cli");
  CHECK(credential.provider == "qwen-portal");
  CHECK(credential.profile_id == "qwen-portal:default");
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.reason_at(now) == cp::Reason::service_ended);
  CHECK_FALSE(credential.usable_at(now));
  CHECK(credential.detail.find("2026-04-15") != std::string::npos);
  CHECK(credential.secret.reveal() == "at-fake");
  CHECK(credential.refresh_token.reveal() == "rt-fake");
  CHECK(credential.base_url == "https://portal.qwen.ai/v1");
  CHECK(credential.expires_at == cp::TimePoint{cp::Duration{4102444800000}});
  CHECK(credential.refresh_at == *credential.expires_at - std::chrono::seconds{30});
}

TEST_CASE("source/qwen_cli: Q2 Q3 without an expiry as a number the CLI ignores the file") {
  const ThrowawayHome home;
  const std::vector<std::pair<std::string, std::string>> changes{
      {R"(,"expiry_date":4102444800000)", ""},
      {"4102444800000", R"("4102444800000")"},
      {"4102444800000", "-1"},
      {"4102444800000", "null"},
      {"4102444800000", "1e300"},
      {R"("token_type":"Bearer",)", ""},
      {R"("at-fake")", "7"},
      {R"("refresh_token":"rt-fake",)", ""}};
  for (const auto& change : changes) {
    CAPTURE(change.first);
    CAPTURE(change.second);
    home.write(store, login(change.first, change.second));
    const auto credential = only(home);
    CHECK(credential.status == cp::Status::invalid);
    CHECK(credential.reason == cp::Reason::malformed);
    CHECK(credential.places.size() == 1);
  }
}

TEST_CASE("source/qwen_cli: Q4 an expiry in seconds is repaired") {
  const ThrowawayHome home;
  home.write(store, login("4102444800000", "4102444800"));
  CHECK(only(home).expires_at == cp::TimePoint{cp::Duration{4102444800000}});
}

TEST_CASE("source/qwen_cli: Q5 Q6 the base URL comes from resource_url") {
  const ThrowawayHome home;
  const auto base = [&](std::string_view from, std::string_view to) {
    home.write(store, login(from, to));
    return only(home).base_url;
  };
  CHECK(base(R"("resource_url":"portal.qwen.ai",)", "") ==
        "https://dashscope.aliyuncs.com/compatible-mode/v1");
  CHECK(base("portal.qwen.ai", "https://x.example/v1/") == "https://x.example/v1");
  CHECK(base("portal.qwen.ai", "http://127.0.0.1:1") == "http://127.0.0.1:1/v1");
  CHECK(base("portal.qwen.ai", "x.example/v1") == "https://x.example/v1");
}

TEST_CASE("source/qwen_cli: an expired login, empty tokens, unsafe tokens") {
  const ThrowawayHome home;
  home.write(store, login("4102444800000", "1700000000000"));
  CHECK(only(home).status_at(now) == cp::Status::expired);
  CHECK(only(home).reason_at(now) == cp::Reason::service_ended);
  home.write(store, R"({"access_token":"","token_type":"","refresh_token":"","expiry_date":0})");
  CHECK(only(home).status == cp::Status::needs_login);
  CHECK(only(home).reason == cp::Reason::signed_out);
  home.write(store, login("at-fake", "at\\nfake"));
  CHECK(only(home).reason == cp::Reason::unsafe_token);
  CHECK(only(home).secret.empty());
}

TEST_CASE("source/qwen_cli: broken stores are listed") {
  const ThrowawayHome home;
  for (const auto& [text, reason] : std::vector<std::pair<std::string, cp::Reason>>{
           {"", cp::Reason::malformed},
           {std::string(1, '\0'), cp::Reason::malformed},
           {R"({"access_token":"at-fa)", cp::Reason::malformed},
           {"[]", cp::Reason::malformed},
           {"null", cp::Reason::malformed},
           {R"({"a":1,"a":2})", cp::Reason::duplicate_key},
           {std::string(200, '['), cp::Reason::too_deep},
           {std::string(2 << 20, ' '), cp::Reason::too_large}}) {
    home.write(store, text);
    CHECK(only(home).reason == reason);
    CHECK(only(home).detail.find("at-fa") == std::string::npos);
  }
  home.write(store, "\xEF\xBB\xBF" + login());
  CHECK(only(home).reason == cp::Reason::service_ended);
}

TEST_CASE("source/qwen_cli: QWEN_HOME moves the store") {
  const ThrowawayHome home;
  home.write(store, login());
  home.write("elsewhere/oauth_creds.json", login("at-fake", "at-elsewhere"));
  CHECK(only(home, {{"QWEN_HOME", "~/elsewhere"}}).secret.reveal() == "at-elsewhere");
}

TEST_CASE("source/qwen_cli: Q10 one key bound to its base URL") {
  const ThrowawayHome home;
  const auto path = home.write(settings, coding_plan);
  const auto credential = only(home);
  CHECK(credential.kind == cp::Kind::api_key);
  CHECK(credential.cli == "qwen-cli");
  CHECK(credential.provider == "dashscope");
  CHECK(credential.profile_id == "dashscope:BAILIAN_CODING_PLAN_API_KEY");
  CHECK(credential.base_url == "https://coding.dashscope.aliyuncs.com/v1");
  CHECK(credential.secret.reveal() == "sk-sp-FAKE");
  CHECK(credential.usable_at(now));
  REQUIRE(credential.places.size() == 1);
  CHECK(credential.places.front().location == path.string());
  CHECK(credential.places.front().pointer == "/env/BAILIAN_CODING_PLAN_API_KEY");
}

TEST_CASE("source/qwen_cli: Q11 comments are tolerated, and nothing else is") {
  const ThrowawayHome home;
  home.write(settings, "// the plan\n/* of\n work */" + std::string{coding_plan} + "// end");
  CHECK(only(home).secret.reveal() == "sk-sp-FAKE");
  home.write(settings, "{\"env\":{,}}");
  CHECK(only(home).reason == cp::Reason::malformed);
  CHECK(only(home).provider == "dashscope");
}

TEST_CASE("source/qwen_cli: Q12 a variable that is nowhere set") {
  const ThrowawayHome home;
  constexpr auto reference = R"({"modelProviders":{"openai":[
    {"id":"m","baseUrl":"https://api.deepseek.com","envKey":"MY_KEY"},
    {"id":"n","baseUrl":"https://api.deepseek.com","envKey":"MY_KEY"}, 7, {"envKey":9}]}})";
  home.write(settings, reference);
  auto credential = only(home);
  CHECK(credential.status == cp::Status::invalid);
  CHECK(credential.reason == cp::Reason::missing_variable);
  CHECK(credential.provider == "deepseek");
  CHECK(credential.detail.find("MY_KEY") != std::string::npos);
  CHECK(credential.places.front().pointer == "/modelProviders/openai/0/envKey");

  SUBCASE("the environment sets it") {
    credential = only(home, {{"MY_KEY", "sk-fake"}});
    CHECK(credential.secret.reveal() == "sk-fake");
    CHECK(credential.provider == "deepseek");
    CHECK(credential.base_url == "https://api.deepseek.com");
    CHECK(credential.places.front().location == "env:MY_KEY");
  }
  SUBCASE("a .env file sets it") {
    const auto file = home.write(".qwen/.env", "MY_KEY=sk-fake");
    credential = only(home);
    CHECK(credential.secret.reveal() == "sk-fake");
    CHECK(credential.places.front().location == file.string());
  }
  SUBCASE("both set it: two keys, and the file's says which goes first") {
    home.write(".qwen/.env", "MY_KEY=sk-fake-file");
    const auto credentials = found(home.environment({{"MY_KEY", "sk-fake-env"}}));
    REQUIRE(credentials.size() == 2);
    CHECK(credentials[0].secret.reveal() == "sk-fake-env");
    CHECK(credentials[0].detail.empty());
    CHECK(credentials[1].detail == "the environment variable MY_KEY goes before this one");
  }
}

TEST_CASE("source/qwen_cli: a key written where a variable's name belongs is not shown") {
  const ThrowawayHome home;
  home.write(settings, R"({"modelProviders":{"openai":[{"id":"m","envKey":"sk-oops-FAKE"}]}})");
  const auto credential = only(home);
  CHECK(credential.reason == cp::Reason::missing_variable);
  CHECK(credential.detail.find("oops") == std::string::npos);
  CHECK(credential.profile_id.find("oops") == std::string::npos);
}

TEST_CASE("source/qwen_cli: Q13 a key in the settings themselves") {
  const ThrowawayHome home;
  const auto inline_key = [&](std::string_view members) {
    home.write(settings, R"({"security":{"auth":{)" + std::string{members} + "}}}");
    return only(home);
  };
  const auto credential = inline_key(
      R"("apiKey":"sk-fake","baseUrl":"https://dashscope-intl.aliyuncs.com/compatible-mode/v1")");
  CHECK(credential.provider == "dashscope");
  CHECK(credential.base_url == "https://dashscope-intl.aliyuncs.com/compatible-mode/v1");
  CHECK(credential.profile_id == "dashscope:settings");
  CHECK(credential.places.front().pointer == "/security/auth/apiKey");
  CHECK(inline_key(R"("apiKey":"sk-fake","selectedType":"openai")").provider == "openai");
  CHECK(inline_key(R"("apiKey":"k-fake","selectedType":"gemini")").provider == "gemini");
  CHECK(inline_key(R"("apiKey":"sk-sp-fake")").base_url ==
        "https://coding.dashscope.aliyuncs.com/v1");
}

TEST_CASE("source/qwen_cli: known variables of the settings' env and of .env files") {
  const ThrowawayHome home;
  home.write(settings,
             R"({"env":{"DASHSCOPE_API_KEY":"sk-fake-1","PATH":"/x","AMP_API_KEY":"no","N":1}})");
  home.write(".env", "GEMINI_API_KEY=AIzaFAKE\nXAI_API_KEY=not-read-by-qwen");
  const auto credentials = found(home.environment());
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].provider == "gemini");
  CHECK(credentials[1].provider == "dashscope");
}

TEST_CASE("source/qwen_cli: the project's settings and its nearest .env") {
  const ThrowawayHome home;
  const auto project =
      home.write("work/project/.qwen/settings.json", coding_plan).parent_path().parent_path();
  home.write(settings, R"({"env":{"DASHSCOPE_API_KEY":"sk-fake-1"}})");
  home.write("work/.env", "OPENAI_API_KEY=sk-fake-2");
  home.write("work/.qwen/.env", "OPENAI_API_KEY=sk-fake-3");
  cp::Environment::Facts facts;
  facts.home = home.path();
  facts.working_directory = project;
  facts.user = ::geteuid();
  const auto credentials = found(cp::Environment{facts});
  REQUIRE(credentials.size() == 3);
  CHECK(credentials[0].secret.reveal() == "sk-fake-3");
  CHECK(credentials[1].secret.reveal() == "sk-fake-1");
  CHECK(credentials[2].secret.reveal() == "sk-sp-FAKE");
}

TEST_CASE("source/qwen_cli: discovery leaves every file as it was") {
  const ThrowawayHome home;
  const auto path = home.write(store, login());
  found(home.environment());
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  CHECK(text.str() == login());
  CHECK(cp::QwenCli{}.locations(home.environment()).front() == path);
}
