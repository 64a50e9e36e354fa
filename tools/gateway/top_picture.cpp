// SPDX-License-Identifier: MIT
#include "top_picture.hpp"

#include "table.hpp"

#include <credpool/core/iso8601.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t shown_minutes = 20;

std::string harmless_text(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? harmless(found->get<std::string>())
                                                     : std::string{};
}

double number_of(const Json& object, const char* name) {
  if (!object.is_object()) return 0;
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

bool flag_of(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::optional<cp::TimePoint> time_of(const Json& object, const char* name) {
  const auto time = cp::parse_iso8601(harmless_text(object, name));
  return time ? std::optional{*time} : std::nullopt;
}

const Json& member_of(const Json& object, const char* name) {
  static const Json nothing;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() ? *found : nothing;
}

std::vector<double> numbers_of(const Json& list) {
  std::vector<double> numbers;
  if (list.is_array())
    for (const auto& each : list) numbers.push_back(each.is_number() ? each.get<double>() : 0);
  return numbers;
}

std::string whole(double number) {
  constexpr double most = 1e15;
  return std::to_string(static_cast<std::int64_t>(std::clamp(number, -most, most)));
}

/// One credential, with what stands elsewhere about it.
struct Row {
  std::string id, name, cli, provider, status, reason;
  bool usable = false;
  std::string verdict;
  bool eligible = false;
  double in_flight = 0, limit = 0, uses = 0;
  std::vector<double> minutes;
  std::optional<cp::TimePoint> cooldown_ends, refresh, expires;

  double rate() const { return minutes.empty() ? 0 : minutes.back(); }
};

std::vector<Row> rows_of(const TopData& data) {
  std::map<std::string, std::vector<double>> minutes;
  for (const auto& each : member_of(data.activity, "credentials"))
    minutes[harmless_text(each, "id")] = numbers_of(member_of(each, "requests"));
  std::map<std::string, cp::TimePoint> cooldowns;
  for (const auto& each : member_of(data.status, "cooldowns"))
    if (const auto until = time_of(each, "until")) {
      auto& latest = cooldowns[harmless_text(each, "credential")];
      latest = std::max(latest, *until);
    }
  std::vector<Row> rows;
  for (const auto& each : member_of(data.status, "credentials")) {
    Row row;
    row.id = harmless_text(each, "id");
    row.name = harmless_text(each, "profileId");
    row.cli = harmless_text(each, "cli");
    row.provider = harmless_text(each, "provider");
    row.status = harmless_text(each, "status");
    row.reason = harmless_text(each, "reason");
    row.usable = flag_of(each, "usable");
    const auto& pool = member_of(each, "pool");
    row.verdict = harmless_text(pool, "reason");
    row.eligible = flag_of(pool, "eligible");
    row.uses = number_of(pool, "uses");
    row.in_flight = number_of(each, "inFlight");
    row.limit = number_of(each, "limit");
    row.refresh = time_of(each, "nextRefresh");
    row.expires = time_of(each, "expiresAt");
    if (const auto known = minutes.find(row.id); known != minutes.end())
      row.minutes = known->second;
    if (const auto rests = cooldowns.find(row.id); rests != cooldowns.end())
      row.cooldown_ends = rests->second;
    rows.push_back(std::move(row));
  }
  return rows;
}

void sort_rows(std::vector<Row>& rows, TopSort sort) {
  const auto rank = [](const Row& row) { return row.eligible ? 2 : row.usable ? 1 : 0; };
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    switch (sort) {
      case TopSort::rate:
        if (a.rate() != b.rate()) return a.rate() > b.rate();
        break;
      case TopSort::uses:
        if (a.uses != b.uses) return a.uses > b.uses;
        break;
      case TopSort::status:  // what needs somebody first
        if (rank(a) != rank(b)) return rank(a) < rank(b);
        break;
      case TopSort::name:
        break;
    }
    return a.name < b.name;
  });
}

