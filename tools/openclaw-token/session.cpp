// SPDX-License-Identifier: MIT
#include "session.hpp"

#include "fault.hpp"

#include <credpool/core/iso8601.hpp>

#include <cstdio>

namespace openclaw_token {

namespace cp = credpool;
using credpool_cli::harmless;
using credpool_cli::Style;

namespace {

constexpr const char* check_mark = "\xe2\x9c\x93";    // U+2713
constexpr const char* cross_mark = "\xe2\x9c\x97";    // U+2717
constexpr const char* warning_sign = "\xe2\x9a\xa0";  // U+26A0
constexpr const char* info_sign = "\xe2\x84\xb9";     // U+2139

}  // namespace

Session::Session(GlobalOptions options, cp::Environment environment)
    : options_{std::move(options)},
      environment_{std::move(environment)},
      out_{credpool_cli::Terminal::of(stdout, options_.no_colour || options_.json)},
      err_{credpool_cli::Terminal::of(stderr, options_.no_colour)} {}

std::string timestamp_of(cp::TimePoint when) {
  auto text = cp::format_iso8601(when);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

std::string Session::timestamp() const {
  return timestamp_of(now());
}

void Session::print(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Session::print_json(const Json& document) const {
  print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Session::print_json_line(const Json& document) const {
  print(document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  std::fflush(stdout);
}

void Session::success(const std::string& text) const {
  if (!json()) print(styled(out_, Style::good, check_mark) + " " + harmless(text) + "\n");
}

void Session::note(Style style, std::string_view mark, const std::string& text) const {
  std::fflush(stdout);  // where both go to one place, the order is that of the calls
  std::fprintf(stderr, "%s %s\n", styled(err_, style, mark).c_str(), harmless(text).c_str());
}

void Session::warn(const std::string& text) const {
  note(Style::warning, warning_sign, text);
}

void Session::info(const std::string& text) const {
  note(Style::dim, info_sign, text);
}

void Session::trace(const std::string& text) const {
  if (options_.verbose) std::fprintf(stderr, "%s\n", harmless(text).c_str());
}

int Session::fail(const cp::Error& error) {
  return fail_as(error, &Session::print_json);
}

int Session::fail_line(const cp::Error& error) {
  return fail_as(error, &Session::print_json_line);
}

int Session::fail_as(const cp::Error& error, void (Session::*print)(const Json&) const) {
  failure_ = harmless(sentence_of(error));
  if (json()) {
    (this->*print)(Json{{"error", {{"message", *failure_}}}});
  } else {
    note(Style::bad, cross_mark, *failure_);
    if (const auto hint = harmless(hint_of(error)); !hint.empty())
      std::fprintf(stderr, "  %s\n", styled(err_, Style::dim, hint).c_str());
  }
  return 1;
}

}  // namespace openclaw_token
