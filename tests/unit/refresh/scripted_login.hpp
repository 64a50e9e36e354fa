#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/refresh/interaction.hpp>
#include <credpool/refresh/login_world.hpp>
#include <credpool/transport/fake.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// A person with a script: answers from a list, gives up when told to, and time passes while it
/// waits.
class ScriptedPerson final : public credpool::Interaction {
 public:
  explicit ScriptedPerson(credpool::ManualClock& clock) : clock_{clock} {}

  void show(const credpool::BrowserTask& task) override {
    shown.push_back(task);
    if (on_show) on_show(task);
  }
  void progress(std::string_view text) override { said.emplace_back(text); }
  credpool::Result<credpool::Secret> ask_secret(std::string_view question) override {
    asked.emplace_back(question);
    if (answers.empty()) return credpool::fail(credpool::Errc::cancelled, "asking");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return credpool::Secret{answer};
  }
  std::optional<credpool::Secret> volunteered() override {
    if (offers.empty()) return std::nullopt;
    credpool::Secret offered{offers.front()};
    offers.pop_front();
    return offered;
  }
  bool cancelled() const override { return gives_up_after >= 0 && waits_ >= gives_up_after; }
  void wait(credpool::Duration time) override {
    ++waits_;
    waited.push_back(time);
    clock_.advance(time);
  }

  std::vector<credpool::BrowserTask> shown;
  std::vector<std::string> said;
  std::vector<std::string> asked;
  std::vector<credpool::Duration> waited;
  std::deque<std::string> answers;
  std::deque<std::string> offers;  ///< brought without being asked
  std::function<void(const credpool::BrowserTask&)> on_show;
  int gives_up_after = -1;  ///< waits; -1: never

 private:
  credpool::ManualClock& clock_;
  int waits_ = 0;
};

/// One login against a scripted server: answers are given in order, the last one for ever.
struct ScriptedLogin {
  explicit ScriptedLogin(std::vector<credpool::Result<credpool::Response>> replies)
      : server{[this](const credpool::Request&) {
          auto answer = answers.front();
          if (answers.size() > 1) answers.pop_front();
          return answer;
        }},
        answers{replies.begin(), replies.end()} {}

  credpool::LoginWorld world() {
    return {[this](const credpool::Request& request) { return server.send(request); },
            [this] { return clock.now(); }, [this] { return clock.steady(); }};
  }

  static credpool::Response json(int status, std::string body) {
    return {status, {{"Content-Type", "application/json"}}, std::move(body)};
  }
  static credpool::Response error(int status, const std::string& code) {
    return json(status, R"({"error":")" + code + "\"}");
  }

  credpool::ManualClock clock{credpool::TimePoint{std::chrono::seconds{1800000000}}};
  ScriptedPerson person{clock};
  credpool::FakeTransport server;
  std::deque<credpool::Result<credpool::Response>> answers;
};