std::string words(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

Table::Cell status_cell(const Row& row) {
  auto text = words(row.status) + (row.reason.empty() ? "" : ", " + words(row.reason));
  if (row.usable) return {std::move(text), row.status == "active" ? Style::good : Style::warning};
  return {std::move(text), row.reason == "refreshable" ? Style::warning : Style::bad};
}

Table table_of(const std::vector<Row>& rows, const TopView& view, bool utf8, cp::TimePoint now) {
  Table table{{"CREDENTIAL...", "?CLI", "STATUS", "POOL", "BUSY", "?USES", "REQ/MIN",
               "?LAST 20 MIN", "COOLDOWN", "?REFRESH"}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    const bool marked = view.marks && i == view.selected;
    auto minutes = row.minutes;
    if (minutes.size() > shown_minutes)
      minutes.erase(minutes.begin(), minutes.end() - shown_minutes);
    minutes.insert(minutes.begin(), shown_minutes - minutes.size(), 0);
    const bool rests = row.cooldown_ends && *row.cooldown_ends > now;
    std::vector<Table::Cell> cells;
    cells.push_back({(view.marks ? (marked ? "> " : "  ") : "") + row.name,
                     marked ? Style::bold : Style::plain});
    cells.push_back(row.cli);
    cells.push_back(status_cell(row));
    cells.push_back({words(row.verdict), row.eligible ? Style::good : Style::dim});
    cells.push_back(whole(row.in_flight) + (row.limit > 0 ? "/" + whole(row.limit) : ""));
    cells.push_back(whole(row.uses));
    cells.push_back(whole(row.rate()));
    cells.push_back(sparkline(minutes, utf8));
    cells.push_back({rests ? relative_time(row.cooldown_ends, now) : "-",
                     rests ? Style::warning : Style::plain});
    cells.push_back(row.refresh ? relative_time(row.refresh, now) : "-");
    table.add(std::move(cells));
  }
  return table;
}

/// As wide as the terminal at most.
std::string fitted(const Terminal& terminal, Style style, const std::string& text) {
  return styled(
      terminal, style,
      terminal.columns > 0 ? shortened(text, static_cast<std::size_t>(terminal.columns)) : text);
}

std::string count_of(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::vector<std::string> heading(const TopData& data, const TopView& view,
                                 const std::vector<Row>& rows, const Terminal& terminal,
                                 cp::TimePoint now) {
  const auto count = [&](auto fits) {
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), fits));
  };
  const auto eligible = count([](const Row& row) { return row.eligible; });
  const auto resting =
      count([&](const Row& row) { return row.cooldown_ends && *row.cooldown_ends > now; });
  double in_flight = 0, rate = 0;
  for (const auto& row : rows) {
    in_flight += row.in_flight;
    rate += row.rate();
  }
  constexpr std::size_t time_at = 11, time_size = 8;  // of "2026-11-21T16:28:46Z"
  std::string first = "credpool  " + data.server + "  " +
                      cp::format_iso8601(now).substr(time_at, time_size) + " UTC";
  if (view.paused) first += "  (paused)";
  std::vector<std::string> lines{fitted(terminal, Style::bold, first)};
  if (data.status.is_object())
    lines.push_back("strategy " + harmless_text(data.status, "strategy") + ", " +
                    count_of(rows.size(), "credential") + ": " + std::to_string(eligible) +
                    " can be lent, " + std::to_string(resting) + " rest; " + whole(in_flight) +
                    " in flight, " + whole(rate) + " requests this minute");
  if (!data.trouble.empty()) lines.push_back(fitted(terminal, Style::bad, data.trouble));
  return lines;
}

