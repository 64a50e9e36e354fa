#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/core/time.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What a person is asked to do in the browser.
struct BrowserTask {
  std::string url;         ///< to be opened; may hold a one-time code, never a token
  std::string user_code;   ///< to be typed or compared there; may be empty
  TimePoint expires_at{};  ///< until when it can be done
};

/// How a method talks with the person: a terminal, the web UI, or a test.
class Interaction {
 public:
  Interaction() = default;
  Interaction(const Interaction&) = delete;
  Interaction& operator=(const Interaction&) = delete;
  virtual ~Interaction() = default;

  /// Shows what to do, and opens the page where that is wanted and possible.
  virtual void show(const BrowserTask& task) = 0;
  /// Says how it goes on, in one line.
  virtual void progress(std::string_view text) = 0;
  /// Asks for something secret: a key, or the address that the browser was sent back to.
  /// @errors cancelled
  virtual Result<Secret> ask_secret(std::string_view question) = 0;
  /// What the person gave although it is awaited from elsewhere: the address that the browser was
  /// sent to, while a listener waits for that browser. Never waits; none by default, since not
  /// every kind of person can be heard meanwhile.
  virtual std::optional<Secret> volunteered() { return std::nullopt; }
  /// Whether the person gave up; asked between polls.
  virtual bool cancelled() const = 0;
  /// Waits that long, or less when the person gave up.
  virtual void wait(Duration time) = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI
