// SPDX-License-Identifier: MIT
// top: the pool of the running server, live, in a terminal.

#include "commands.hpp"
#include "full_screen.hpp"
#include "network_part.hpp"
#include "top_feed.hpp"

#include <algorithm>
#include <cstdlib>

namespace credpool_cli {

namespace cp = credpool;

namespace {

bool shows_utf8(const cp::Environment& environment) {
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const auto locale = environment.variable(name); locale && !locale->empty())
      return locale->find("UTF-8") != std::string::npos ||
             locale->find("utf8") != std::string::npos;
  return false;
}

int print_once(const Session& session, const TopData& data) {
  if (session.options().json) {
    session.print_json(data.status);
    return 0;
  }
  for (const auto& line :
       top_lines(data, {}, session.out(), 0, shows_utf8(session.environment()), session.now()))
    session.print(line + "\n");
  return 0;
}

/// What the keys do.
class TopScreen {
 public:
  TopScreen(const Session& session, RpcPlace place)
      : session_{session},
        utf8_{shows_utf8(session.environment())},
        feed_{session, std::move(place), [this] { screen_.wake(); }} {
    view_.marks = true;
  }

  /// @return the signal that ended it; 0: the person did
  int run() {
    constexpr int redraw_every = 1000;  // milliseconds: countdowns
    while (!quit_) {
      // While it is paused the picture stands still, but for what the person does.
      if (!view_.paused) data_ = feed_.data();
      draw();
      for (const auto key : screen_.keys(redraw_every)) press(key);
      if (const int signal = screen_.ended_by(); signal != 0) return signal;
    }
    return 0;
  }

 private:
  void draw() {
    const auto size = screen_.size();
    auto terminal = session_.out();
    terminal.columns = static_cast<int>(size.columns);
    const auto order = top_order(data_, view_.sort);
    view_.selected = order.empty() ? 0 : std::min(view_.selected, order.size() - 1);
    const auto now = view_.paused ? paused_at_ : session_.now();
    screen_.draw(top_lines(data_, view_, terminal, size.rows, utf8_, now));
  }

  std::string selected() const {
    const auto order = top_order(data_, view_.sort);
    return view_.selected < order.size() ? order[view_.selected] : std::string{};
  }

  void press(Key key) {
    if (asking_) {
      answer(key);
      return;
    }
    view_.message.clear();
    switch (key) {
      case Key::quit:
        quit_ = true;
        break;
      case Key::up:
        if (view_.selected > 0) --view_.selected;
        break;
      case Key::down:
        ++view_.selected;
        break;
      case Key::sort:
        sort();
        break;
      case Key::pause:
        view_.paused = !view_.paused;
        paused_at_ = session_.now();
        feed_.pause(view_.paused);
        break;
      case Key::clear:
        ask();
        break;
      default:
        break;
    }
  }

  /// The next order; the same credential stays selected.
  void sort() {
    const auto id = selected();
    view_.sort = static_cast<TopSort>((static_cast<int>(view_.sort) + 1) %
                                      (static_cast<int>(TopSort::status) + 1));
    const auto order = top_order(data_, view_.sort);
    const auto at = std::find(order.begin(), order.end(), id);
    if (at != order.end()) view_.selected = static_cast<std::size_t>(at - order.begin());
  }

  void ask() {
    asked_for_ = selected();
    if (asked_for_.empty()) return;
    asking_ = true;
    std::string name = asked_for_;
    for (const auto& each : data_.status["credentials"])
      if (each.value("id", "") == asked_for_) name = harmless(each.value("profileId", ""));
    view_.message = "End the cooldowns of " + name + "? (y/N)";
  }

  void answer(Key key) {
    asking_ = false;
    view_.message.clear();
    if (key != Key::yes) return;
    const auto cleared = feed_.clear_cooldown(asked_for_);
    view_.message = !cleared        ? harmless(cleared.error().message())
                    : *cleared == 0 ? "It had none."
                                    : "Cooldowns ended: " + std::to_string(*cleared);
  }

  const Session& session_;
  const bool utf8_;
  FullScreen screen_;
  TopData data_;
  TopView view_;
  cp::TimePoint paused_at_{};
  bool asking_ = false;
  bool quit_ = false;
  std::string asked_for_;
  TopFeed feed_;  ///< last: its threads use the others
};

}  // namespace

int run_top(Session& session, const TopOptions& options) {
  need_network(session);
  const auto place = find_server(session);
  if (!place) return session.fail(place.error());
  const bool live = !options.once && !session.options().json && FullScreen::possible() &&
                    session.out().is_terminal;
  if (!live) {
    const auto data = TopFeed::ask(session, *place);
    if (!data) return session.fail(data.error());
    return print_once(session, *data);
  }
  const int signal = TopScreen{session, *place}.run();
  constexpr int by_signal = 128;
  return signal == 0 ? 0 : by_signal + signal;
}

}  // namespace credpool_cli
