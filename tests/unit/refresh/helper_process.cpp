// SPDX-License-Identifier: MIT
#include <credpool/refresh/helper_process.hpp>

#include <credpool/core/hash.hpp>
#include <credpool/impl/core/json.hpp>

#include <played_program.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};
const std::string canary = "canary-token-0123456789abcdef";

/// A store of which only reading is asked here.
class ReadStore final : public cp::LoginStore {
 public:
  std::string_view cli() const noexcept override { return "kimi-code"; }
  std::string_view provider() const noexcept override { return "kimi-code"; }
  const std::filesystem::path& file() const noexcept override { return file_; }
  cp::Result<cp::StoredLogin> read() const override {
    cp::StoredLogin login;
    login.tokens.access_token = cp::Secret{"access-from-the-store"};
    login.tokens.expires_at = now;
    return login;
  }
  cp::Result<cp::Secret> rewritten(const cp::StoredLogin&, const cp::GrantedTokens&,
                                   cp::TimePoint) const override {
    return cp::fail(cp::Errc::unsupported, "a test");
  }
  cp::Result<std::unique_ptr<cp::StoreLock>> lock_exchange(cp::Duration) override {
    return std::unique_ptr<cp::StoreLock>{};
  }
  cp::Duration longest_hold() const noexcept override { return seconds{60}; }
  cp::Result<std::unique_ptr<cp::StoreLock>> lock_write(cp::Duration) override {
    return std::unique_ptr<cp::StoreLock>{};
  }
  cp::Duration advisory_window(cp::Duration) const noexcept override { return seconds{360}; }
  bool single_use() const noexcept override { return true; }

 private:
  std::filesystem::path file_;
};

cp::Credential login() {
  auto credential = cp::Credential::login("kimi-code", "kimi-code", "/store", "acc");
  credential.profile_id = "kimi-code:default";
  credential.ownership = cp::Ownership::co_own;
  credential.places.push_back({"/store", "/pointer"});
  credential.secret = cp::Secret{canary};
  credential.refresh_token = cp::Secret{canary + "-refresh"};
  credential.oauth_host = "https://auth.example";
  credential.base_url = "https://api.example";
  credential.account = "me@example.org";
  credential.account_id = "acc";
  return credential;
}

struct World {
  ThrowawayHome home;
  PlayedPrograms programs{home};

  cp::Environment environment() const {
    return home.environment({{"HTTPS_PROXY", "http://user:word@127.0.0.1:1"},
                             {"KIMI_CODE_HOME", "/kimi"},
                             {"CREDPOOL_STATE_DIRECTORY", "/state"},
                             {"OPENAI_API_KEY", canary},
                             {"PATH", "relative:/bin"}});
  }
  cp::HelperProcess helper(std::string_view body, milliseconds patience = seconds{20}) const {
    cp::HelperParts parts{programs.write("credpool", body), {"exchange-helper"}, {}, environment()};
    parts.login_store = [](const cp::Credential&) -> cp::Result<std::unique_ptr<cp::LoginStore>> {
      return std::unique_ptr<cp::LoginStore>{new ReadStore};
    };
    parts.endpoints.urls = {{"kimi-code", "http://127.0.0.1:1/token"}};
    parts.host_id = "host-1";
    parts.answer_patience = patience;
    return cp::HelperProcess{std::move(parts)};
  }
};

cp::ExchangeRequest at_once() {
  cp::ExchangeRequest request;
  request.patience = milliseconds{0};
  return request;
}

const std::string answering = R"(
text = sys.stdin.read()
say('job', text)
say('environ', open('/proc/self/environ').read())
say('cmdline', open('/proc/self/cmdline').read())
print(json.dumps({'version': 1, 'report': {'outcome': 'exchanged', 'retryAt': None, 'note': 'done'}}))
)";

}  // namespace

