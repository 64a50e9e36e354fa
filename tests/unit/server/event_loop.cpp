// SPDX-License-Identifier: MIT
#include <credpool/impl/server/event_loop.hpp>

#include <doctest/doctest.h>

#include <pthread.h>
#include <time.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

using Turn = cp::detail::EventSource::Turn;

/// Notes in a log of all sources what it is told.
class Source final : public cp::detail::EventSource {
 public:
  Source(std::string name, Turn turn, std::vector<std::string>& log)
      : name_{std::move(name)}, turn_{turn}, log_{log}, count_{::eventfd(0, EFD_NONBLOCK)} {}

  Turn note_events(std::uint32_t) noexcept override {
    log_.push_back("note " + name_);
    return turn_;
  }
  void read_ahead() override {
    if (loop != nullptr) log_.push_back("read " + name_);
  }
  void on_events() override {
    log_.push_back(name_);
    if (loop != nullptr && !loop->write_later(*this)) log_.push_back("cannot write later");
    std::uint64_t times = 0;
    (void)!::read(count_.get(), &times, sizeof times);
    if (done && loop == nullptr) done->set_value();
  }
  void write_now() override { log_.push_back("write " + name_); }
  void keep_ahead() override {
    if (loop == nullptr) return;
    log_.push_back("keep " + name_);
    if (done) done->set_value();
  }

  int descriptor() const noexcept { return count_.get(); }
  void happens() const {
    const std::uint64_t once = 1;
    (void)!::write(count_.get(), &once, sizeof once);
  }

  std::promise<void>* done = nullptr;
  cp::detail::EventLoop* loop = nullptr;  ///< reads ahead and writes later

 private:
  std::string name_;
  Turn turn_;
  std::vector<std::string>& log_;
  cp::Descriptor count_;
};

}  // namespace

TEST_CASE(
    "server/event_loop: note is taken of all events of a turn, and who may wait is told last") {
  std::vector<std::string> log;
  Source stream{"stream", Turn::late, log};
  Source first{"first", Turn::usual, log};
  Source other_stream{"other stream", Turn::late, log};
  Source second{"second", Turn::usual, log};
  cp::detail::EventLoop loop;
  REQUIRE(loop.is_usable());
  std::promise<void> all;
  other_stream.done = &all;
  // The system tells of them in this order.
  for (auto* source : {&stream, &first, &other_stream, &second}) {
    REQUIRE(loop.watch(source->descriptor(), EPOLLIN | EPOLLET, *source));
    source->happens();
  }
  loop.start();
  REQUIRE(all.get_future().wait_for(10s) == std::future_status::ready);
  loop.halt();
  loop.join();
  CHECK(log == std::vector<std::string>{"note stream", "note first", "note other stream",
                                        "note second", "first", "second", "stream",
                                        "other stream"});
}

TEST_CASE("server/event_loop: sixteen read, are told, and write before the next ones read") {
  constexpr std::size_t together = 16;
  constexpr std::size_t count = together + 2;
  std::vector<std::string> log;
  cp::detail::EventLoop loop;
  REQUIRE(loop.is_usable());
  std::vector<std::unique_ptr<Source>> sources;
  for (std::size_t i = 0; i < count; ++i)
    sources.push_back(std::make_unique<Source>(std::to_string(i), Turn::usual, log));
  std::promise<void> all;
  sources.back()->done = &all;
  for (const auto& source : sources) {
    source->loop = &loop;
    REQUIRE(loop.watch(source->descriptor(), EPOLLIN | EPOLLET, *source));
    source->happens();
  }
  CHECK_FALSE(loop.write_later(*sources.front()));  // nobody is served
  loop.start();
  REQUIRE(all.get_future().wait_for(10s) == std::future_status::ready);
  loop.halt();
  loop.join();

  std::vector<std::string> wanted;
  const auto each = [&](const std::string& what, std::size_t from, std::size_t to) {
    for (auto i = from; i < to; ++i) wanted.push_back(what + std::to_string(i));
  };
  each("note ", 0, count);
  for (const auto& [from, to] : {std::pair{std::size_t{0}, together}, std::pair{together, count}})
    for (const auto* what : {"read ", "", "write ", "keep "}) each(what, from, to);
  CHECK(log == wanted);
}

TEST_CASE("server/event_loop: what is read ahead has room until it is full, or much is kept") {
  const auto loop = std::make_unique<cp::detail::EventLoop>();
  const auto first = loop->room_ahead();
  REQUIRE(first.size() >= 16 << 10);
  CHECK_FALSE(loop->is_ahead(first.data()));
  loop->took_ahead(100);
  CHECK(loop->is_ahead(first.data()));
  CHECK(loop->is_ahead(first.data() + 99));
  CHECK_FALSE(loop->is_ahead(first.data() - 1));
  CHECK_FALSE(loop->is_ahead(&loop));
  const auto second = loop->room_ahead();
  CHECK(second.data() >= first.data() + 100);

  loop->kept = 1 << 20;  // slow peers have to take that yet
  CHECK(loop->room_ahead().empty());
  loop->kept = 0;
  std::size_t times = 0;
  for (auto room = loop->room_ahead(); !room.empty() && times < 100; room = loop->room_ahead()) {
    loop->took_ahead(room.size());
    ++times;
  }
  CHECK(times > 3);
  CHECK(times < 100);
}

namespace {

std::chrono::nanoseconds processor_time(clockid_t clock) {
  timespec time{};
  REQUIRE(::clock_gettime(clock, &time) == 0);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace

TEST_CASE("server/event_loop: one that polls hears of everything, and sleeps when nothing comes") {
  cp::detail::EventLoop loop;
  REQUIRE(loop.is_usable());
  loop.start();
  std::promise<clockid_t> named;
  loop.post([&named] {
    clockid_t clock{};
    ::pthread_getcpuclockid(::pthread_self(), &clock);
    named.set_value(clock);
  });
  const auto clock = named.get_future().get();

  // One after the other, so that it waits for each: asleep at first, awake once it has learned.
  std::size_t called = 0;
  for (int i = 0; i < 2000; ++i) {
    std::promise<void> done;
    loop.post([&] {
      ++called;
      done.set_value();
    });
    REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
  }
  CHECK(called == 2000);

  std::promise<void> later;
  loop.post([&] { loop.after(20ms, [&later] { later.set_value(); }); });
  CHECK(later.get_future().wait_for(10s) == std::future_status::ready);

  const auto before = processor_time(clock);
  std::this_thread::sleep_for(100ms);
  CHECK(processor_time(clock) - before < 20ms);
  loop.halt();
  loop.join();
}
