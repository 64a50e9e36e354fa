// SPDX-License-Identifier: MIT
// What an exchange costs besides the network: the whole protocol with real files, beside the least
// that replacing a file durably takes (write, fsync, rename, fsync of the directory); a look at a
// login that needs nothing; and how soon what a CLI wrote is seen.
//
// The server is a function. Turns alternate with the floor's, so that a disk that slows down slows
// both. CREDPOOL_BENCH_DIR names the directory to work in: the file system under it is what counts.

#include <credpool/core/clock.hpp>
#include <credpool/refresh/exchange.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace cp = credpool;

namespace {

using Steady = std::chrono::steady_clock;

/// A login in three lines: access token, refresh token, end in milliseconds.
class ThreeLines final : public cp::LoginStore {
 public:
  explicit ThreeLines(std::filesystem::path file) : file_{std::move(file)} {}

  std::string_view cli() const noexcept override { return "bench"; }
  std::string_view provider() const noexcept override { return "kimi-code"; }
  const std::filesystem::path& file() const noexcept override { return file_; }
  cp::Result<cp::StoredLogin> read() const override {
    std::ifstream in{file_};
    std::string access, refresh;
    long long end = 0;
    if (!(in >> access >> refresh >> end))
      return cp::fail(cp::Errc::malformed, "reading", file_.string());
    cp::StoredLogin login;
    login.text = cp::Secret{text(access, refresh, end)};
    login.tokens.access_token = cp::Secret{access};
    login.tokens.refresh_token = cp::Secret{refresh};
    login.tokens.expires_at = cp::TimePoint{cp::Duration{end}};
    login.tokens.lifetime = cp::Duration{900'000};
    return login;
  }
  cp::Result<cp::Secret> rewritten(const cp::StoredLogin&, const cp::GrantedTokens& granted,
                                   cp::TimePoint now) const override {
    return cp::Secret{text(granted.access_token.reveal(), granted.refresh_token.reveal(),
                           (now + *granted.lifetime).time_since_epoch().count())};
  }
  cp::Result<std::unique_ptr<cp::StoreLock>> lock_exchange(cp::Duration) override {
    return nullptr;
  }
  cp::Result<std::unique_ptr<cp::StoreLock>> lock_write(cp::Duration) override {
    return std::unique_ptr<cp::StoreLock>{new Held};  // a CLI that waits: nothing to look at later
  }
  cp::Duration longest_hold() const noexcept override { return std::chrono::hours{1}; }
  cp::Duration advisory_window(cp::Duration) const noexcept override {
    return std::chrono::minutes{5};
  }
  bool single_use() const noexcept override { return true; }

  static std::string text(std::string_view access, std::string_view refresh, long long end) {
    return std::string{access} + '\n' + std::string{refresh} + '\n' + std::to_string(end) + '\n';
  }

 private:
  struct Held final : cp::StoreLock {
    cp::Result<void> still_held() const override { return {}; }
  };
  std::filesystem::path file_;
};

/// As large as real tokens are.
std::string token(const char* kind, int number) {
  auto text = std::string{kind} + '-' + std::to_string(number) + '-';
  return text.append(1500 - text.size(), 'x');
}

/// The floor: the same bytes, replaced durably and with nothing else.
bool replace_plainly(const std::filesystem::path& file, const std::string& text) {
  const auto next = file.string() + ".next";
  const int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(next.c_str(), file.c_str()) != 0) return false;
  const int directory = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool durable = directory >= 0 && ::fsync(directory) == 0;
  ::close(directory);
  return durable;
}

struct Times {
  std::vector<double> all;
  template <class F> auto of(F work) {
    const auto begin = Steady::now();
    auto result = work();
    all.push_back(std::chrono::duration<double, std::milli>(Steady::now() - begin).count());
    return result;
  }
  double at(double share) {
    std::sort(all.begin(), all.end());
    return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
  }
  void print(const char* what) {
    std::printf("%-34s %6zu %9.3f %9.3f\n", what, all.size(), at(0.5), at(0.99));
  }
};

}  // namespace

