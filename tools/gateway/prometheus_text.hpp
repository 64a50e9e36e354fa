#pragma once
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool_cli {

/// Writes metrics in the text format of Prometheus.
/// @source https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4)
class PrometheusText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  /// Begins a family: its samples follow.
  /// @param type "counter" (its name ends in _total), "gauge" or "histogram"
  void family(std::string_view name, std::string_view type, std::string_view help);
  /// A sample of the family that was begun last.
  void sample(Labels labels, double value);
  void sample(Labels labels, std::uint64_t value);
  void sample(double value) { sample({}, value); }

  /// The samples of a histogram.
  /// @param bounds upper bounds, ascending
  /// @param counts of each bound alone, and one more for what is above all of them
  void histogram(Labels labels, const std::vector<double>& bounds,
                 const std::vector<std::uint64_t>& counts, double sum);

  std::string take() noexcept { return std::move(text_); }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value);

  std::string text_;
  std::string name_;
};

}  // namespace credpool_cli
