// SPDX-License-Identifier: MIT
// keys export and keys import.

#include "api.hpp"
#include "box_table.hpp"
#include "commands.hpp"
#include "confirmation.hpp"
#include "csv.hpp"
#include "fault.hpp"
#include "key_list.hpp"
#include "values.hpp"

#include <credpool/core/file.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace openclaw_token {

namespace cp = credpool;

namespace {

constexpr std::array<const char*, 8> columns{"hash",  "name",     "credit_limit", "limit_reset",
                                             "usage", "disabled", "created_at",   "expires_at"};

/// A value as it stands in a CSV file: empty for null.
std::string cell_of(const Json& key, const char* column) {
  const auto found = key.find(column);
  if (found == key.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string csv_of(const std::vector<Json>& keys) {
  std::string text = csv_line({columns.begin(), columns.end()});
  for (const auto& key : keys) {
    std::vector<std::string> cells;
    for (const auto* column : columns) cells.push_back(cell_of(key, column));
    text += csv_line(cells);
  }
  return text;
}

/// The rows of a CSV file as the objects that a JSON file has; empty cells are null.
cp::Result<Json> rows_of(const std::vector<std::vector<std::string>>& lines) {
  Json rows = Json::array();
  for (std::size_t line = 1; line < lines.size(); ++line) {
    if (lines[line].size() != lines[0].size())
      return mistake("Row " + std::to_string(line + 1) +
                     " of the CSV file has another number of "
                     "cells than its first row.");
    Json row = Json::object();
    for (std::size_t column = 0; column < lines[0].size(); ++column) {
      const auto& name = lines[0][column];
      const auto& cell = lines[line][column];
      if (cell.empty())
        row[name] = nullptr;
      else if (name == "credit_limit")
        row[name] = Json::parse(cell, nullptr, false);  // judged with all the others, below
      else
        row[name] = cell;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

cp::Result<Json> read_entries(const Session& session, const std::string& name) {
  const auto path = session.environment().expand(name);
  constexpr std::size_t most = 16 << 20;  // bytes
  const auto file = cp::read_file(path, session.environment(), {most, true, false});
  if (!file) return mistake("Cannot read file: " + name, file.error().message());
  const auto text = file->bytes.reveal();
  auto entries = Json::parse(text.begin(), text.end(), nullptr, false);
  if (entries.is_discarded()) {
    const auto lines = read_csv(text);
    if (lines && !lines->empty() &&
        std::find(lines->front().begin(), lines->front().end(), "name") != lines->front().end())
      return rows_of(*lines);
  }
  if (!entries.is_array())
    return mistake(
        "Invalid JSON format. Expected an array of {name, credit_limit?, limit_reset?, "
        "expires_at?}.");
  return entries;
}

/// What the server is asked for one entry.
/// @errors why the entry cannot be imported, for its status
cp::Result<Json> wishes_of(const Json& entry) {
  if (shown(entry, "name", "").empty() || !entry["name"].is_string())
    return mistake("skipped: missing name");
  Json wishes{{"name", entry["name"]}};
  if (const auto wrong = key_name_fault(entry["name"].get<std::string>()); !wrong.empty())
    return mistake("error: Invalid input: " + std::string{wrong} + ".");
  for (const auto* member : {"credit_limit", "limit_reset", "expires_at"}) {
    const auto found = entry.find(member);
    wishes[member] = found == entry.end() ? Json(nullptr) : *found;
  }
  const auto& limit = wishes["credit_limit"];
  if (!limit.is_null() && (!limit.is_number() || limit.get<double>() < 0))
    return mistake("error: Invalid input: credit_limit must be a number that is not negative.");
  for (const auto* member : {"limit_reset", "expires_at"})
    if (!wishes[member].is_null() && !wishes[member].is_string())
      return mistake(std::string{"error: Invalid input: "} + member + " must be a text.");
  return wishes;
}

}  // namespace

int keys_export(Session& session, const Arguments& arguments) {
  const auto format = arguments.value("--format").value_or("json");
  if (format != "json" && format != "csv")
    return session.fail(mistake("Invalid input: --format must be json or csv.").error);
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto keys = all_keys(*api, arguments.has("--include-revoked"));
  if (!keys) return session.fail(keys.error());
  const auto text = format == "csv"
                        ? csv_of(*keys)
                        : Json(*keys).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  const auto output = arguments.value("--output");
  if (!output) {
    session.print(text);
    return 0;
  }
  const auto path = session.environment().expand(*output);
  if (auto done = cp::replace_file(path, text, 0600, true); !done)
    return session.fail(done.error());
  if (session.json()) session.print_json(Json{{"exported", keys->size()}, {"file", *output}});
  session.success("Exported " + std::to_string(keys->size()) + " keys to " + *output);
  return 0;
}

int keys_import(Session& session, const Arguments& arguments) {
  const auto entries = read_entries(session, arguments.positionals.at(0));
  if (!entries) return session.fail(entries.error());
  if (entries->empty()) {
    if (session.json())
      session.print_json(Json{{"imported", 0}, {"results", Json::array()}});
    else
      session.print("No keys to import.\n");
    return 0;
  }
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto count = std::to_string(entries->size());
  const auto agreed = confirmed(session, arguments, "Import " + count + " keys?");
  if (!agreed) return session.fail(agreed.error());
  if (!*agreed) return 0;

  Json results = Json::array();
  std::vector<std::vector<std::string>> made;
  std::vector<std::string> failures;
  for (const auto& entry : *entries) {
    const auto name = shown(entry, "name", "(unnamed)");
    const auto wishes = wishes_of(entry);
    const auto answer = wishes ? api->call(post("/keys", *wishes, true), "Importing keys...")
                               : cp::Result<Json>{cp::fail(wishes.error())};
    if (answer) {
      results.push_back({{"name", name},
                         {"status", "created"},
                         {"hash", shown(*answer, "hash", "")},
                         {"key", shown(*answer, "key", "")}});
      made.push_back({name, shown(*answer, "hash"), shown(*answer, "key", "(hidden)")});
    } else {
      const auto status = (wishes ? "error: " : "") + sentence_of(answer.error());
      results.push_back({{"name", name}, {"status", status}});
      failures.push_back(name + ": " + status);
    }
  }
  if (session.json()) {
    session.print_json(Json{{"imported", made.size()}, {"results", results}});
  } else {
    if (!made.empty()) {
      session.warn("These keys will only be shown ONCE. Save them now!");
      session.print(box_table(session.out(), {"Name", "Hash", "Key"}, made));
    }
    session.print(std::to_string(made.size()) + "/" + count + " keys imported.\n");
  }
  for (const auto& failure : failures) session.warn("  " + failure);
  return failures.empty() ? 0 : 1;
}

}  // namespace openclaw_token
