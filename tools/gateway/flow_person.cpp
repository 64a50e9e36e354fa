// SPDX-License-Identifier: MIT
#include "flow_person.hpp"

#include <credpool/core/clock.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t most_lines = 200;
constexpr std::size_t longest_input = 16 * 1024;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(harmless(text));
}

void add_line(Flow& flow, std::string text) {
  // A spinner that draws itself anew says the same again.
  if (text.empty() || (!flow.lines.empty() && flow.lines.back() == text)) return;
  flow.lines.push_back(std::move(text));
  if (flow.lines.size() > most_lines) flow.lines.pop_front();
}

}  // namespace

std::string_view to_string(FlowState state) noexcept {
  constexpr std::array<std::string_view, 7> names{"starting", "person", "input",    "working",
                                                  "done",     "failed", "cancelled"};
  return names[static_cast<std::size_t>(state)];
}

Json flow_json(const Flow& flow, bool with_lines) {
  Json document{{"id", flow.id},
                {"cli", flow.cli},
                {"credential", text_or_null(flow.credential)},
                {"method", flow.method},
                {"state", to_string(flow.state)},
                {"url", text_or_null(flow.url)},
                {"userCode", text_or_null(flow.user_code)},
                {"expiresAt", time_json(flow.expires_at)},
                {"question", text_or_null(flow.question)},
                {"problem", text_or_null(flow.problem)},
                {"command", text_or_null(flow.command)}};
  if (with_lines)
    document["lines"] = flow.lines;
  else
    document["line"] = flow.lines.empty() ? Json(nullptr) : Json(flow.lines.back());
  document["result"] = nullptr;
  if (flow.result)
    document["result"] = {{"profileId", flow.result->profile_id},
                          {"id", flow.result->id},
                          {"tokenHash", flow.result->token_hash},
                          {"expiresAt", time_json(flow.result->expires_at)}};
  document["error"] = nullptr;
  if (flow.error)
    document["error"] = {{"code", cp::to_string(flow.error->errc())},
                         {"message", harmless(flow.error->message())},
                         {"hint", harmless(flow.error->hint)}};
  document["startedAt"] = time_json(flow.started_at);
  document["endedAt"] = time_json(flow.ended_at);
  document["revision"] = flow.revision;
  return document;
}

FlowPerson::FlowPerson(Flow flow, std::chrono::nanoseconds patience,
                       std::function<void(const Flow&)> changed)
    : flow_{std::move(flow)},
      end_{std::chrono::steady_clock::now() + patience},
      changed_{std::move(changed)} {
  flow_.expires_at = flow_.started_at + std::chrono::duration_cast<cp::Duration>(patience);
}

bool FlowPerson::over(const Lock&) const {
  return cancelled_ || std::chrono::steady_clock::now() >= end_;
}

/// Wakes who waits, and tells of the change.
void FlowPerson::tell(Lock lock) {
  ++flow_.revision;
  const auto flow = flow_;
  lock.unlock();
  wake_.notify_all();
  if (changed_) changed_(flow);
}

void FlowPerson::show(const cp::BrowserTask& task) {
  Lock lock{mutex_};
  flow_.state = FlowState::person;
  flow_.url = task.url;
  flow_.user_code = task.user_code;
  flow_.question = offered_;
  flow_.expires_at = std::min(*flow_.expires_at, task.expires_at);
  tell(std::move(lock));
}

void FlowPerson::progress(std::string_view text) {
  Lock lock{mutex_};
  said_ = harmless(text);
  if (offering_) flow_.problem = said_;
  add_line(flow_, said_);
  tell(std::move(lock));
}

cp::Result<cp::Secret> FlowPerson::ask_secret(std::string_view question) {
  constexpr std::chrono::seconds look_every{1};
  {
    Lock lock{mutex_};
    // What was said since the last answer is why it is asked again.
    flow_.problem = answered_ ? said_ : std::string{};
    answered_ = false;
    flow_.state = FlowState::input;
    flow_.question = question;
    while (flow_.question.ends_with(' ') || flow_.question.ends_with(':'))
      flow_.question.pop_back();
    tell(std::move(lock));
  }
  Lock lock{mutex_};
  while (!given_ && !over(lock)) {
    wake_.wait_until(lock, std::min(end_, std::chrono::steady_clock::now() + look_every));
    if (given_ || !look_) continue;
    const auto look = look_;
    lock.unlock();
    const bool found = look();
    lock.lock();
    if (!found || given_) continue;
    overtaken_ = true;
    break;
  }
  flow_.state = FlowState::working;
  flow_.question.clear();
  auto given = std::exchange(given_, std::nullopt);
  answered_ = given.has_value();
  said_.clear();
  if (given) flow_.problem.clear();
  const bool timed_out = !given && !cancelled_ && !overtaken_;
  tell(std::move(lock));
  if (given) return std::move(*given);
  if (timed_out)
    return cp::fail(cp::Errc::timeout, "waiting for an answer", {},
                    "nobody answered in time: start again");
  return cp::fail(cp::Errc::cancelled, "waiting for an answer", {}, "nothing was changed");
}

