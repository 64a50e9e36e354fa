// SPDX-License-Identifier: MIT
// demo: the whole thing at work on made-up logins.

#include "../cli_pool.hpp"
#include "demo_provider.hpp"
#include "demo_world.hpp"

#include <httplib.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// A directory of its own below the temporary one, removed at the end.
class ThrowawayDirectory {
 public:
  static cp::Result<ThrowawayDirectory> make() {
    std::error_code failed;
    const auto base = std::filesystem::temp_directory_path(failed);
    auto pattern = (base / "credpool-demo-XXXXXX").string();
    if (failed || ::mkdtemp(pattern.data()) == nullptr)
      return cp::fail(cp::Errc::io, "making a throw-away home", base.string(), "set TMPDIR");
    return ThrowawayDirectory{pattern};
  }
  ThrowawayDirectory(ThrowawayDirectory&& other) noexcept : path_{std::exchange(other.path_, {})} {}
  ThrowawayDirectory& operator=(ThrowawayDirectory&&) = delete;
  ~ThrowawayDirectory() {
    std::error_code ignored;  // what cannot be removed is left to the system's own cleaning
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  explicit ThrowawayDirectory(std::filesystem::path path) : path_{std::move(path)} {}
  std::filesystem::path path_;
};

void step(const Session& session, const std::string& what, const std::string& command) {
  session.print("\n" + styled(session.out(), Style::bold, what) + "\n" +
                styled(session.out(), Style::dim, "$ " + command) + "\n");
  std::fflush(stdout);
}

/// Three requests, the second of which meets a rate limit: who serves, and who rests afterwards.
int rotate(Session& world) {
  auto opened = open_pool(world, StateUse::keep);
  if (!opened) return world.fail(opened.error());
  for (int request = 1; request <= 4; ++request) {
    auto lease = opened->pool->acquire({.provider = "anthropic", .model = "demo-model"});
    if (!lease) return world.fail(lease.error());
    const bool limited = request == 2;
    world.print(
        "request " + std::to_string(request) + ": " + lease->credential().profile_id +
        (limited ? "  -> 429, rests for 5 min; the next request goes elsewhere\n" : "  -> ok\n"));
    lease->report(limited ? cp::Outcome::rate_limited(world.now() + std::chrono::minutes{5})
                          : cp::Outcome::ok(cp::Duration{120}));
  }
  return 0;
}

/// One streamed request through the proxy at that address, shown as curl would show it.
int ask_proxy(Session& world, const std::string& url, const cp::Secret& key) {
  step(
      world, "Ask through it; the first provider of \"demo\" is out of quota, the next one serves.",
      R"(echo "Authorization: Bearer $OPENAI_API_KEY" | curl -N $OPENAI_BASE_URL/chat/completions -H @- \)"
      "\n    "
      R"(-d '{"model":"demo","stream":true,"messages":[{"role":"user","content":"Hello?"}]}')");
  httplib::Client client{url};
  client.set_read_timeout(20);
  httplib::Request request;
  request.method = "POST";
  request.path = "/v1/chat/completions";
  request.set_header("Content-Type", "application/json");
  request.set_header("Authorization", "Bearer " + std::string{key.reveal()});
  request.body =
      R"({"model":"demo","stream":true,"messages":[{"role":"user","content":"Hello?"}]})";
  request.content_receiver = [&world](const char* bytes, std::size_t size, std::uint64_t,
                                      std::uint64_t) {
    world.print(std::string{bytes, size});
    std::fflush(stdout);
    return true;
  };
  const auto answer = client.send(request);
  if (!answer)
    return world.fail({cp::Errc::network, "asking the proxy", url, to_string(answer.error())});
  if (answer->status != 200)
    return world.fail({cp::Errc::http_status, "asking the proxy", url,
                       "it answered " + std::to_string(answer->status)});
  return 0;
}

/// `serve` in a thread of its own while one request is sent through it.
int serve_and_ask(Session& world) {
  struct Listener {
    std::string url;
    cp::Secret key;
  };
  std::promise<std::optional<Listener>> listener;
  auto listening = listener.get_future();
  int served = 0;
  std::thread server{[&] {
    bool ready = false;
    ServeOptions options{.listen = {"127.0.0.1:0"}, .open = true, .log = "off"};
    options.when_ready = [&](const std::string& url, const cp::Secret& key) {
      ready = true;
      listener.set_value(Listener{url, key});
    };
    served = run_serve(world, options);
    if (!ready) listener.set_value(std::nullopt);
  }};
  const auto at = listening.get();
  const int asked = at ? ask_proxy(world, at->url, at->key) : 0;
  if (at) ::pthread_kill(server.native_handle(), SIGTERM);
  server.join();
  return asked != 0 ? asked : served;
}

int tour(Session& session, const std::filesystem::path& directory) {
  auto provider = DemoProvider::start();
  if (!provider) return session.fail(provider.error());
  const auto home = directory / "home";
  if (auto made = make_demo_home(home, session.environment(), session.now(), provider->url());
      !made)
    return session.fail(made.error());

  Session world{session.options(), demo_environment(home, session.environment())};
  session.print("This is a demo: a throw-away home with made-up logins, and a local provider.\n");

  step(session, "What is on this machine?", "credpool scan");
  if (const int code = run_scan(world, {}); code != 0) return code;
  step(session, "Does it still work? Ask the providers.", "credpool scan --validate");
  if (const int code = run_scan(world, {.validate = true}); code != 0) return code;
  step(session, "Get a login a new token. Its refresh token is spent once, whoever else tries.",
       "credpool refresh kimi-code:default-2");
  if (const int code = run_refresh(world, {.name = "kimi-code:default-2"}); code != 0) return code;
  step(session, "Keep them fresh: what is due now is renewed (always: credpool renew install).",
       "credpool renew --once --cli kimi-code --cli kimi-cli");
  if (const int code = run_renew(world, {.clis = {"kimi-code", "kimi-cli"}}); code != 0)
    return code;
  step(session, "Who would serve a request to Anthropic, and why not the others?",
       "credpool explain --provider anthropic");
  if (const int code = run_explain(world, {.provider = "anthropic"}); code != 0) return code;
  step(session, "Lend in rotation; a rate limit takes one out for a while.",
       "(four requests through the library)");
  if (const int code = rotate(world); code != 0) return code;
  step(session, "Who rests now?", "credpool cooldown list");
  if (const int code = run_cooldown(world, {}); code != 0) return code;
  step(session, "One endpoint in front of them all, for every OpenAI or Anthropic client.",
       "credpool serve --open --listen 127.0.0.1:0 --log off &");
  if (const int code = serve_and_ask(world); code != 0) return code;
  step(session, "What was found and used? Hashes only, in a chain that shows changes.",
       "credpool history --verify");
  if (const int code = run_history(world, {.verify = true}); code != 0) return code;

  session.print("\n" + styled(session.out(), Style::bold, "Your own logins") +
                "\nLog in with any of the CLIs (kimi, codex, qwen, gemini, claude ...) and run "
                "`credpool scan`.\nTo play with this world instead: credpool demo --home DIR; "
                "HOME=DIR credpool scan\n");
  return 0;
}

/// The tour in a child process, so that its home is removed however it ends: also by Ctrl-C.
int tour_in_child(Session& session) {
  auto directory = ThrowawayDirectory::make();
  if (!directory) return session.fail(directory.error());
  sigset_t watched;
  sigset_t before;
  sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&watched, signal);
  pthread_sigmask(SIG_BLOCK, &watched, &before);
  const auto child = ::fork();
  if (child < 0)
    return session.fail({cp::Errc::io,
                         "starting the demo",
                         {},
                         std::error_code{errno, std::generic_category()}.message()});
  if (child == 0) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    const int code = tour(session, directory->path());
    std::fflush(stdout);
    std::_Exit(code);
  }
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    int signal = 0;
    sigwait(&watched, &signal);
    if (signal != SIGCHLD) ::kill(child, signal);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_demo(Session& session, const DemoOptions& options) {
  if (options.home.empty() && !options.serve) return tour_in_child(session);
  if (options.home.empty())
    return session.fail({cp::Errc::invalid_argument, "serving the demo", "--serve",
                         "say with --home where the made-up home shall be"});

  // Blocked before any thread starts, so that only sigwait() below sees them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  std::optional<DemoProvider> provider;
  if (options.serve) {
    auto started = DemoProvider::start();
    if (!started) return session.fail(started.error());
    provider.emplace(std::move(*started));
  }
  const auto home = session.environment().expand(options.home);
  const auto url = provider ? provider->url() : std::string{};
  if (auto made = make_demo_home(home, session.environment(), session.now(), url); !made)
    return session.fail(made.error());
  if (session.options().json) {
    session.print_json(
        Json{{"home", home.string()}, {"provider", provider ? Json(url) : Json(nullptr)}});
  } else {
    session.print("A made-up home is at " + home.string() +
                  (provider ? "; its provider answers at " + url : std::string{}) +
                  ".\nTry it: HOME=" + home.string() + " credpool scan\n");
  }
  std::fflush(stdout);
  if (provider) {
    int signal = 0;
    sigwait(&stop, &signal);
  }
  return 0;
}

}  // namespace credpool_cli
