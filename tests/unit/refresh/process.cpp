// SPDX-License-Identifier: MIT
#include <credpool/refresh/process.hpp>

#include <played_program.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct World {
  ThrowawayHome home;
  PlayedPrograms programs{home};

  cp::ProcessPlan plan(std::string_view body) const {
    cp::ProcessPlan made;
    made.program = programs.write("played", body);
    made.read_output = true;
    return made;
  }
};

const auto never = [](std::string_view) { return false; };

}  // namespace

TEST_CASE("refresh/process: talks with a program and sees its end") {
  const World world;
  auto started = cp::Process::start(
      world.plan("for line in sys.stdin: print(line.strip()[::-1], flush=True)\nsys.exit(7)"));
  REQUIRE(started);
  REQUIRE(started->write("abc\n", seconds{10}));
  CHECK(started->read_until([](auto text) { return text == "cba\n"; }, seconds{10}));
  CHECK_FALSE(started->wait(milliseconds{0}));
  started->close_input();
  const auto end = started->wait(seconds{10});
  REQUIRE(end);
  CHECK(end->exit_code == 7);
  CHECK(end->signal == 0);
}

TEST_CASE("refresh/process: arguments and variables reach it as they are, without a shell") {
  const World world;
  auto plan = world.plan("print(json.dumps([sys.argv[1:], os.getcwd()]))");
  plan.arguments = {"a b", "$(touch /tmp/x)", ";", ""};
  plan.directory = world.home.path();
  auto started = cp::Process::start(plan);
  REQUIRE(started);
  REQUIRE(started->wait(seconds{10}));
  CHECK(started->output() ==
        "[[\"a b\", \"$(touch /tmp/x)\", \";\", \"\"], \"" + world.home.path().string() + "\"]\n");
}

TEST_CASE("refresh/process: C1 C6 it gets descriptors 0, 1, 2 and the variables it was given") {
  const World world;
  ::setenv("CREDPOOL_TEST_CANARY", "canary-0123456789", 1);
  // As a program that embeds us may have them: open, and not close-on-exec.
  const int leaked = ::open("/dev/null", O_RDONLY);
  const int high = ::fcntl(leaked, F_DUPFD, 200);
  auto plan = world.plan(R"(
def is_open(fd):
    try: os.fstat(fd)
    except OSError: return False
    return True
print(json.dumps([[fd for fd in range(1024) if is_open(fd)], open('/proc/self/environ').read()])))");
  plan.variables = {{"A", "1"}, {"LANG", "C"}};
  auto started = cp::Process::start(plan);
  ::close(leaked);
  ::close(high);
  ::unsetenv("CREDPOOL_TEST_CANARY");
  REQUIRE(started);
  REQUIRE(started->wait(seconds{10}));
  CHECK(started->output() == "[[0, 1, 2], \"A=1\\u0000LANG=C\\u0000\"]\n");
}

TEST_CASE("refresh/process: it leads a session of its own") {
  const World world;
  auto started = cp::Process::start(world.plan("print(os.getsid(0) == os.getpid())"));
  REQUIRE(started);
  REQUIRE(started->wait(seconds{10}));
  CHECK(started->output() == "True\n");
}

TEST_CASE("refresh/process: descriptors that we lack are no trap") {
  // A daemon may run without 0, 1 and 2: then a pipe would get their numbers.
  const World world;
  const int kept[3] = {::fcntl(0, F_DUPFD_CLOEXEC, 10), ::fcntl(1, F_DUPFD_CLOEXEC, 10),
                       ::fcntl(2, F_DUPFD_CLOEXEC, 10)};
  const auto plan = world.plan("print(sys.stdin.read())");
  for (int fd = 0; fd < 3; ++fd) ::close(fd);
  std::string output;
  {
    auto started = cp::Process::start(plan);
    if (started && started->write("through", seconds{10})) {
      started->close_input();
      if (started->wait(seconds{10})) output = started->output();
    }
  }
  for (int fd = 0; fd < 3; ++fd) {
    ::dup2(kept[fd], fd);
    ::close(kept[fd]);
  }
  CHECK(output == "through\n");
}

TEST_CASE("refresh/process: output over the cap is dropped and never blocks the program") {
  const World world;
  auto plan = world.plan("sys.stdout.write('x' * 3000000); sys.stdout.flush(); sys.exit(3)");
  plan.max_output = 1000;
  auto started = cp::Process::start(plan);
  REQUIRE(started);
  const auto end = started->wait(seconds{20});
  REQUIRE(end);
  CHECK(end->exit_code == 3);
  CHECK(started->output() == std::string(1000, 'x'));
}

