#pragma once
// SPDX-License-Identifier: MIT

// Reads configuration files: places, includes, variables. Internal: included by .ipp files only.

#include <credpool/config/json5.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/core/file.hpp>
#include <credpool/impl/config/json5_scanner.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The configuration files of one reading; a range's `source` is an index into them.
class ConfigFiles {
 public:
  explicit ConfigFiles(const Environment& environment) : environment_{environment} {}

  /// From now on that text counts instead of what the file holds.
  void assume(std::filesystem::path path, std::string text) {
    assumed_ = Text{std::move(path), std::move(text)};
  }

  /// Reads a file that is included by none; what it includes must lie below its directory.
  Result<Json5Value> read_root(const std::filesystem::path& path) {
    root_ = path.parent_path();
    return read(path);
  }

  /// Reads and parses one file. Its path is remembered even when it is not there.
  /// @errors those of read_file and parse_json5; the place names file, line and column
  Result<Json5Value> read(const std::filesystem::path& path) {
    paths_.push_back(path);
    const auto source = static_cast<std::uint32_t>(texts_.size());
    if (assumed_ && assumed_->path == path) {
      texts_.push_back(*assumed_);
    } else {
      auto file = read_file(path, environment_, config_file_rules);
      texts_.push_back({path, file ? std::string{file->bytes.reveal()} : std::string{}});
      if (!file) return fail(std::move(file).error());
    }
    Json5Rules rules;
    rules.source = source;
    auto document = parse_json5(texts_.back().text, rules);
    if (document) return document;
    auto error = std::move(document).error();
    error.doing = "reading the configuration";
    error.place = path.string() + ":" + error.place;
    return fail(std::move(error));
  }

  /// "<file>:<line>:<column>"
  std::string place_of(const Json5Range& range) const {
    const auto& file = texts_[range.source];
    return file.path.string() + ":" + position_of(file.text, range.begin).text();
  }

  const std::filesystem::path& file_of(const Json5Range& range) const {
    return texts_[range.source].path;
  }

  const std::vector<std::filesystem::path>& paths() const noexcept { return paths_; }

  /// Puts in the files that this object includes; with `deep`, those of everything below it, too.
  /// @errors configuration with the place of the "$include" when it may not be followed; those of
  ///         read()
  Result<void> resolve(Json5Value& value, bool deep, int level = 0) {
    if (auto* elements = value.array(); elements != nullptr && deep) {
      for (auto& element : *elements)
        if (auto done = resolve(element, deep, level); !done) return done;
    }
    if (value.object() == nullptr) return {};
    if (const auto* include = value.member("$include")) {
      auto merged = included(*include, level);
      if (!merged) return fail(std::move(merged).error());
      auto own = std::move(*value.object());
      std::erase_if(own, [](const Json5Member& member) { return member.key == "$include"; });
      const auto range = value.range;
      if (own.empty()) {
        value = *std::move(merged);
      } else {
        Json5Value siblings{std::move(own)};
        siblings.range = range;
        merge(*merged, std::move(siblings));
        value = *std::move(merged);
      }
    }
    if (auto* members = value.object(); members != nullptr && deep) {
      for (auto& member : *members)
        if (auto done = resolve(member.value, deep, level); !done) return done;
    }
    return {};
  }

 private:
  struct Text {
    std::filesystem::path path;
    std::string text;
  };

  Unexpected refuse(const Json5Range& at, std::string hint) const {
    return fail(Errc::configuration, "including a configuration file", place_of(at),
                std::move(hint));
  }

