// SPDX-License-Identifier: MIT
#include "completion.hpp"

#include <algorithm>

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
  if (command.name == "completion") words.insert(words.end(), {"bash", "zsh", "fish"});
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
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
  std::string text =
      "# bash completion for credpool: eval \"$(credpool completion bash)\"\n"
      "_credpool() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path='" +
      tree.name +
      "' words='' i word\n"
      "  case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n"
      "    --file|--config|--trace|--export) COMPREPLY=( $(compgen -f -- \"$current\") ); return "
      ";;\n"
      "    --home|--state-dir) COMPREPLY=( $(compgen -d -- \"$current\") ); return ;;\n"
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
      "}\n"
      "complete -F _credpool credpool\n";
  return text;
}

void zsh_cases(const CommandTree& command, const std::string& path, std::string& text) {
  text += "    '" + path + "') words=(";
  for (const auto& child : command.children)
    text += " '" + child.name + ":" + without_quotes(child.description) + "'";
  for (const auto& option : command.options)
    if (!option.positional && option.names.back().starts_with("--"))
      text += " '" + option.names.back() + ":" + without_quotes(option.description) + "'";
  if (command.name == "completion") text += " bash zsh fish";
  text += " ) ;;\n";
  for (const auto& child : command.children) zsh_cases(child, path + " " + child.name, text);
}

std::string zsh_script(const CommandTree& tree) {
  std::string text =
      "#compdef credpool\n"
      "# zsh completion for credpool: eval \"$(credpool completion zsh)\"\n"
      "_credpool() {\n"
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
      "  case \"${words[CURRENT-1]}\" in\n"
      "    --file|--config|--trace|--export) _files; return ;;\n"
      "    --home|--state-dir) _directories; return ;;\n"
      "  esac\n"
      "  local -a words\n"
      "  case \"$path_so_far\" in\n";
  zsh_cases(tree, tree.name, text);
  text +=
      "  esac\n"
      "  _describe 'credpool' words\n"
      "}\n"
      "compdef _credpool credpool\n";
  return text;
}

void fish_lines(const CommandTree& command, const std::vector<std::string>& path,
                std::string& text) {
  std::string condition;
  if (path.empty()) {
    condition = "__fish_use_subcommand";
  } else {
    condition = "__fish_seen_subcommand_from " + path.back();
    if (!command.children.empty()) {
      std::vector<std::string> names;
      for (const auto& child : command.children) names.push_back(child.name);
      condition += "; and not __fish_seen_subcommand_from " + joined(names);
    }
  }
  const auto start = "complete -c credpool -n '" + condition + "' ";
  for (const auto& child : command.children)
    text += start + "-f -a '" + child.name + "' -d '" + without_quotes(child.description) + "'\n";
  for (const auto& option : command.options) {
    if (option.positional || !option.names.back().starts_with("--")) continue;
    text += start + "-l '" + option.names.back().substr(2) + "'" +
            (option.takes_value ? " -r" : "") + " -d '" + without_quotes(option.description) +
            "'\n";
  }
  if (command.name == "completion") text += start + "-f -a 'bash zsh fish'\n";
  for (const auto& child : command.children) {
    auto deeper = path;
    deeper.push_back(child.name);
    fish_lines(child, deeper, text);
  }
}

}  // namespace

std::string completion_script(const CommandTree& tree, std::string_view shell) {
  if (shell == "bash") return bash_script(tree);
  if (shell == "zsh") return zsh_script(tree);
  std::string text = "# fish completion for credpool: credpool completion fish | source\n";
  fish_lines(tree, {}, text);
  return text;
}

}  // namespace credpool_cli
