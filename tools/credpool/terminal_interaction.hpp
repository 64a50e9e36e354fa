#pragma once
// SPDX-License-Identifier: MIT

#include "terminal.hpp"

#include <credpool/core/environment.hpp>
#include <credpool/refresh/interaction.hpp>

#include <array>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace credpool_cli {

/// The program that opens a page here: `xdg-open`, or `open` on macOS. None where no desktop is in
/// front of the person: no display, or logged in over SSH.
std::optional<std::filesystem::path> browser_opener(const credpool::Environment& environment);

/// Opens a page in the person's browser, if there is one.
/// @return whether it was started
bool open_in_browser(const std::string& url, const credpool::Environment& environment);

/// The text as a QR code of half blocks, with a margin; empty where the terminal is too narrow or
/// does not show UTF-8. Without colour it is drawn for a dark background.
std::string qr_code(std::string_view text, const Terminal& terminal,
                    const credpool::Environment& environment);

/// What a person is shown for a task: the page, the code, how long it is good, the QR code.
std::string shown_task(const credpool::BrowserTask& task, credpool::TimePoint now,
                       const Terminal& terminal, const credpool::Environment& environment);

/// Talks with the person on the terminal. Everything goes to stderr, so that stdout stays the
/// command's own; what is asked for is read without an echo. Ctrl-C is "gave up" as long as this
/// lives; one object at a time.
class TerminalInteraction final : public credpool::Interaction {
 public:
  /// @param may_open_browser false with --no-browser
  TerminalInteraction(const credpool::Environment& environment, const Terminal& error_terminal,
                      bool may_open_browser);
  ~TerminalInteraction() override;

  void show(const credpool::BrowserTask& task) override;
  void progress(std::string_view text) override;
  credpool::Result<credpool::Secret> ask_secret(std::string_view question) override;
  bool cancelled() const override;
  void wait(credpool::Duration time) override;

 private:
  const credpool::Environment environment_;
  const Terminal terminal_;
  const std::optional<std::filesystem::path> opener_;
  std::array<struct sigaction, 2> previous_{};
};

}  // namespace credpool_cli
