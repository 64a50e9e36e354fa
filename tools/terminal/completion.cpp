// SPDX-License-Identifier: MIT
#include "completion.hpp"

#include <algorithm>
#include <set>

namespace credpool_cli {

namespace {

/// What may follow a command: its subcommands, its options, and the fixed words of its arguments.
std::vector<std::string> words_after(const CommandTree& command) {
  std::vector<std::string> words;
  for (const auto& child : command.children) words.push_back(child.name);
  for (const auto& option : command.options)
    if (!option.positional)
      for (const auto& name : option.names)
        if (name.starts_with("--")) words.push_back(name);
  words.insert(words.end(), command.words.begin(), command.words.end());
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// The name of the shell function.
std::string function_of(const CommandTree& tree) {
  auto name = "_" + tree.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// The options of a kind of value, as the pattern of a shell's case: "--config|--file".
void add_pattern(const CommandTree& command, std::string_view value, std::set<std::string>& names) {
  for (const auto& option : command.options)
    if (!option.positional && option.value == value) names.insert(option.names.back());
  for (const auto& child : command.children) add_pattern(child, value, names);
}

/// A line of a shell's case for them; empty when there are none.
std::string case_of(const CommandTree& tree, std::string_view value, std::string_view action) {
  std::set<std::string> names;
  add_pattern(tree, value, names);
  if (names.empty()) return {};
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "    " : "|") + name;
  return text + ") " + std::string{action} + "; return ;;\n";
}

std::string without_quotes(std::string text) {
  std::replace(text.begin(), text.end(), '\'', ' ');
  return text;
}

void bash_cases(const CommandTree& command, const std::string& path, std::string& text) {
  text += "    '" + path + "') words='" + joined(words_after(command)) + "' ;;\n";
  for (const auto& child : command.children) bash_cases(child, path + " " + child.name, text);
}

std::string bash_script(const CommandTree& tree) {
  std::string text = "# bash completion for " + tree.name + ": eval \"$(" + tree.name +
                     " completion bash)\"\n" + function_of(tree) +
                     "() {\n"
                     "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path='" +
                     tree.name +
                     "' words='' i word\n"
                     "  case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n" +
                     case_of(tree, "FILE", "COMPREPLY=( $(compgen -f -- \"$current\") )") +
                     case_of(tree, "DIR", "COMPREPLY=( $(compgen -d -- \"$current\") )");
  text +=
      "  esac\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=\"${COMP_WORDS[i]}\"\n"
      "    case \"$path $word\" in\n";
  const auto add_paths = [&](const auto& self, const CommandTree& command,
                             const std::string& path) -> void {
    for (const auto& child : command.children) {
      text +=
          "      '" + path + " " + child.name + "') path='" + path + " " + child.name + "' ;;\n";
      self(self, child, path + " " + child.name);
    }
  };
  add_paths(add_paths, tree, tree.name);
  text +=
      "    esac\n"
      "  done\n"
      "  case \"$path\" in\n";
  bash_cases(tree, tree.name, text);
  text +=
      "  esac\n"
      "  COMPREPLY=( $(compgen -W \"$words\" -- \"$current\") )\n"
      "}\n";
  return text + "complete -F " + function_of(tree) + " " + tree.name + "\n";
}

void zsh_cases(const CommandTree& command, const std::string& path, std::string& text) {
  text += "    '" + path + "') words=(";
  for (const auto& child : command.children)
    text += " '" + child.name + ":" + without_quotes(child.description) + "'";
  for (const auto& option : command.options)
    if (!option.positional && option.names.back().starts_with("--"))
      text += " '" + option.names.back() + ":" + without_quotes(option.description) + "'";
  for (const auto& word : command.words) text += " " + word;
  text += " ) ;;\n";
  for (const auto& child : command.children) zsh_cases(child, path + " " + child.name, text);
}

std::string zsh_script(const CommandTree& tree) {
  std::string text = "#compdef " + tree.name + "\n# zsh completion for " + tree.name +
                     ": eval \"$(" + tree.name + " completion zsh)\"\n" + function_of(tree) +
                     "() {\n"
                     "  local path_so_far='" +
                     tree.name +
                     "' word\n"
                     "  local -a words_here=(\"${words[@]:1:$((CURRENT-2))}\")\n"
                     "  for word in \"${words_here[@]}\"; do\n"
                     "    case \"$path_so_far $word\" in\n";
  const auto add_paths = [&](const auto& self, const CommandTree& command,
                             const std::string& path) -> void {
    for (const auto& child : command.children) {
      text += "      '" + path + " " + child.name + "') path_so_far='" + path + " " + child.name +
              "' ;;\n";
      self(self, child, path + " " + child.name);
    }
  };
  add_paths(add_paths, tree, tree.name);
  text +=
      "    esac\n"
      "  done\n"
      "  case \"${words[CURRENT-1]}\" in\n" +
      case_of(tree, "FILE", "_files") + case_of(tree, "DIR", "_directories") +
      "  esac\n"
      "  local -a words\n"
      "  case \"$path_so_far\" in\n";
  zsh_cases(tree, tree.name, text);
  text +=
      "  esac\n"
      "  _describe '" +
      tree.name +
      "' words\n"
      "}\n"
      "compdef " +
      function_of(tree) + " " + tree.name +
      "\n"
      // As a file in the function path it is run as the function itself, the first time.
      "if [[ \"${funcstack[1]}\" == '_" +
      tree.name + "' ]]; then " + function_of(tree) + " \"$@\"; fi\n";
  return text;
}

void fish_lines(const CommandTree& command, const std::string& program,
                const std::vector<std::string>& path, std::string& text) {
  std::string condition;
  for (const auto& word : path)
    condition += (condition.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + word);
  if (path.empty()) {
    condition = "__fish_use_subcommand";
  } else if (!command.children.empty()) {
    std::vector<std::string> names;
    for (const auto& child : command.children) names.push_back(child.name);
    condition += "; and not __fish_seen_subcommand_from " + joined(names);
  }
  const auto start = "complete -c " + program + " -n '" + condition + "' ";
  for (const auto& child : command.children)
    text += start + "-f -a '" + child.name + "' -d '" + without_quotes(child.description) + "'\n";
  for (const auto& option : command.options) {
    if (option.positional || !option.names.back().starts_with("--")) continue;
    text += start + "-l '" + option.names.back().substr(2) + "'" +
            (option.takes_value ? " -r" : "") + " -d '" + without_quotes(option.description) +
            "'\n";
  }
  if (!command.words.empty()) text += start + "-f -a '" + joined(command.words) + "'\n";
  for (const auto& child : command.children) {
    auto deeper = path;
    deeper.push_back(child.name);
    fish_lines(child, program, deeper, text);
  }
}

}  // namespace

std::string completion_script(const CommandTree& tree, std::string_view shell) {
  if (shell == "bash") return bash_script(tree);
  if (shell == "zsh") return zsh_script(tree);
  std::string text =
      "# fish completion for " + tree.name + ": " + tree.name + " completion fish | source\n";
  fish_lines(tree, tree.name, {}, text);
  return text;
}

}  // namespace credpool_cli
