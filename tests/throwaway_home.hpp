#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

/// A home directory of its own for one test, removed at its end, and the environment to go with it.
class ThrowawayHome {
 public:
  ThrowawayHome() {
    auto pattern = (std::filesystem::temp_directory_path() / "credpool-test-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    ::chmod(root_.c_str(), 0700);
  }
  ~ThrowawayHome() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  ThrowawayHome(const ThrowawayHome&) = delete;
  ThrowawayHome& operator=(const ThrowawayHome&) = delete;

  const std::filesystem::path& path() const { return root_; }

  /// Writes a file below the home; missing directories are made (0700).
  std::filesystem::path write(const std::filesystem::path& relative, std::string_view text,
                              mode_t mode = 0600) const {
    const auto path = root_ / relative;
    for (auto part = root_; const auto& step : relative.parent_path()) {
      part /= step;
      ::mkdir(part.c_str(), 0700);
    }
    std::ofstream{path, std::ios::binary} << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  /// The environment of a process whose home this is. Nothing of the real one shows through.
  credpool::Environment environment(
      std::map<std::string, std::string, std::less<>> variables = {}) const {
    credpool::Environment::Facts facts;
    facts.variables = std::move(variables);
    facts.home = root_;
    facts.working_directory = root_;
    facts.host_name = "testhost";
    facts.user_name = "tester";
    facts.user = ::geteuid();
    return credpool::Environment{std::move(facts)};
  }

 private:
  std::filesystem::path root_;
};
