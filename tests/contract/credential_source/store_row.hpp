#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// What the bytes of a store are, so that only faults that make sense for them are tried.
enum class Format { json, toml, other };

/// One store that a source reads, with a login or key that is good. See rows.cpp for the table.
struct StoreRow {
  std::string name;  ///< for the failure message
  std::function<credpool::Result<std::vector<credpool::Credential>>(const credpool::Environment&)>
      discover;
  std::filesystem::path path;  ///< of the store, below the home
  std::string text;            ///< its content, with `token` in it as it stands
  /// What is lent, or what an access token is fetched with where the store has none.
  std::string token;
  std::vector<std::string> canaries = {};  ///< further secrets in `text`; `token` is always one
  Format format = Format::json;
  /// The literal in `text` that is the end of the token, 2100-01-01; empty when the store has none.
  std::string expiry = {};
  /// Other files that the store needs: path below the home, content.
  std::vector<std::pair<std::filesystem::path, std::string>> companions = {};
  std::map<std::string, std::string, std::less<>> variables = {};
  /// How the CLI encrypts `text` before it writes it; none: it does not.
  std::function<std::string(std::string_view plain)> seal = {};
};

/// The row of a source, which is a CredentialSource without state.
template <credpool::CredentialSource Source>
StoreRow row_of(std::string name, std::filesystem::path path, std::string text, std::string token) {
  StoreRow row;
  row.name = std::move(name);
  row.discover = [](const credpool::Environment& environment) {
    return Source{}.discover(environment);
  };
  row.path = std::move(path);
  row.text = std::move(text);
  row.token = std::move(token);
  return row;
}

/// Every store that the suite covers. To cover another: add a row.
const std::vector<StoreRow>& store_rows();
