// SPDX-License-Identifier: MIT
#include <credpool/impl/core/recycled_memory.hpp>

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <thread>
#include <vector>

namespace cp = credpool;

namespace {

/// Of a size that nothing else here has: what a thread keeps is kept by size.
using Blocks = cp::detail::RecycledBlocks<200>;

struct Counted {
  explicit Counted(int& alive) : alive_{alive} { ++alive_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive_; }

  std::array<char, 300> more{};

 private:
  int& alive_;
};

}  // namespace

TEST_CASE("core/recycled_memory: what was given back comes again, last first") {
  void* const one = Blocks::take();
  void* const two = Blocks::take();
  CHECK(one != two);
  CHECK(Blocks::count() == 0);
  Blocks::give(one);
  Blocks::give(two);
  CHECK(Blocks::count() == 2);
  CHECK(Blocks::take() == two);
  CHECK(Blocks::take() == one);
  CHECK(Blocks::count() == 0);
  Blocks::give(one);
  Blocks::give(two);
}

TEST_CASE("core/recycled_memory: a thread keeps so many, and those that it was given") {
  std::vector<void*> taken;
  for (std::size_t i = 0; i < Blocks::most + 10; ++i) taken.push_back(Blocks::take());
  CHECK(std::set<void*>(taken.begin(), taken.end()).size() == taken.size());
  std::size_t kept = 0;
  std::thread{[&] {
    CHECK(Blocks::count() == 0);
    for (void* memory : taken) Blocks::give(memory);  // freed with the thread: a leak is told
    kept = Blocks::count();
  }}.join();
  CHECK(kept == Blocks::most);
  std::thread{[&] { kept = Blocks::count(); }}.join();
  CHECK(kept == 0);
}

TEST_CASE("core/recycled_memory: objects begin and end as others do") {
  int alive = 0;
  std::shared_ptr<Counted> last;
  for (int i = 0; i < 3; ++i) {
    const auto one = cp::detail::make_recycled<Counted>(alive);
    last = cp::detail::make_recycled<Counted>(alive);
    CHECK(one->more == last->more);
  }
  CHECK(alive == 1);
  std::thread{[gone = std::exchange(last, nullptr)] {}}.join();  // on another thread
  CHECK(alive == 0);
}
