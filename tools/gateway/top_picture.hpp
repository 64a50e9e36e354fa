#pragma once
// SPDX-License-Identifier: MIT

#include "presentation.hpp"
#include "terminal.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

/// Something that happened, as the server told it.
struct TopEvent {
  credpool::TimePoint at{};
  std::string type;  ///< "credential.cooling"
  Json data;
};

/// What is known of the server.
struct TopData {
  std::string server = {};        ///< its address
  Json status = {};               ///< of tokenDiscovery.status; null: not known yet
  Json activity = {};             ///< of activity.recent; null: not known
  std::deque<TopEvent> events{};  ///< newest last
  std::string trouble = {};       ///< why nothing new comes; empty: it does
};

/// In which order the credentials stand.
enum class TopSort { name, rate, uses, status };
std::string_view to_string(TopSort sort) noexcept;

/// What the person has chosen.
struct TopView {
  TopSort sort = TopSort::name;
  std::size_t selected = 0;  ///< in that order
  bool marks = false;        ///< the selected one is marked, and the keys are named
  bool paused = false;
  std::string message = {};  ///< in place of the keys: a question, or what came of an answer
};

/// The credentials' ids in that order.
std::vector<std::string> top_order(const TopData& data, TopSort sort);

/// The requests of the last minutes as one character for each, the highest as a full block; ASCII
/// where the terminal shows no UTF-8.
std::string sparkline(const std::vector<double>& values, bool utf8);

/// The whole picture as lines, none longer than the terminal is wide.
/// @param rows as many lines at most; 0: as many as there are
/// @param utf8 whether the terminal shows it
std::vector<std::string> top_lines(const TopData& data, const TopView& view,
                                   const Terminal& terminal, std::size_t rows, bool utf8,
                                   credpool::TimePoint now);

}  // namespace credpool_cli
