// SPDX-License-Identifier: MIT
#include "arguments.hpp"

#include <algorithm>
#include <numeric>

namespace openclaw_token {

namespace {

using Option = CommandTree::Option;

const Option* find_option(const CommandTree& command, std::string_view name) {
  for (const auto& option : command.options)
    if (!option.positional &&
        std::find(option.names.begin(), option.names.end(), name) != option.names.end())
      return &option;
  return nullptr;
}

const CommandTree* find_child(const CommandTree& command, std::string_view name) {
  for (const auto& child : command.children)
    if (child.name == name) return &child;
  return nullptr;
}

/// How many single changes lead from one word to the other (Levenshtein).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t before = row[0]++;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const auto changed = before + (from[i - 1] == to[j - 1] ? 0 : 1);
      before = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

/// "\n(Did you mean x?)" when a known word is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::min<std::size_t>(3, word.size() / 2) + 1;
  for (const auto& candidate : known)
    if (const auto changes = distance(word, candidate); changes < least) {
      least = changes;
      best = candidate;
    }
  if (best.empty()) return {};
  return std::string{"\n(Did you mean "} + best + "?)";
}

std::string in_quotes(std::string_view word) {
  return std::string{"'"} + std::string{word} + "'";
}

/// "--name <name>"
std::string spelled(const Option& option) {
  std::string text;
  for (const auto& name : option.names) text += (text.empty() ? "" : ", ") + name;
  if (option.takes_value) text += std::string{" <"} + option.value + ">";
  return text;
}

/// "<hash>", or "[command]" where it may be left out.
std::string shown_argument(const Option& option) {
  return std::string{option.required ? "<" : "["} + option.names[0] + (option.required ? ">" : "]");
}

std::vector<std::string> names_of(const CommandTree& command, const CommandTree& root) {
  std::vector<std::string> names;
  for (const auto* tree : {&command, &root})
    for (const auto& option : tree->options)
      if (!option.positional) names.push_back(option.names.back());
  return names;
}

std::optional<UsageError> missing(const Arguments& arguments) {
  const auto& command = *arguments.command;
  std::size_t most = 0;
  for (const auto& option : command.options) {
    if (option.positional && option.required && arguments.positionals.size() <= most)
      return UsageError{std::string{"error: missing required argument "} +
                        in_quotes(option.names[0])};
    if (option.positional) ++most;
    if (!option.positional && option.required && !arguments.has(option.names.back()))
      return UsageError{std::string{"error: required option "} + in_quotes(spelled(option)) +
                        " not specified"};
  }
  if (arguments.positionals.size() > most && command.name != "help")
    return UsageError{std::string{"error: too many arguments for "} + in_quotes(command.name) +
                      ". Expected " + std::to_string(most) +
                      (most == 1 ? " argument" : " arguments") + " but got " +
                      std::to_string(arguments.positionals.size()) + "."};
  return std::nullopt;
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = options.find(option);
  if (found == options.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::string Arguments::words() const {
  std::string text;
  for (const auto& word : path) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::optional<UsageError> read_arguments(const CommandTree& root,
                                         const std::vector<std::string>& words,
                                         Arguments& arguments) {
  arguments.command = &root;
  bool options_end = false;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string_view word = words[at];
    const auto& command = *arguments.command;
    if (options_end || word.size() < 2 || word[0] != '-') {
      if (command.children.empty()) {
        arguments.positionals.emplace_back(word);
        continue;
      }
      const auto* child = find_child(command, word);
      // Each group has "help" too.
      if (child == nullptr && word == "help") {
        arguments.help = true;
        continue;
      }
      if (child == nullptr) {
        std::vector<std::string> known;
        for (const auto& each : command.children) known.push_back(each.name);
        return UsageError{std::string{"error: unknown command "} + in_quotes(word) +
                          suggestion(word, known)};
      }
      arguments.command = child;
      arguments.path.emplace_back(word);
      continue;
    }
    if (word == "--") {
      options_end = true;
      continue;
    }
    const auto equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const auto name = word.substr(0, equals);
    const auto* option = find_option(command, name);
    if (option == nullptr) option = find_option(root, name);
    if (option == nullptr)
      return UsageError{std::string{"error: unknown option "} + in_quotes(name) +
                        suggestion(name, names_of(command, root))};
    auto& values = arguments.options[option->names.back()];
    if (!option->takes_value) {
      if (equals != std::string_view::npos)
        return UsageError{std::string{"error: option "} + in_quotes(spelled(*option)) +
                          " takes no value"};
    } else if (equals != std::string_view::npos) {
      values.emplace_back(word.substr(equals + 1));
    } else if (at + 1 < words.size()) {
      values.push_back(words[++at]);
    } else {
      return UsageError{std::string{"error: option "} + in_quotes(spelled(*option)) +
                        " argument missing"};
    }
  }
  arguments.help = arguments.help || arguments.has("--help");
  arguments.version = arguments.has("--version");
  if (arguments.help || arguments.version || !arguments.command->children.empty())
    return std::nullopt;
  return missing(arguments);
}

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

void add_rows(std::string_view heading, const Rows& rows, std::string& text) {
  if (rows.empty()) return;
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.first.size());
  text += std::string{"\n"} + std::string{heading} + ":\n";
  for (const auto& [term, meaning] : rows)
    text += std::string{"  "} + term + std::string(width - term.size() + 2, ' ') + meaning + "\n";
}

}  // namespace

std::string help_text(const CommandTree& root, const Arguments& arguments) {
  const auto& command = *arguments.command;
  std::string text = "Usage: " + root.name;
  for (const auto& word : arguments.path) text += " " + word;
  text += " [options]";
  Rows positionals, options, commands, global;
  for (const auto& option : command.options) {
    if (option.positional) {
      text += std::string{" "} + shown_argument(option);
      positionals.emplace_back(option.names[0], option.description);
    } else {
      options.emplace_back(spelled(option), option.description);
    }
  }
  if (!command.children.empty()) text += " [command]";
  for (const auto& child : command.children) {
    auto usage = child.name;
    if (child.options.size() > 1 && !child.options[0].positional) usage += " [options]";
    for (const auto& option : child.options)
      if (option.positional) usage += std::string{" "} + shown_argument(option);
    commands.emplace_back(usage, child.description);
  }
  if (&command != &root)
    for (const auto& option : root.options)
      if (option.names[0].starts_with("--"))
        global.emplace_back(spelled(option), option.description);
  text += std::string{"\n\n"} + command.description + "\n";
  add_rows("Arguments", positionals, text);
  add_rows("Options", options, text);
  add_rows("Commands", commands, text);
  add_rows("Options of every command", global, text);
  return text;
}

}  // namespace openclaw_token