std::string event_line(const TopEvent& event) {
  constexpr std::size_t time_at = 11, time_size = 8;
  auto line = cp::format_iso8601(event.at).substr(time_at, time_size) + "  " + event.type;
  for (const auto* name : {"profileId", "cli", "state", "line", "reason", "until", "message"})
    if (const auto text = harmless_text(event.data, name); !text.empty()) line += "  " + text;
  return line;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string_view to_string(TopSort sort) noexcept {
  constexpr std::array<std::string_view, 4> names{"name", "requests", "uses", "status"};
  return names[static_cast<std::size_t>(sort)];
}

std::vector<std::string> top_order(const TopData& data, TopSort sort) {
  auto rows = rows_of(data);
  sort_rows(rows, sort);
  std::vector<std::string> ids;
  for (auto& row : rows) ids.push_back(std::move(row.id));
  return ids;
}

std::string sparkline(const std::vector<double>& values, bool utf8) {
  constexpr std::array<std::string_view, 9> blocks{" ",
                                                   "\xe2\x96\x81",
                                                   "\xe2\x96\x82",
                                                   "\xe2\x96\x83",
                                                   "\xe2\x96\x84",
                                                   "\xe2\x96\x85",
                                                   "\xe2\x96\x86",
                                                   "\xe2\x96\x87",
                                                   "\xe2\x96\x88"};
  constexpr std::array<std::string_view, 9> letters{" ", ".", ":", "-", "=", "+", "*", "%", "#"};
  const auto& steps = utf8 ? blocks : letters;
  const auto highest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  std::string line;
  for (const auto value : values) {
    // Whatever there is shows, however little it is beside the highest.
    const auto step =
        value <= 0 || highest <= 0
            ? std::size_t{0}
            : std::max<std::size_t>(1, static_cast<std::size_t>(value / highest * 8 + 0.5));
    line += steps[std::min<std::size_t>(step, steps.size() - 1)];
  }
  return line;
}

std::vector<std::string> top_lines(const TopData& data, const TopView& view,
                                   const Terminal& terminal, std::size_t rows, bool utf8,
                                   cp::TimePoint now) {
  auto credentials = rows_of(data);
  sort_rows(credentials, view.sort);
  auto lines = heading(data, view, credentials, terminal, now);
  lines.emplace_back();
  if (!data.status.is_object()) {
    if (data.trouble.empty()) lines.push_back("Asking the server.");
  } else if (credentials.empty()) {
    lines.push_back("No credential. `credpool scan` says where it looks and what to do.");
  } else {
    auto drawn = lines_of(table_of(credentials, view, utf8, now).render(terminal));
    // The selected one stays in sight; at least three lines are left for events, one for the keys.
    constexpr std::size_t below = 5;
    const auto room = rows == 0
                          ? drawn.size()
                          : std::max<std::size_t>(
                                3, rows > lines.size() + below ? rows - lines.size() - below : 0);
    if (drawn.size() > room) {
      const auto at = std::min(view.selected + 1, drawn.size() - 1);  // the heading is above
      const auto first = at < room - 1 ? 1 : std::min(at - (room - 2), drawn.size() - room + 1);
      const auto hidden = drawn.size() - room;
      std::vector<std::string> part{drawn.front()};
      part.insert(part.end(), drawn.begin() + static_cast<std::ptrdiff_t>(first),
                  drawn.begin() + static_cast<std::ptrdiff_t>(first + room - 1));
      drawn = std::move(part);
      lines[1] += ", " + std::to_string(hidden) + " not shown";  // the line with the sums
    }
    lines.insert(lines.end(), drawn.begin(), drawn.end());
  }
  const std::size_t foot = view.marks ? 2 : 0;
  if (!data.events.empty()) {
    constexpr std::size_t usual = 8;
    const auto room = rows == 0                        ? usual
                      : rows > lines.size() + foot + 1 ? rows - lines.size() - foot - 1
                                                       : 0;
    const auto count = std::min(room, data.events.size());
    if (count > 0) lines.emplace_back();
    for (auto at = data.events.size() - count; at < data.events.size(); ++at)
      lines.push_back(event_line(data.events[at]));
  }
  if (foot > 0) {
    if (rows > 0) lines.resize(std::min(lines.size(), rows - std::min(rows, foot)));
    while (rows > 0 && lines.size() + foot < rows) lines.emplace_back();
    lines.emplace_back();
    lines.push_back(
        !view.message.empty()
            ? fitted(terminal, Style::bold, view.message)
            : fitted(terminal, Style::dim,
                     "q quit   arrows select   s sort: " + std::string{to_string(view.sort)} +
                         "   p " + (view.paused ? "go on" : "pause") + "   c clear cooldown"));
  }
  if (rows > 0 && lines.size() > rows) lines.resize(rows);
  if (terminal.columns > 0)
    for (auto& line : lines)
      // Lines of ours with colours in them fit already: the table cuts its own.
      if (line.find('\x1b') == std::string::npos)
        line = shortened(line, static_cast<std::size_t>(terminal.columns));
  return lines;
}

}  // namespace credpool_cli
