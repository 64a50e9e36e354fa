// SPDX-License-Identifier: MIT
#include <credpool/refresh/cli_command.hpp>

#include <credpool/core/file.hpp>
#include <credpool/core/file_lock.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/impl/core/json.hpp>

#include <played_program.hpp>

#include <doctest/doctest.h>

#include <cstdlib>

#include <sys/stat.h>

namespace cp = credpool;
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};

/// A store in the simplest format: {"access", "refresh", "account", "expires": s from now}.
class PlayedStore final : public cp::LoginStore {
 public:
  PlayedStore(std::string cli, fs::path file, cp::Environment environment)
      : cli_{std::move(cli)}, file_{std::move(file)}, environment_{std::move(environment)} {}

  std::string_view cli() const noexcept override { return cli_; }
  std::string_view provider() const noexcept override { return "played"; }
  const fs::path& file() const noexcept override { return file_; }
  cp::Result<cp::StoredLogin> read() const override {
    const auto text = cp::read_file(file_, environment_);
    if (!text) return cp::fail(text.error());
    const auto json = cp::detail::parse_json(text->bytes.reveal());
    if (!json) return cp::fail(json.error());
    cp::StoredLogin login;
    login.tokens.access_token = cp::Secret{cp::detail::text_or_empty(*json, "access")};
    login.tokens.refresh_token = cp::Secret{cp::detail::text_or_empty(*json, "refresh")};
    login.tokens.account_id = cp::detail::text_or_empty(*json, "account");
    if (const auto* left = cp::detail::member(*json, "expires"))
      login.tokens.expires_at = now + seconds{left->get<int>()};
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
  cp::Duration advisory_window(cp::Duration) const noexcept override { return seconds{600}; }
  bool single_use() const noexcept override { return true; }

 private:
  std::string cli_;
  fs::path file_;
  cp::Environment environment_;
};

/// What the played CLIs have in common: rotate() does what a refresh does.
const std::string rotating = R"(
def rotate(n='2'):
    say('store.json', json.dumps({'access': 'access-' + n, 'refresh': 'refresh-' + n, 'account': 'a', 'expires': 3600}))
def note():
    say('seen', json.dumps({'argv': sys.argv[1:], 'environ': dict(os.environ), 'cwd': os.getcwd(),
                            'session': os.getsid(0) == os.getpid()}))
note()
)";

struct World {
  ThrowawayHome home;
  PlayedPrograms programs{home};
  cp::Environment environment =
      home.environment({{"PATH", programs.directory().string() + ":/usr/bin:/bin"}});
  fs::path file = store(0);
  cp::CliCommandLimits limits{milliseconds{400}, milliseconds{4000}, seconds{5}, milliseconds{10}};

  fs::path store(int seconds_left, const std::string& more = {}) const {
    return home.write("store.json",
                      R"({"access": "access-1", "refresh": "refresh-1", "account": "a")" + more +
                          R"(, "expires": )" + std::to_string(seconds_left) + "}");
  }
  void play(const std::string& name, const std::string& body) const {
    programs.write(name, rotating + body);
  }
  cp::Result<cp::ExchangeReport> refresh(const std::string& cli,
                                         const cp::ExchangeRequest& request = {}) const {
    const PlayedStore played{cli, file, environment};
    return cp::refresh_by_cli(played, request, environment, now, limits);
  }
  cp::detail::Json seen() const { return *cp::detail::parse_json(programs.said("seen")); }
  fs::path lock_file() const { return home.path() / ".credpool-store.json.lock"; }
};

const std::string codex = R"(
force = None
print('\x1b[31mnot JSON\x1b[0m', flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked['method'] == 'initialize':
        assert asked['params']['clientInfo']['name']
        print(json.dumps({'id': asked['id'], 'result': {}}), flush=True)
    if asked['method'] == 'initialized': say('initialized', '1')
    if asked['method'] == 'getAuthStatus':
        assert os.path.exists(home('initialized')) and asked['params']['includeToken'] is False
        say('force', str(asked['params']['refreshToken']))
        rotate()
        print(json.dumps({'id': asked['id'], 'result': {'authMethod': 'chatgpt'}}), flush=True)
say('ended', '1')
)";

}  // namespace

