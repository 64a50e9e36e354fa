#pragma once
// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

/// Data of public test suites, which lies beside the project and is no part of it. A test case that
/// is made with `* PublicVectors{"folder"}` is reported as skipped, with the reason, where it is
/// not there.
class PublicVectors {
 public:
  /// @param folder one that lives as long as the program
  explicit PublicVectors(const char* folder) : folder_{folder} {}

  static std::filesystem::path folder(const char* name) {
    return std::filesystem::path{CREDPOOL_PUBLIC_DATA} / name;
  }

  void fill(doctest::detail::TestCase& test) const {
    if (std::filesystem::is_directory(folder(folder_))) return;
    test.m_skip = true;
    test.m_description = "the public test vectors are not beside the project";
  }

 private:
  const char* folder_;
};
