// SPDX-License-Identifier: MIT
#include "prometheus_text.hpp"

#include <array>
#include <charconv>

namespace credpool_cli {

namespace {

std::string number(double value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string_view{"\\n"} : std::string_view{&c, 1};
  }
  return text;
}

}  // namespace

void PrometheusText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help);
  text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void PrometheusText::line(std::string_view suffix, Labels labels, std::string_view bound,
                          std::string_view value) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, text] : labels) {
    text_.append(1, before).append(name).append("=\"").append(escaped(text)).append("\"");
    before = ',';
  }
  if (!bound.empty()) {
    text_.append(1, before).append("le=\"").append(bound).append("\"");
    before = ',';
  }
  if (before == ',') text_.append("}");
  text_.append(" ").append(value).append("\n");
}

void PrometheusText::sample(Labels labels, double value) {
  line({}, labels, {}, number(value));
}
void PrometheusText::sample(Labels labels, std::uint64_t value) {
  line({}, labels, {}, std::to_string(value));
}

void PrometheusText::histogram(Labels labels, const std::vector<double>& bounds,
                               const std::vector<std::uint64_t>& counts, double sum) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    all += counts[i];
    line("_bucket", labels, i < bounds.size() ? number(bounds[i]) : "+Inf", std::to_string(all));
  }
  line("_sum", labels, {}, number(sum));
  line("_count", labels, {}, std::to_string(all));
}

}  // namespace credpool_cli