std::optional<cp::Secret> FlowPerson::volunteered() {
  const Lock lock{mutex_};
  if (!given_) return std::nullopt;
  offering_ = true;
  flow_.problem.clear();
  return std::exchange(given_, std::nullopt);
}

std::optional<cp::Secret> FlowPerson::taken() {
  const Lock lock{mutex_};
  return std::exchange(given_, std::nullopt);
}

void FlowPerson::may_volunteer(std::string question) {
  const Lock lock{mutex_};
  offered_ = std::move(question);
}

bool FlowPerson::cancelled() const {
  const Lock lock{mutex_};
  return over(lock);
}

void FlowPerson::wait(cp::Duration time) {
  Lock lock{mutex_};
  const auto until = std::min(end_, std::chrono::steady_clock::now() + time);
  wake_.wait_until(lock, until, [&] { return cancelled_; });
}

void FlowPerson::output(std::vector<std::string> lines) {
  if (lines.empty()) return;
  Lock lock{mutex_};
  for (auto& line : lines) add_line(flow_, std::move(line));
  tell(std::move(lock));
}

void FlowPerson::found(std::string_view url, std::string_view user_code) {
  Lock lock{mutex_};
  if ((url.empty() || flow_.url == url) && (user_code.empty() || flow_.user_code == user_code))
    return;
  if (!url.empty()) flow_.url = url;
  if (!user_code.empty()) flow_.user_code = user_code;
  if (flow_.state == FlowState::working || flow_.state == FlowState::starting)
    flow_.state = FlowState::person;
  tell(std::move(lock));
}

void FlowPerson::offer(std::string question, FlowState state) {
  Lock lock{mutex_};
  if (flow_.question == question && flow_.state == state) return;
  flow_.question = std::move(question);
  flow_.state = state;
  tell(std::move(lock));
}

void FlowPerson::watch(std::function<bool()> look) {
  const Lock lock{mutex_};
  look_ = std::move(look);
}

bool FlowPerson::overtaken() const {
  const Lock lock{mutex_};
  return overtaken_;
}

cp::Result<void> FlowPerson::give(cp::Secret text) {
  Lock lock{mutex_};
  const auto refused = [&](cp::Errc code, std::string hint) {
    return cp::fail(code, "answering a flow", flow_.id, std::move(hint));
  };
  if (flow_.ended()) return refused(cp::Errc::conflict, "it has ended");
  if (flow_.question.empty()) return refused(cp::Errc::conflict, "nothing is asked at the moment");
  if (given_) return refused(cp::Errc::busy, "the last answer was not taken yet");
  if (text.size() > longest_input) return refused(cp::Errc::too_large, "at most 16 KiB");
  given_ = std::move(text);
  lock.unlock();
  wake_.notify_all();
  return {};
}

void FlowPerson::cancel() {
  {
    const Lock lock{mutex_};
    if (flow_.ended()) return;
    cancelled_ = true;
  }
  wake_.notify_all();
}

void FlowPerson::finish(cp::Result<Kept> result) {
  Lock lock{mutex_};
  if (flow_.ended()) return;
  const bool out_of_time = over(lock) && !cancelled_;
  flow_.question.clear();
  given_.reset();
  flow_.ended_at = cp::SystemClock{}.now();
  if (result) {
    flow_.state = FlowState::done;
    flow_.problem.clear();
    if (!result->warning.empty()) add_line(flow_, harmless(result->warning));
    flow_.result = std::move(*result);
  } else if (cancelled_ && result.error().errc() == cp::Errc::cancelled) {
    flow_.state = FlowState::cancelled;
  } else {
    flow_.state = FlowState::failed;
    flow_.error = std::move(result).error();
    // To the method both are the same: the person is not there any more.
    if (out_of_time && flow_.error->errc() == cp::Errc::cancelled)
      flow_.error = cp::Error{cp::Errc::timeout, flow_.error->doing, flow_.error->place,
                              "it was not finished in time: start again"};
  }
  tell(std::move(lock));
}

Flow FlowPerson::flow() const {
  const Lock lock{mutex_};
  return flow_;
}

}  // namespace credpool_cli
