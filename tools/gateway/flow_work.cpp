// SPDX-License-Identifier: MIT
#include "flow_work.hpp"

#include "flow_offer.hpp"
#include "flow_text.hpp"
#include "log_in.hpp"

#include <credpool/pool/from_settings.hpp>
#include <credpool/refresh/cli_program.hpp>
#include <credpool/refresh/process.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

LoginWatch::LoginWatch(const Session& session, std::shared_ptr<const CliSources> sources,
                       const cp::Settings& settings, const cp::LoginProvider& login)
    : session_{session},
      sources_{std::move(sources)},
      settings_{settings},
      places_{cp::source_settings(settings, CliSources::clis)} {
  for (const auto name : CliSources::clis) {
    const auto* row = cp::find_login_provider(name);
    const bool same = name == login.cli ||
                      (row != nullptr && row->cli == name && row->provider == login.provider);
    if (!same) places_[std::string{name}].enabled = false;
  }
  for (const auto& credential : look()) before_[credential.id.hex()] = credential.token_hash();
}

std::vector<cp::Credential> LoginWatch::look() const {
  auto found = sources_->discover_all(session_.environment(), places_).credentials;
  cp::apply_ownership(settings_, found);
  return found;
}

std::optional<cp::Credential> LoginWatch::changed() const {
  for (auto& credential : look()) {
    const auto known = before_.find(credential.id.hex());
    const bool other = known == before_.end() || known->second != credential.token_hash();
    if (other && !credential.secret.empty() && credential.usable_at(session_.now()))
      return std::move(credential);
  }
  return std::nullopt;
}

namespace {

cp::Result<Kept> take_over(const Session& session, const cp::Settings& settings,
                           const cp::Credential& credential) {
  Kept kept;
  if (auto lent = lend_from_now_on(session, settings, credential, false, kept.warning); !lent)
    return cp::fail(lent.error());
  kept.profile_id = credential.profile_id;
  kept.id = credential.id.hex();
  kept.token_hash = credential.token_hash();
  kept.expires_at = credential.expires_at;
  return kept;
}

/// The CLI's own login while it runs: what it says goes to the person, what they say to it.
class CliLogin {
 public:
  CliLogin(cp::Process program, const LoginWatch& watch, FlowPerson& person)
      : program_{std::move(program)}, watch_{watch}, person_{person} {}