  /// What an "$include" stands for: one file, or several merged in their order.
  Result<Json5Value> included(const Json5Member& include, int level) {
    constexpr int max_levels = 10;
    if (level >= max_levels) return refuse(include.key_range, "over 10 levels: is it a circle?");
    Json5Value::Array names;
    if (const auto* list = include.value.array()) names = *list;
    if (include.value.string() != nullptr) names.push_back(include.value);
    if (names.empty()) return refuse(include.value.range, "write the name of a file");
    Json5Value merged;
    bool first = true;
    for (const auto& name : names) {
      if (name.string() == nullptr) return refuse(name.range, "write the name of a file");
      auto part = included_file(name, level);
      if (!part) return part;
      if (first) {
        merged = *std::move(part);
      } else {
        merge(merged, *std::move(part));
      }
      first = false;
    }
    return merged;
  }

  Result<Json5Value> included_file(const Json5Value& name, int level) {
    const std::filesystem::path given{*name.string()};
    const auto path = (file_of(name.range).parent_path() / given).lexically_normal();
    if (!inside_roots(path))
      return refuse(name.range,
                    "the file must lie below the configuration's directory or one of "
                    "OPENCLAW_INCLUDE_ROOTS");
    auto document = read(path);
    if (!document) return document;
    constexpr std::size_t max_total = 2 * 1024 * 1024;
    std::size_t total = 0;
    for (const auto& file : texts_) total += file.text.size();
    if (total > max_total) return refuse(name.range, "over 2 MiB in all files");
    if (auto done = resolve(*document, true, level + 1); !done) return fail(done.error());
    return document;
  }

  /// Judged by where the file really is, so that a link cannot lead out.
  bool inside_roots(const std::filesystem::path& path) const {
    std::error_code failed;
    const auto real = std::filesystem::weakly_canonical(path, failed);
    if (failed) return false;
    std::vector<std::filesystem::path> roots{root_};
    if (const auto more = environment_.variable("OPENCLAW_INCLUDE_ROOTS")) {
      std::string_view rest{*more};
      while (!rest.empty()) {
        const auto colon = std::min(rest.find(':'), rest.size());
        if (colon > 0) roots.push_back(environment_.expand(rest.substr(0, colon)));
        rest.remove_prefix(std::min(colon + 1, rest.size()));
      }
    }
    return std::any_of(roots.begin(), roots.end(), [&](const auto& root) {
      const auto base = std::filesystem::weakly_canonical(root, failed);
      if (failed) return false;
      return std::mismatch(base.begin(), base.end(), real.begin(), real.end()).first == base.end();
    });
  }

  /// Objects are joined, anything else is replaced.
  static void merge(Json5Value& target, Json5Value from) {
    if (target.object() == nullptr || from.object() == nullptr) {
      target = std::move(from);
      return;
    }
    for (auto& member : *from.object()) {
      if (auto* known = target.member(member.key)) {
        known->key_range = member.key_range;
        merge(known->value, std::move(member.value));
      } else {
        target.object()->push_back(std::move(member));
      }
    }
  }

  const Environment& environment_;
  std::filesystem::path root_;
  std::optional<Text> assumed_;
  std::vector<Text> texts_;
  std::vector<std::filesystem::path> paths_;
};

/// Replaces every `${NAME}` (capitals, digits, "_") by that variable; `$${NAME}` stands for itself.
/// @errors not_found with the variable's name when it is not set
inline Result<std::string> substitute_variables(std::string_view text,
                                                const Environment& environment) {
  std::string out;
  while (!text.empty()) {
    const auto dollar = std::min(text.find("${"), text.size());
    out += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.empty()) break;
    const auto close = text.find('}');
    const auto name =
        close == std::string_view::npos ? std::string_view{} : text.substr(2, close - 2);
    const bool valid = !name.empty() && (name.front() < '0' || name.front() > '9') &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                         return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                       });
    if (!valid) {
      out += "${";
      text.remove_prefix(2);
    } else if (out.ends_with('$')) {
      out.pop_back();
      out += text.substr(0, close + 1);
      text.remove_prefix(close + 1);
    } else {
      const auto value = environment.variable(name);
      if (!value) return fail(Errc::not_found, "replacing a variable", std::string{name});
      out += *value;
      text.remove_prefix(close + 1);
    }
  }
  return out;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
