// SPDX-License-Identifier: MIT
#include "flow_book.hpp"

#include <credpool/core/clock.hpp>
#include <credpool/core/encoding.hpp>

#include <sodium.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <system_error>
#include <thread>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

struct FlowBook::Run {
  explicit Run(Flow flow, const FlowRules& rules, const Changed& changed)
      : id{flow.id}, cli{flow.cli}, person{std::move(flow), rules.patience, changed} {}

  const std::string id;
  const std::string cli;
  FlowPerson person;
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;
  std::thread thread;
};

namespace {

/// Nobody guesses one; it is no secret.
std::string new_id() {
  std::array<unsigned char, 12> random;
  ::randombytes_buf(random.data(), random.size());
  return "flow-" +
         cp::encode_base64url({reinterpret_cast<const char*>(random.data()), random.size()});
}

}  // namespace

FlowBook::FlowBook(Changed changed, FlowRules rules)
    : changed_{std::move(changed)}, rules_{rules} {}

FlowBook::~FlowBook() {
  stop();
}

cp::Result<Flow> FlowBook::start(Flow flow, Work work) {
  const std::lock_guard lock{mutex_};
  const auto refused = [&](cp::Errc code, std::string hint) {
    return cp::fail(code, "beginning a refresh", flow.cli, std::move(hint));
  };
  if (stopped_) return refused(cp::Errc::cancelled, "the server ends");
  forget_old();
  std::size_t running = 0;
  for (const auto& run : runs_) {
    const auto there = run->person.flow();
    if (there.ended()) continue;
    ++running;
    if (run->cli == flow.cli)
      return refused(cp::Errc::busy, "one is under way (" + there.id + "): finish or cancel it");
  }
  if (running >= rules_.most)
    return refused(cp::Errc::busy, std::to_string(running) + " are under way: finish one first");
  flow.id = new_id();
  flow.started_at = cp::SystemClock{}.now();
  flow.state = FlowState::starting;
  auto run = std::make_shared<Run>(std::move(flow), rules_, changed_);
  runs_.push_back(run);
  const auto body = [run = run.get(), work = std::move(work)] {
    cp::Result<Kept> result = cp::fail(cp::Errc::io, "refreshing", run->cli);
    try {
      result = work(run->person);
    } catch (const std::exception&) {
      result = cp::fail(cp::Errc::io, "refreshing", run->cli, "it broke off; see the server's log");
    }
    run->person.finish(std::move(result));
    const std::lock_guard ended{run->mutex};
    run->has_ended = true;
    run->ended.notify_all();
  };
  try {
    // The book holds the run until the thread is joined.
    run->thread = std::thread{body};
  } catch (const std::system_error&) {
    runs_.pop_back();
    return cp::fail(cp::Errc::busy, "beginning a refresh", run->cli, "no thread is to be had");
  }
  return run->person.flow();
}

/// Of those that have ended only the newest stay.
void FlowBook::forget_old() {
  auto ended = static_cast<std::size_t>(std::count_if(
      runs_.begin(), runs_.end(), [](const auto& run) { return run->person.flow().ended(); }));
  for (auto at = runs_.begin(); at != runs_.end() && ended > rules_.kept;) {
    if (!(*at)->person.flow().ended()) {
      ++at;
      continue;
    }
    (*at)->thread.join();
    at = runs_.erase(at);
    --ended;
  }
}

std::shared_ptr<FlowBook::Run> FlowBook::run_of(std::string_view id) const {
  const std::lock_guard lock{mutex_};
  for (const auto& run : runs_)
    if (run->id == id) return run;
  return nullptr;
}

namespace {

cp::Unexpected no_such(std::string_view) {
  return cp::fail(cp::Errc::not_found, "looking for a flow", {},
                  "there is none of that id; it may have ended long ago");
}

}  // namespace

cp::Result<Flow> FlowBook::find(std::string_view id) const {
  const auto run = run_of(id);
  if (!run) return no_such(id);
  return run->person.flow();
}

std::vector<Flow> FlowBook::all() const {
  const std::lock_guard lock{mutex_};
  std::vector<Flow> flows;
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run)
    flows.push_back((*run)->person.flow());
  return flows;
}

cp::Result<Flow> FlowBook::input(std::string_view id, cp::Secret text) {
  const auto run = run_of(id);
  if (!run) return no_such(id);
  if (auto given = run->person.give(std::move(text)); !given) return cp::fail(given.error());
  return run->person.flow();
}

cp::Result<Flow> FlowBook::cancel(std::string_view id) {
  constexpr std::chrono::seconds patience{5};
  const auto run = run_of(id);
  if (!run) return no_such(id);
  run->person.cancel();
  std::unique_lock lock{run->mutex};
  run->ended.wait_for(lock, patience, [&] { return run->has_ended; });
  return run->person.flow();
}

void FlowBook::stop() {
  std::vector<std::shared_ptr<Run>> runs;
  {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
    runs = std::exchange(runs_, {});
  }
  for (const auto& run : runs) run->person.cancel();
  for (const auto& run : runs)
    if (run->thread.joinable()) run->thread.join();
}

}  // namespace credpool_cli