TEST_CASE(
    "refresh/cli_command: codex refreshes an expired login at its start, a fresh one by force") {
  World world;
  world.play("codex", codex);
  for (const auto& each :
       {std::pair{-10, "False"}, std::pair{200, "False"}, std::pair{500, "True"}}) {
    CAPTURE(each.first);
    world.store(each.first);
    const auto report = world.refresh("codex-cli");
    REQUIRE(report);
    CHECK(report->outcome == cp::ExchangeOutcome::exchanged);
    CHECK(report->tokens.access_token.reveal() == "access-2");
    CHECK(report->tokens.refresh_token.reveal() == "refresh-2");
    CHECK(world.programs.said("force") == each.second);
    CHECK(world.programs.has("ended"));
    fs::remove(world.home.path() / "initialized");
  }
  CHECK(world.seen()["argv"] == cp::detail::Json{"app-server"});
  CHECK_FALSE(world.programs.has("signal"));
}

TEST_CASE("refresh/cli_command: claude gets its input held open, then closed") {
  World world;
  world.play("claude", R"(
start = time.monotonic()
sys.stdin.read()
say('held', str(time.monotonic() - start))
time.sleep(0.2)
rotate()
sys.exit(1)
)");
  const auto report = world.refresh("claude-cli");
  REQUIRE(report);
  CHECK(report->outcome == cp::ExchangeOutcome::exchanged);
  CHECK(report->tokens.access_token.reveal() == "access-2");
  CHECK(std::stod(world.programs.said("held")) > 0.2);
  const auto seen = world.seen();
  CHECK(seen["argv"] == cp::detail::Json{"mcp", "serve"});
  CHECK(seen["environ"]["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1");
  CHECK(seen["environ"]["DISABLE_AUTOUPDATER"] == "1");
}

TEST_CASE(
    "refresh/cli_command: qwen is asked to initialize, and its input closed after the change") {
  World world;
  world.play("qwen", R"(
asked = json.loads(sys.stdin.readline())
assert asked['method'] == 'initialize'
time.sleep(0.3)
rotate()
sys.stdin.read()
say('ended', '1')
)");
  const auto report = world.refresh("qwen-cli");
  REQUIRE(report);
  CHECK(report->tokens.access_token.reveal() == "access-2");
  CHECK(world.programs.has("ended"));
  CHECK(world.seen()["argv"] == cp::detail::Json{"--acp"});
}

TEST_CASE("refresh/cli_command: gemini lists its sessions, without a browser") {
  World world;
  world.play("gemini", "rotate()\n");
  REQUIRE(world.refresh("gemini-cli"));
  const auto seen = world.seen();
  CHECK(seen["argv"] == cp::detail::Json{"--list-sessions"});
  CHECK(seen["environ"]["NO_BROWSER"] == "1");
  CHECK(seen["environ"]["TERM"] == "dumb");
  CHECK(seen["environ"]["NO_COLOR"] == "1");
  CHECK(seen["session"] == true);
  CHECK(seen["cwd"] == world.home.path().string());
}

TEST_CASE("refresh/cli_command: C1 no key of ours or of the user reaches the program") {
  World world;
  world.play("gemini", "rotate()\n");
  const std::string canary = "sk-canary-0123456789";
  for (const auto* name : {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "CODEX_ACCESS_TOKEN",
                           "GEMINI_API_KEY", "CREDPOOL_KEY_FILE", "LD_PRELOAD", "NODE_OPTIONS"})
    world.environment = world.environment.with_variable(name, canary);
  world.environment =
      world.environment.with_variable("CODEX_HOME", "/somewhere")
          .with_variable("PATH", "relative::" + *world.environment.variable("PATH"));
  ::setenv("CREDPOOL_TEST_CANARY", canary.c_str(), 1);
  const auto report = world.refresh("gemini-cli");
  ::unsetenv("CREDPOOL_TEST_CANARY");
  REQUIRE(report);
  CHECK(world.programs.said("seen").find(canary) == std::string::npos);
  CHECK(world.programs.said("seen").find("access-1") == std::string::npos);
  const auto seen = world.seen();
  CHECK(seen["environ"]["CODEX_HOME"] == "/somewhere");
  CHECK(seen["environ"]["HOME"] == world.home.path().string());
  CHECK(seen["environ"]["PATH"] == world.programs.directory().string() + ":/usr/bin:/bin");
}

TEST_CASE("refresh/cli_command: the exit status means nothing, the store everything") {
  World world;
  SUBCASE("it failed, and has refreshed") {
    world.play("gemini", "rotate()\nsys.exit(41)\n");
    CHECK(world.refresh("gemini-cli"));
  }
  SUBCASE("it is content, and has not") {
    world.play("gemini", "print('\\x1b]0;owned\\x07 all is well')\n");
    const auto report = world.refresh("gemini-cli");
    CHECK(report.error().errc() == cp::Errc::network);
    CHECK(report.error().message().find('\x1b') == std::string::npos);
    CHECK(report.error().hint.find("status 0") != std::string::npos);
  }
  SUBCASE("it signed itself out") {
    world.play("claude", "say('store.json', json.dumps({'access': '', 'refresh': ''}))\n");
    CHECK(world.refresh("claude-cli").error().errc() == cp::Errc::login_needed);
  }
  SUBCASE("it removed its store") {
    world.play("qwen", "os.remove(home('store.json'))\n");
    CHECK(world.refresh("qwen-cli").error().errc() == cp::Errc::login_needed);
  }
  SUBCASE("another account logged in") {
    world.play("gemini",
               "say('store.json', json.dumps({'access': 'x', 'refresh': 'y', 'account': 'b'}))\n");
    CHECK(world.refresh("gemini-cli").error().errc() == cp::Errc::account_changed);
  }
  SUBCASE("a half-written store is looked at again") {
    world.play("gemini", R"(
with open(home('store.json'), 'w') as file:
    file.write('{"access": "acc'); file.flush()
    time.sleep(0.2)
rotate()
)");
    CHECK(world.refresh("gemini-cli")->tokens.access_token.reveal() == "access-2");
  }
  CHECK_FALSE(world.programs.has("signal"));
}

TEST_CASE("refresh/cli_command: R10 one that takes too long is left alone, and keeps our lock") {
  World world;
  world.limits.change = milliseconds{300};
  world.limits.hold_input = milliseconds{50};
  world.play("claude", R"(
sys.stdin.read()
say('in-request', '1')
for n in range(200):
    if os.path.exists(home('go')): break
    time.sleep(0.05)
rotate()
say('finished', '1')
)");
  const auto report = world.refresh("claude-cli");
  REQUIRE_FALSE(report);
  CHECK(report.error().errc() == cp::Errc::outcome_unknown);
  CHECK(report.error().hint.find("unconfirmed") != std::string::npos);
  CHECK_FALSE(world.programs.has("finished"));
  // No exchange of ours may run beside it.
  CHECK(cp::FileLock::take(world.lock_file(), milliseconds{0}).error().errc() == cp::Errc::busy);
  cp::ExchangeRequest impatient;
  impatient.patience = milliseconds{0};
  CHECK(world.refresh("claude-cli", impatient).error().errc() == cp::Errc::busy);
  world.home.write("go", "1");
  REQUIRE(world.programs.waits_for("finished"));
  CHECK(cp::FileLock::take(world.lock_file(), seconds{10}));
  CHECK_FALSE(world.programs.has("signal"));
  CHECK(world.programs.said("store.json").find("access-2") != std::string::npos);
}

TEST_CASE(
    "refresh/cli_command: one that stays after its refresh is left alone, the tokens are ours") {
  World world;
  world.limits.end = milliseconds{100};
  world.play("gemini", "rotate()\ntime.sleep(0.6)\nsay('finished', '1')\n");
  const auto report = world.refresh("gemini-cli");
  REQUIRE(report);
  CHECK(report->tokens.access_token.reveal() == "access-2");
  CHECK_FALSE(world.programs.has("finished"));
  REQUIRE(world.programs.waits_for("finished"));
  CHECK_FALSE(world.programs.has("signal"));
}

TEST_CASE("refresh/cli_command: codex that floods or never answers does not hang us") {
  World world;
  world.limits.change = milliseconds{600};
  SUBCASE("floods") {
    world.play("codex",
               "while True:\n  try: print('\\x1b[2J' * 10000, flush=True)\n  except OSError: "
               "break\n  if os.path.exists(home('go')): break\n");
  }
  SUBCASE("is mute") {
    world.play("codex", "while not os.path.exists(home('go')): time.sleep(0.02)\n");
  }
  CHECK(world.refresh("codex-cli").error().errc() == cp::Errc::outcome_unknown);
  world.home.write("go", "1");
  CHECK(cp::FileLock::take(world.lock_file(), seconds{20}));
}

TEST_CASE("refresh/cli_command: what needs no program runs none") {
  World world;
  for (const auto* name : {"codex", "claude", "qwen", "gemini"}) world.play(name, "rotate()\n");
  cp::ExchangeRequest refused;
  SUBCASE("still fresh") {
    world.store(601);
    CHECK(world.refresh("codex-cli")->outcome == cp::ExchangeOutcome::still_fresh);
  }
  SUBCASE("due for us, not for its CLI") {
    world.store(400);
    const auto report = world.refresh("claude-cli");
    REQUIRE(report);
    CHECK(report->outcome == cp::ExchangeOutcome::kept);
    CHECK(report->retry_at == now + seconds{100});
    CHECK(report->tokens.access_token.reveal() == "access-1");
    CHECK(world.refresh("qwen-cli")->retry_at == now + seconds{370});
  }
  SUBCASE("must be refreshed, and its CLI would not") {
    world.store(400);
    refused.refused_token = cp::token_hash("access-1");
    CHECK(world.refresh("claude-cli", refused).error().errc() == cp::Errc::unsupported);
    refused = {};
    refused.force = true;
    CHECK(world.refresh("gemini-cli", refused).error().errc() == cp::Errc::unsupported);
  }
  SUBCASE("the refused token is not in the store any more") {
    refused.refused_token = cp::token_hash("access-0");
    CHECK(world.refresh("codex-cli", refused)->outcome == cp::ExchangeOutcome::adopted);
  }
  SUBCASE("signed out") {
    world.home.write("store.json", "{}");
    CHECK(world.refresh("codex-cli").error().errc() == cp::Errc::login_needed);
  }
  SUBCASE("an exchange of our own was cut off, and may hold the newer tokens") {
    world.home.write(".credpool-store.json.journal", "x");
    CHECK(world.refresh("codex-cli").error().errc() == cp::Errc::conflict);
  }
  SUBCASE("a CLI without such a command") {
    CHECK(world.refresh("kimi-code").error().errc() == cp::Errc::unsupported);
  }
  CHECK_FALSE(world.programs.has("seen"));
}

TEST_CASE("refresh/cli_command: C7 only a program that nobody else could have put there is run") {
  World world;
  const auto unset = world.environment;
  const auto with_path = [&](const std::string& path) {
    world.environment = unset.with_variable("PATH", path);
    return world.refresh("gemini-cli");
  };
  const auto hijack = world.home.path() / "hijack";
  world.programs.write("gemini", rotating + "rotate()\n", "hijack");
  SUBCASE("relative entries are passed over") {
    const auto before = fs::current_path();
    fs::current_path(hijack);
    const auto report = with_path(".::hijack:");
    fs::current_path(before);
    CHECK(report.error().errc() == cp::Errc::not_found);
  }
  SUBCASE("a directory that others may write to") {
    REQUIRE(::chmod(hijack.c_str(), 0777) == 0);
    CHECK(with_path(hijack.string()).error().errc() == cp::Errc::unsafe_file);
  }
  SUBCASE("a program that others may write to") {
    REQUIRE(::chmod((hijack / "gemini").c_str(), 0722) == 0);
    CHECK(with_path(hijack.string()).error().errc() == cp::Errc::unsafe_file);
  }
  SUBCASE("a link into such a directory") {
    fs::create_directories(world.programs.directory());
    fs::create_symlink(hijack / "gemini", world.programs.directory() / "gemini");
    REQUIRE(::chmod(hijack.c_str(), 0777) == 0);
    CHECK(with_path(world.programs.directory().string()).error().errc() == cp::Errc::unsafe_file);
  }
  SUBCASE("not there") {
    CHECK(with_path(world.programs.directory().string()).error().errc() == cp::Errc::not_found);
  }
  CHECK_FALSE(world.programs.has("seen"));
  CHECK(cp::FileLock::take(world.lock_file(), milliseconds{0}));
}

TEST_CASE("refresh/cli_command: the refresh method gives the credential its new tokens") {
  World world;
  world.play("gemini", "rotate()\n");
  cp::CliCommand method{
      [&](const cp::Credential& credential) -> cp::Result<std::unique_ptr<cp::LoginStore>> {
        return std::unique_ptr<cp::LoginStore>{
            new PlayedStore{credential.cli, world.file, world.environment}};
      },
      world.environment, [] { return now; }, world.limits};
  auto credential = cp::Credential::login("gemini-cli", "google-gemini-cli", "store", "a");
  credential.ownership = cp::Ownership::co_own;
  credential.secret = cp::Secret{"access-1"};
  credential.refresh_token = cp::Secret{"refresh-1"};
  CHECK(method.can_refresh(credential));
  const auto refreshed = method.refresh(credential, {now, false});
  REQUIRE(refreshed);
  CHECK(refreshed->secret.reveal() == "access-2");
  CHECK(refreshed->refresh_token.reveal() == "refresh-2");
  CHECK(refreshed->expires_at == now + seconds{3600});
  CHECK(refreshed->refresh_at == now + seconds{3300});
  CHECK(refreshed->id == credential.id);
  // A login of our own is no business of its CLI.
  auto own = credential;
  own.ownership = cp::Ownership::adopt;
  CHECK_FALSE(method.can_refresh(own));
  own = credential;
  own.cli = "kimi-code";
  CHECK_FALSE(method.can_refresh(own));
  own = credential;
  own.refresh_token = {};
  CHECK_FALSE(method.can_refresh(own));
}