int main() {
  const char* wanted = std::getenv("CREDPOOL_BENCH_DIR");
  auto pattern = (wanted ? std::filesystem::path{wanted} : std::filesystem::temp_directory_path()) /
                 "credpool-bench-XXXXXX";
  auto name = pattern.string();
  if (::mkdtemp(name.data()) == nullptr) {
    std::perror(name.c_str());
    return 1;
  }
  const std::filesystem::path directory{name};
  ThreeLines store{directory / "login"};

  cp::ManualClock clock{cp::TimePoint{std::chrono::milliseconds{1'800'000'000'000}}};
  int number = 0;
  cp::TokenEndpoint endpoint;
  endpoint.provider = "kimi-code";
  endpoint.url = "https://login.example/token";
  endpoint.client_id = "bench";
  cp::ExchangeWorld world;
  world.now = [&] { return clock.now(); };
  world.steady = [&] { return clock.steady(); };
  world.sleep = [&](cp::Duration time) { clock.advance(time); };
  world.host_id = "bench";
  world.send = [&](const cp::Request& request) -> cp::Result<cp::Response> {
    if (auto ready = request.before_body(); !ready) return cp::fail(ready.error());
    ++number;
    return cp::Response{200,
                        {},
                        R"({"access_token":")" + token("access", number) +
                            R"(","refresh_token":")" + token("refresh", number) +
                            R"(","expires_in":900})"};
  };
  const auto write = [&](int which, cp::Duration left) {
    return replace_plainly(store.file(),
                           ThreeLines::text(token("access", which), token("refresh", which),
                                            (clock.now() + left).time_since_epoch().count()));
  };
  const auto run = [&] { return cp::exchange(store, endpoint, {}, world); };
  bool good = write(0, std::chrono::seconds{1});

  Times whole, floor, fresh, adopted;
  for (int i = 0; i < 400 && good; ++i) {
    clock.advance(std::chrono::minutes{20});
    const auto report = whole.of(run);
    good = report && report->outcome == cp::ExchangeOutcome::exchanged;
    const auto text = ThreeLines::text(token("access", i), token("refresh", i), 0);
    good &= floor.of([&] { return replace_plainly(directory / "plain", text); });
  }
  for (int i = 0; i < 5000 && good; ++i) {
    const auto report = fresh.of(run);
    good = report && report->outcome == cp::ExchangeOutcome::still_fresh;
  }
  // A CLI refreshes by itself; the next call of ours has its tokens.
  for (int i = 0; i < 400 && good; ++i) {
    clock.advance(std::chrono::minutes{20});
    good &= write(100'000 + i, std::chrono::minutes{15});
    const auto report = adopted.of(run);
    good &= report && report->tokens.access_token.reveal() == token("access", 100'000 + i);
  }
  std::filesystem::remove_all(directory);
  if (!good) {
    std::fprintf(stderr, "an exchange did not come to what it should\n");
    return 1;
  }

  std::printf("milliseconds, in %s\n%-34s %6s %9s %9s\n", pattern.parent_path().c_str(), "", "n",
              "p50", "p99");
  floor.print("write, fsync, rename, fsync");
  whole.print("whole exchange, no network");
  fresh.print("login that needs nothing");
  adopted.print("what a CLI wrote, seen");
  std::printf("exchange / floor: %.1f (p50), %.1f (p99)\n", whole.at(0.5) / floor.at(0.5),
              whole.at(0.99) / floor.at(0.99));
  std::printf("bars: exchange p50 %.3f of 5 ms, adoption p99 %.3f of 50 ms\n", whole.at(0.5),
              adopted.at(0.99));
  return whole.at(0.5) <= 5 && adopted.at(0.99) <= 50 ? 0 : 1;
}
