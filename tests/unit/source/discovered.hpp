#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// What a source finds; fails the test when the source cannot look, or shows a secret.
template <credpool::CredentialSource S>
std::vector<credpool::Credential> discovered(const credpool::Environment& environment) {
  auto result = S{}.discover(environment);
  REQUIRE(result);
  for (const auto& credential : *result) {
    CHECK(credential.cli == S::cli);
    CHECK_FALSE(credential.places.empty());
    CHECK(credential.detail.find("FAKE") == std::string::npos);  // our fake secrets have it in them
    if (credential.status == credpool::Status::invalid) CHECK(credential.secret.empty());
    if (credential.status != credpool::Status::active) CHECK_FALSE(credential.detail.empty());
  }
  return std::move(*result);
}

/// The one credential that a source finds.
template <credpool::CredentialSource S>
credpool::Credential only_discovered(const credpool::Environment& environment) {
  auto found = discovered<S>(environment);
  REQUIRE(found.size() == 1);
  return found.front();
}

/// The ways in which any JSON store can be broken: each must be listed with its reason, once.
/// @param valid the text of a good store, without commas in its strings
template <credpool::CredentialSource S>
void check_broken_json_store(const std::filesystem::path& relative, const std::string& valid) {
  namespace cp = credpool;
  const ThrowawayHome home;
  const auto environment = home.environment();
  CHECK(discovered<S>(environment).empty());  // missing directory
  const auto reason = [&](std::string_view text) {
    home.write(relative, text);
    return only_discovered<S>(environment).reason;
  };
  const std::string deep(200, '[');
  for (const std::string& text :
       {std::string{}, std::string(1, '\0'), valid.substr(0, valid.size() / 2), std::string{"[]"},
        std::string{"null"}, std::string{"\"x\""}, std::string{"{\"a\": 1e400}"}}) {
    CAPTURE(text);
    CHECK(reason(text) == cp::Reason::malformed);
  }
  CHECK(reason(deep) == cp::Reason::too_deep);
  CHECK(reason(R"({"a": "FAKE", "a": "FAKE"})") == cp::Reason::duplicate_key);
  CHECK(reason(std::string(2 * 1024 * 1024, ' ')) == cp::Reason::too_large);

  const auto file = home.path() / relative;
  std::filesystem::remove(file);
  CHECK(discovered<S>(environment).empty());  // missing file
  std::filesystem::create_symlink("nowhere", file);
  CHECK(only_discovered<S>(environment).reason == cp::Reason::unsafe_file);  // leads nowhere
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  CHECK(only_discovered<S>(environment).reason == cp::Reason::unsafe_file);
  std::filesystem::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(only_discovered<S>(environment).reason == cp::Reason::unsafe_file);
  std::filesystem::remove(file);

  std::string with_line_ends{"\xef\xbb\xbf"};  // a byte order mark and CRLF do no harm
  for (const char c : valid) with_line_ends += c == ',' ? std::string{",\r\n"} : std::string{c};
  home.write(relative, with_line_ends, 0644);
  const auto found = discovered<S>(environment);
  REQUIRE_FALSE(found.empty());
  CHECK(found.front().reason != cp::Reason::malformed);
  CHECK_FALSE(found.front().places.front().warnings.empty());  // others can read it
}