TEST_CASE("refresh/exchange_job: a job comes through as it was, without tokens and keys") {
  const World world;
  cp::ExchangeJob job{login(), {}, {}, world.environment(), "host-1"};
  job.request = {cp::token_hash(canary), true, milliseconds{1234}};
  job.endpoints.urls = {{"kimi-code", "http://127.0.0.1:1/token"}};
  job.endpoints.client_ids = {{"kimi-code", "client"}};
  job.endpoints.client_secrets_files = {{"google", "/secrets.json"}};
  const auto text = cp::exchange_job_text(job);
  CHECK(text.find(canary) == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  const auto read = cp::parse_exchange_job(text, 4711);
  REQUIRE(read);
  const auto& credential = read->credential;
  CHECK(credential.id == job.credential.id);
  CHECK(credential.cli == "kimi-code");
  CHECK(credential.provider == "kimi-code");
  CHECK(credential.profile_id == "kimi-code:default");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.places[0].location == "/store");
  CHECK(credential.places[0].pointer == "/pointer");
  CHECK(credential.oauth_host == "https://auth.example");
  CHECK(credential.base_url == "https://api.example");
  CHECK(credential.account_id == "acc");
  CHECK(credential.secret.empty());
  CHECK(read->request.refused_token == cp::token_hash(canary));
  CHECK(read->request.force);
  CHECK(read->request.patience == milliseconds{1234});
  CHECK(read->endpoints.urls == job.endpoints.urls);
  CHECK(read->endpoints.client_ids == job.endpoints.client_ids);
  CHECK(read->endpoints.client_secrets_files == job.endpoints.client_secrets_files);
  CHECK(read->host_id == "host-1");
  CHECK(read->environment.user() == 4711);
  CHECK(*read->environment.home() == world.home.path());
  CHECK(read->environment.host_name() == "testhost");
  CHECK(read->environment.variable("HTTPS_PROXY") == "http://user:word@127.0.0.1:1");
  CHECK(read->environment.variable("KIMI_CODE_HOME") == "/kimi");
  CHECK(read->environment.variable("CREDPOOL_STATE_DIRECTORY") == "/state");
  CHECK(read->environment.variable("PATH") == "/bin");
  CHECK_FALSE(read->environment.variable("OPENAI_API_KEY"));
}

TEST_CASE("refresh/exchange_job: a job that is none is refused, every cut of one too") {
  const World world;
  const auto text = cp::exchange_job_text({login(), {}, {}, world.environment(), ""});
  REQUIRE(cp::parse_exchange_job(text, 0));
  for (std::size_t size = 0; size + 2 < text.size(); ++size)
    CHECK_FALSE(cp::parse_exchange_job(text.substr(0, size), 0));
  auto document = *cp::detail::parse_json(text);
  for (const auto* name : {"credential", "request", "endpoints", "environment", "hostId"}) {
    auto without = document;
    without.erase(name);
    CHECK(cp::parse_exchange_job(without.dump(), 0).error().errc() == cp::Errc::malformed);
    without[name] = 7;
    CHECK(cp::parse_exchange_job(without.dump(), 0).error().errc() == cp::Errc::malformed);
  }
  document["version"] = 2;
  CHECK(cp::parse_exchange_job(document.dump(), 0).error().errc() == cp::Errc::unsupported);
  CHECK(cp::parse_exchange_job(std::string(300 * 1024, ' '), 0).error().errc() ==
        cp::Errc::too_large);
}

TEST_CASE("refresh/exchange_job: every answer comes through, the tokens stay behind") {
  for (const auto outcome : {cp::ExchangeOutcome::still_fresh, cp::ExchangeOutcome::adopted,
                             cp::ExchangeOutcome::exchanged, cp::ExchangeOutcome::recovered,
                             cp::ExchangeOutcome::kept}) {
    cp::ExchangeReport report{outcome, {}, now, "a note"};
    report.tokens.access_token = cp::Secret{canary};
    const auto text = cp::exchange_answer_text(report);
    CHECK(text.find(canary) == std::string::npos);
    const auto read = cp::parse_exchange_answer(text);
    REQUIRE(read);
    CHECK(read->outcome == outcome);
    CHECK(read->retry_at == now);
    CHECK(read->note == "a note");
  }
  for (auto code = static_cast<int>(cp::Errc::not_found);
       code <= static_cast<int>(cp::Errc::configuration); ++code) {
    cp::Error error{static_cast<cp::Errc>(code), "doing", "place", "hint"};
    error.http_status = 429;
    error.retry_at = now;
    const auto read = cp::parse_exchange_answer(cp::exchange_answer_text(cp::fail(error)));
    REQUIRE_FALSE(read);
    CHECK(read.error().errc() == error.errc());
    CHECK(read.error().message() == error.message());
    CHECK(read.error().http_status == 429);
    CHECK(read.error().retry_at == now);
  }
  for (const auto* text :
       {"", "x", "{}", R"({"version":1})", R"({"version":1,"report":{"outcome":"lost"}})",
        R"({"version":1,"error":{"code":"none"}})", R"({"version":2,"report":{}})"})
    CHECK(cp::parse_exchange_answer(text).error().errc() == cp::Errc::malformed);
}