TEST_CASE(
    "refresh/process: a program that reads nothing is a time-out, one that is gone an error") {
  const World world;
  const std::string large(1 << 20, 'x');
  auto sleeper = cp::Process::start(world.plan("time.sleep(0.5)"));
  REQUIRE(sleeper);
  CHECK(sleeper->write(large, milliseconds{100}).error().errc() == cp::Errc::timeout);
  CHECK_FALSE(sleeper->read_until(never, milliseconds{1}));
  auto gone = cp::Process::start(world.plan(""));
  REQUIRE(gone);
  REQUIRE(gone->wait(seconds{10}));
  CHECK(gone->write(large, seconds{1}).error().errc() == cp::Errc::io);
}

TEST_CASE("refresh/process: R10 one that is let go finishes, unsignalled, with its output open") {
  const World world;
  auto freed = std::make_shared<std::atomic<bool>>(false);
  {
    auto started = cp::Process::start(world.plan(R"(
print('started', flush=True)
sys.stdin.read()
say('closed', '1')
time.sleep(0.3)
for n in range(5000): print('still writing, more than a pipe holds', flush=True)
say('finished', '1'))"));
    REQUIRE(started);
    CHECK(started->read_until([](auto text) { return text == "started\n"; }, seconds{10}));
    const std::shared_ptr<int> held{new int{0}, [freed](int* number) {
                                      delete number;
                                      *freed = true;
                                    }};
    started->hold(held);
    CHECK_FALSE(*freed);
  }
  CHECK_FALSE(*freed);
  REQUIRE(world.programs.waits_for("finished"));
  CHECK_FALSE(world.programs.has("signal"));
  for (int tries = 0; tries < 2000 && !*freed; ++tries)
    std::this_thread::sleep_for(milliseconds{5});
  CHECK(*freed);
}

TEST_CASE("refresh/process: what cannot be started is an error that names it") {
  const World world;
  cp::ProcessPlan plan;
  plan.program = "relative/program";
  CHECK(cp::Process::start(plan).error().errc() == cp::Errc::invalid_argument);
  plan.program = world.home.path() / "none";
  const auto missing = cp::Process::start(plan);
  CHECK(missing.error().errc() == cp::Errc::not_found);
  CHECK(missing.error().place == plan.program.string());
  plan.program = world.home.write("text", "not a program");
  CHECK(cp::Process::start(plan).error().errc() == cp::Errc::permission_denied);
}

TEST_CASE("refresh/process: a program that was killed tells by what") {
  const World world;
  auto started = cp::Process::start(world.plan("os.kill(os.getpid(), signal.SIGKILL)"));
  REQUIRE(started);
  const auto end = started->wait(seconds{10});
  REQUIRE(end);
  CHECK(end->signal == SIGKILL);
}

TEST_CASE(
    "refresh/process: one on a terminal of its own sees a terminal, and what it is told is not "
    "repeated") {
  const World world;
  auto plan = world.plan(
      "print(all(os.isatty(i) for i in range(3)), os.get_terminal_size().columns, os.getpgrp() == "
      "os.tcgetpgrp(0), flush=True)\n"
      "said = input('who? ')\nprint('hello', said[::-1], file=sys.stderr)");
  plan.read_output = false;
  plan.on_terminal = true;
  auto started = cp::Process::start(plan);
  REQUIRE(started);
  CHECK(started->read_until([](auto text) { return text.ends_with("who? "); }, seconds{20}));
  CHECK(started->take_output() == "True 1000 True\r\nwho? ");
  REQUIRE(started->write("abc\r", seconds{10}));
  const auto end = started->wait(seconds{10});
  REQUIRE(end);
  CHECK(end->exit_code == 0);
  CHECK(started->output() == "hello cba\r\n");
}

TEST_CASE("refresh/process: stop ends it and what it started, also when it would rather not") {
  const World world;
  const auto run = [&](const std::string& setup, bool on_terminal) {
    auto plan =
        world.plan(setup + "child = os.fork()\nif child: print(child, flush=True)\ntime.sleep(60)");
    plan.on_terminal = on_terminal;
    auto started = cp::Process::start(plan);
    REQUIRE(started);
    REQUIRE(
        started->read_until([](auto text) { return text.find('\n') != text.npos; }, seconds{20}));
    const auto child = static_cast<pid_t>(std::stol(started->output()));
    started->stop(milliseconds{300});
    const auto end = started->wait(milliseconds{0});
    REQUIRE(end);
    // The grandchild is not ours to reap: it is gone, or waits for who is.
    const auto gone = [&] {
      std::ifstream status{"/proc/" + std::to_string(child) + "/stat"};
      std::string line;
      return !std::getline(status, line) || line.find(") Z ") != line.npos;
    };
    for (int i = 0; i < 200 && !gone(); ++i) std::this_thread::sleep_for(milliseconds{10});
    CHECK(gone());
    started->stop(milliseconds{300});
    return end->signal;
  };
  const std::string mild = "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n";
  CHECK(run(mild, false) == SIGTERM);
  CHECK(run(mild, true) == SIGTERM);
  // What it started would rather not, and it itself ends at once.
  CHECK(run("main = os.getpid()\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(7) if "
            "os.getpid() == main else None)\n",
            false) == 0);
  CHECK(run("", true) == SIGKILL);
}