  /// Runs it to its end, or until the login is there.
  /// @return the login; none when the program ended and there is no other than before
  cp::Result<std::optional<cp::Credential>> run(const std::string& name) {
    constexpr cp::Duration slice{150};
    constexpr cp::Duration grace{2'000};
    constexpr std::chrono::seconds look_every{1};
    person_.offer({}, FlowState::working);
    auto next_look = std::chrono::steady_clock::now() + look_every;
    while (true) {
      end_ = program_.wait(slice);
      hand_over();
      if (end_) break;
      if (person_.cancelled()) {
        program_.stop(grace);
        return cp::fail(cp::Errc::cancelled, "running " + name, {}, "it was stopped");
      }
      if (std::chrono::steady_clock::now() < next_look) continue;
      next_look = std::chrono::steady_clock::now() + look_every;
      if (!watch_.changed()) continue;
      // It may write once more; one that goes on, since it is a whole session, is ended.
      end_ = program_.wait(grace);
      program_.stop(grace);
      break;
    }
    hand_over();
    last_line();
    person_.offer({}, FlowState::working);
    return watch_.changed();
  }

  const std::optional<cp::ProcessEnd>& end() const noexcept { return end_; }

 private:
  void say(std::vector<std::string>& lines, const std::string& raw) {
    constexpr std::size_t longest_address = 4096;
    const auto whole = shown_output(raw, typed_, longest_address);
    if (whole.empty()) return;
    person_.found(address_in(whole), user_code_in(whole));
    lines.push_back(shown_output(raw, typed_));
  }

  void hand_over() {
    constexpr std::chrono::seconds to_write{2};
    std::vector<std::string> lines;
    const auto output = program_.take_output();
    for (const auto& raw : splitter_.feed(output)) say(lines, raw);
    person_.output(std::move(lines));
    if (auto text = person_.taken()) {
      typed_ = std::move(*text);
      // Return, as a keyboard has it: a terminal makes a line's end of it where one is wanted.
      (void)program_.write(typed_.reveal(), to_write);
      (void)program_.write("\r", to_write);
      last_line();
      person_.offer({}, FlowState::working);
      quiet_ = 0;
      return;
    }
    quiet_ = output.empty() ? quiet_ + 1 : 0;
    constexpr int calm = 2;
    if (quiet_ != calm) return;
    const auto prompt = shown_output(splitter_.rest(), typed_);
    if (looks_like_question(prompt)) person_.offer(prompt, FlowState::input);
  }

  void last_line() {
    std::vector<std::string> lines;
    if (const auto rest = splitter_.take_rest(); !rest.empty()) say(lines, rest);
    person_.output(std::move(lines));
  }

  cp::Process program_;
  const LoginWatch& watch_;
  FlowPerson& person_;
  LineSplitter splitter_;
  cp::Secret typed_;
  std::optional<cp::ProcessEnd> end_;
  int quiet_ = 0;  ///< slices without output
};

std::vector<std::string> words_of(std::string_view command) {
  std::vector<std::string> words;
  while (!command.empty()) {
    const auto word = command.substr(0, command.find(' '));
    words.emplace_back(word);
    command.remove_prefix(std::min(word.size() + 1, command.size()));
  }
  return words;
}

/// A login that only a person at a terminal can do: they do it, and we see it.
cp::Result<Kept> wait_for_login(const Session& session, const cp::Settings& settings,
                                const FlowTask& task, const LoginWatch& watch, FlowPerson& person) {
  constexpr cp::Duration look_every{1'000};
  person.progress("Run this command in a terminal of this machine: " +
                  std::string{task.login.command});
  person.offer({}, FlowState::person);
  while (!person.cancelled()) {
    if (const auto login = watch.changed()) return take_over(session, settings, *login);
    person.wait(look_every);
  }
  return cp::fail(cp::Errc::cancelled, "waiting for " + std::string{task.login.command}, {},
                  "nothing was changed");
}

cp::Result<Kept> cli_login(const Session& session, std::shared_ptr<const CliSources> sources,
                           const cp::Settings& settings, const FlowTask& task, FlowPerson& person) {
  const auto words = words_of(task.login.command);
  const auto doing = "logging in with " + std::string{task.login.command};
  if (words.empty())
    return cp::fail(cp::Errc::unsupported, "logging in with its CLI", std::string{task.login.cli},
                    "no command of it is known that does it");
  const auto path = cp::find_cli_program(words.front(), doing, session.environment());
  if (!path) return cp::fail(path.error());
  const LoginWatch watch{session, std::move(sources), settings, task.login};
  if (login_needs_terminal(task.login.cli))
    return wait_for_login(session, settings, task, watch, person);

  cp::ProcessPlan plan;
  plan.program = *path;
  plan.arguments.assign(words.begin() + 1, words.end());
  plan.variables = cp::cli_variables(session.environment());
  plan.variables["TERM"] = "dumb";
  plan.variables["NO_COLOR"] = "1";
  plan.variables["NO_BROWSER"] = "1";
  if (const auto home = session.environment().home()) plan.directory = *home;
  plan.on_terminal = true;
  auto program = cp::Process::start(plan);
  if (!program) return cp::fail(program.error());
  CliLogin login{std::move(*program), watch, person};
  const auto found = login.run(words.front());
  if (!found) return cp::fail(found.error());
  if (*found) return take_over(session, settings, **found);
  const auto& end = login.end();
  return cp::fail(cp::Errc::login_needed, doing, std::string{task.login.cli},
                  words.front() + (end && end->signal == 0 && end->exit_code == 0
                                       ? " ended, and its login is the one it was"
                                       : " failed; its last lines say why"));
}

/// A key is given here, or the CLI gets one by itself: what comes first.
cp::Result<Kept> key_login(const Session& session, std::shared_ptr<const CliSources> sources,
                           const cp::Settings& settings, const LogIn& wanted, FlowPerson& person) {
  const LoginWatch watch{session, std::move(sources), settings, *wanted.login};
  std::optional<cp::Credential> found;
  person.watch([&] { return (found = watch.changed()).has_value(); });
  auto kept = log_in(session, wanted, person);
  person.watch({});
  if (kept || !person.overtaken() || !found) return kept;
  person.progress("The CLI has got a new login by itself.");
  return take_over(session, settings, *found);
}

}  // namespace

cp::Result<Kept> do_flow(const Session& session, std::shared_ptr<const CliSources> sources,
                         const cp::Settings& settings, const FlowTask& task, FlowPerson& person) {
  if (!task.login.note.empty() && task.method != cp::LoginMethod::manual &&
      task.method != cp::LoginMethod::api_key_web)  // which says it itself
    person.progress(task.login.note);
  if (task.method == cp::LoginMethod::cli_command)
    return cli_login(session, std::move(sources), settings, task, person);
  const LogIn wanted{.login = &task.login,
                     .method = task.method,
                     .profile = task.profile,
                     .comes_back = task.comes_back};
  if (task.method == cp::LoginMethod::api_key_web)
    return key_login(session, std::move(sources), settings, wanted, person);
  if (task.method == cp::LoginMethod::oauth_browser &&
      task.comes_back == cp::BrowserReturn::loopback)
    person.may_volunteer("Or paste the address that the browser was sent to");
  return log_in(session, wanted, person);
}

}  // namespace credpool_cli