TEST_CASE("refresh/exchange_job: the helper's side runs the job, and answers to a bad one") {
  const World world;
  int runs = 0;
  const auto run = [&](const cp::ExchangeJob& job) -> cp::Result<cp::ExchangeReport> {
    ++runs;
    CHECK(job.credential.profile_id == "kimi-code:default");
    return cp::fail(cp::Errc::login_needed, "refreshing", "host", "log in");
  };
  const auto text = cp::exchange_job_text({login(), {}, {}, world.environment(), ""});
  CHECK(cp::parse_exchange_answer(cp::run_exchange_job(text, 0, run)).error().errc() ==
        cp::Errc::login_needed);
  CHECK(runs == 1);
  const auto bad = cp::parse_exchange_answer(cp::run_exchange_job(text.substr(1), 0, run));
  CHECK(bad.error().doing == "reading an exchange's job");
  CHECK(runs == 1);
}

TEST_CASE("refresh/helper_process: the report comes from the helper, the tokens from the store") {
  const World world;
  auto helper = world.helper(answering);
  const auto report = helper.run(login(), at_once());
  REQUIRE(report);
  CHECK(report->outcome == cp::ExchangeOutcome::exchanged);
  CHECK(report->note == "done");
  CHECK(report->tokens.access_token.reveal() == "access-from-the-store");
  CHECK(report->tokens.expires_at == now);
  const auto job = cp::parse_exchange_job(world.programs.said("job"), 0);
  REQUIRE(job);
  CHECK(job->credential.id == login().id);
  CHECK(job->endpoints.urls.at("kimi-code") == "http://127.0.0.1:1/token");
  CHECK(job->host_id == "host-1");
}

TEST_CASE(
    "refresh/helper_process: C1 nothing in its environment, no token in its job or arguments") {
  const World world;
  auto helper = world.helper(answering);
  REQUIRE(helper.run(login(), at_once()));
  CHECK(world.programs.said("environ").empty());
  CHECK(world.programs.said("cmdline").find("exchange-helper") != std::string::npos);
  for (const auto* part : {"job", "cmdline"})
    CHECK(world.programs.said(part).find("canary") == std::string::npos);
}

TEST_CASE("refresh/helper_process: its error is our error") {
  const World world;
  auto helper = world.helper(
      "sys.stdin.read()\nprint(json.dumps({'version': 1, 'error': {'code': 'rate_limited', "
      "'doing': "
      "'d', 'place': 'p', 'hint': 'h', 'retryAt': '2026-11-18T15:06:40Z'}}))\nsys.exit(1)\n");
  const auto report = helper.run(login(), at_once());
  CHECK(report.error().errc() == cp::Errc::rate_limited);
  CHECK(report.error().retry_at.has_value());
}

TEST_CASE("refresh/helper_process: a helper that dies, is another program or is mute") {
  const World world;
  const auto error_of = [&](std::string_view body, milliseconds patience = seconds{20}) {
    return world.helper(body, patience).run(login(), at_once()).error().errc();
  };
  CHECK(error_of("os.kill(os.getpid(), signal.SIGKILL)") == cp::Errc::outcome_unknown);
  CHECK(error_of("sys.stdin.read(); print('{\"version\": 1, \"rep'); os._exit(0)") ==
        cp::Errc::outcome_unknown);
  CHECK(error_of("sys.exit(3)") == cp::Errc::configuration);
  CHECK(error_of("sys.stdin.read(); time.sleep(3); say('finished', '1')", milliseconds{300}) ==
        cp::Errc::timeout);
  CHECK(world.programs.waits_for("finished"));
  CHECK_FALSE(world.programs.has("signal"));
  auto missing = world.helper("");
  std::filesystem::remove(world.programs.directory() / "credpool");
  CHECK(missing.run(login(), at_once()).error().errc() == cp::Errc::not_found);
}

TEST_CASE("refresh/helper_process: A1 it finishes when its caller is killed") {
  const World world;
  auto helper = world.helper(R"(
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
sys.stdin.read()
say('began', '1')
time.sleep(0.5)
try:
    print(json.dumps({'version': 1, 'report': {'outcome': 'exchanged'}}), flush=True)
    say('finished', 'read')
except OSError:
    say('finished', 'nobody')
os._exit(0)
)");
  const auto caller = ::fork();
  REQUIRE(caller >= 0);
  if (caller == 0) {
    (void)helper.run(login(), at_once()).has_value();
    ::_exit(0);
  }
  REQUIRE(world.programs.waits_for("began"));
  ::kill(caller, SIGKILL);
  int status = 0;
  ::waitpid(caller, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(world.programs.waits_for("finished"));
  CHECK(world.programs.said("finished") == "nobody");
  CHECK_FALSE(world.programs.has("signal"));
}
