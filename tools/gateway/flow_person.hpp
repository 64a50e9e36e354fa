#pragma once
// SPDX-License-Identifier: MIT

#include "keep_key.hpp"
#include "presentation.hpp"

#include <credpool/refresh/interaction.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

enum class FlowState {
  starting,
  person,     ///< the person has something to do elsewhere: in a browser, or in a terminal
  input,      ///< a question waits for an answer
  working,    ///< nothing to do for the person
  done,       ///< see `result`
  failed,     ///< see `error`
  cancelled,  ///< by the person, or by the end of the server
};

std::string_view to_string(FlowState state) noexcept;

/// A refresh that a remote person takes part in, as it is told to them. Holds no secret: neither
/// what they gave nor what came of it.
struct Flow {
  std::string id;
  std::string cli;
  std::string credential;  ///< that is to be replaced; may be empty
  std::string method;      ///< as to_string(LoginMethod) has it
  FlowState state = FlowState::starting;
  std::string url;                                     ///< to be opened
  std::string user_code;                               ///< to be typed or compared there
  std::optional<credpool::TimePoint> expires_at = {};  ///< when it ends by itself
  std::string question;  ///< input is taken while this is not empty, whatever the state
  std::string problem;   ///< what was wrong with the last input
  std::string command;   ///< the CLI's own login
  std::deque<std::string> lines = {};  ///< progress or the command's output, the last 200
  std::optional<Kept> result = {};
  std::optional<credpool::Error> error = {};
  credpool::TimePoint started_at{};
  std::optional<credpool::TimePoint> ended_at = {};
  /// Grows with every change: answers and events reach a page in any order.
  std::uint64_t revision = 0;

  bool ended() const noexcept { return state >= FlowState::done; }
};

/// The JSON of it (docs/gateway.md).
/// @param with_lines false: only the newest one, as `line`
Json flow_json(const Flow& flow, bool with_lines);

/// A person who is somewhere else: what a method shows is kept until they ask for it, and what they
/// give is handed to the method when it wants it.
///
/// One thread, the flow's own, calls what Interaction has; any thread the rest.
class FlowPerson final : public credpool::Interaction {
 public:
  /// @param patience after that it is as if the person had gone
  /// @param changed  is told of each change, from the thread that made it, without a lock held
  FlowPerson(Flow flow, std::chrono::nanoseconds patience,
             std::function<void(const Flow&)> changed);

  void show(const credpool::BrowserTask& task) override;
  void progress(std::string_view text) override;
  credpool::Result<credpool::Secret> ask_secret(std::string_view question) override;
  std::optional<credpool::Secret> volunteered() override;
  bool cancelled() const override;
  void wait(credpool::Duration time) override;

  // What a method without those has to tell.

  /// Lines of a program's output, fit to be shown.
  void output(std::vector<std::string> lines);
  /// The page and the code that it named; an empty one is left as it was.
  void found(std::string_view url, std::string_view user_code);
  /// Takes input from now on; an empty question: no more.
  void offer(std::string question, FlowState state);
  /// What was given since the last time; never waits.
  std::optional<credpool::Secret> taken();
  /// Takes input as soon as a page is shown, for volunteered().
  void may_volunteer(std::string question);
  /// Asked now and then while an answer is awaited; when it says yes the wait ends, and
  /// `overtaken()` is true.
  void watch(std::function<bool()> look);
  bool overtaken() const;

  // The person's side.

  /// @errors conflict when nothing is asked, or the last answer was not taken yet
  credpool::Result<void> give(credpool::Secret text);
  void cancel();

  /// The end of it. Nothing changes after that.
  void finish(credpool::Result<Kept> result);

  Flow flow() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  bool over(const Lock&) const;
  void tell(Lock lock);

  mutable std::mutex mutex_;
  mutable std::condition_variable wake_;
  Flow flow_;
  std::optional<credpool::Secret> given_;
  std::function<bool()> look_;
  std::string offered_;    ///< the question while a page is shown
  std::string said_;       ///< since the last answer
  bool answered_ = false;  ///< the last question was
  bool offering_ = false;  ///< something was volunteered
  bool cancelled_ = false;
  bool overtaken_ = false;
  const std::chrono::steady_clock::time_point end_;
  const std::function<void(const Flow&)> changed_;
};

}  // namespace credpool_cli
