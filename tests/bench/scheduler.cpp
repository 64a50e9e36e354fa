// SPDX-License-Identifier: MIT
// What it costs to keep 10,000 logins of 15 minutes renewed: CPU and memory of the scheduler with a
// renewal that does nothing, 60 times faster than real time, so that a quarter of an hour fits into
// fifteen seconds. The CPU share that is printed is that of real time.

#include <credpool/core/clock.hpp>
#include <credpool/refresh/scheduler.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include <malloc.h>
#include <sys/resource.h>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main() {
  constexpr int logins = 10'000;
  constexpr int faster = 60;
  constexpr auto life = std::chrono::milliseconds{15min} / faster;
  constexpr auto window = life * 6 / 10;  // Kimi's
  const auto now = [] { return cp::SystemClock{}.now(); };

  std::atomic<int> renewed{0};
  const auto before = ::mallinfo2().uordblks;
  auto scheduler = cp::RenewalScheduler::start(
      {.now = now, .renew = [&](const cp::CredentialId& id) -> std::optional<cp::TimePoint> {
         ++renewed;
         return cp::renewal_time(id, now() + life, window);
       }});
  if (!scheduler) {
    std::fprintf(stderr, "%s\n", scheduler.error().message().c_str());
    return 1;
  }
  const auto begin = now();
  for (int i = 0; i < logins; ++i) {
    const auto id = cp::Credential::login("acme-cli", "acme", std::to_string(i)).id;
    // Of all ages, as logins are that were made one after another.
    (*scheduler)->put(id, cp::renewal_time(id, begin + life * (i + 1) / logins, window));
  }
  const auto memory = ::mallinfo2().uordblks - before;
  const auto cpu = cpu_seconds();
  std::this_thread::sleep_for(life);
  const auto spent = cpu_seconds() - cpu;
  const int done = renewed;
  std::printf("%d logins of 15 minutes: %d renewals in %.0f s, %.1f us of CPU each\n", logins, done,
              std::chrono::duration<double>(life).count(), spent * 1e6 / done);
  std::printf("CPU at real speed: %.3f %% of one core; plan: %.0f bytes a login, %.1f MiB in all\n",
              100 * spent / std::chrono::duration<double>(life).count() / faster,
              static_cast<double>(memory) / logins, static_cast<double>(memory) / (1 << 20));
  return done >= logins ? 0 : 1;
}
