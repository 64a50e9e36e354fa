// SPDX-License-Identifier: MIT
#include <credpool/impl/server/event_loop.hpp>

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>
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
  void on_events() override {
    log_.push_back(name_);
    std::uint64_t times = 0;
    (void)!::read(count_.get(), &times, sizeof times);
    if (done) done->set_value();
  }

  int descriptor() const noexcept { return count_.get(); }
  void happens() const {
    const std::uint64_t once = 1;
    (void)!::write(count_.get(), &once, sizeof once);
  }

  std::promise<void>* done = nullptr;

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
  Source first{"first", Turn::early, log};
  Source other_stream{"other stream", Turn::late, log};
  Source second{"second", Turn::early, log};
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
