#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>
#include <credpool/source/key_variables.hpp>

#include <string>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

/// Reads the text of a .env file as the dotenv libraries do.
///
/// `NAME=value` or `NAME: value`, with an optional `export`; values bare (up to a `#`), in single
/// quotes or backquotes (as they are) or in double quotes (`\n` and `\r` are expanded); quoted
/// values may span lines; LF, CRLF and CR end a line. What is not such a line is passed over.
/// Nothing is ever expanded or run.
///
/// @return names in the order of their first appearance, each once; of several values the last wins
/// @source dotenv 17 (npm), its LINE expression
std::vector<std::pair<std::string, std::string>> parse_dotenv(std::string_view text);

/// The keys in .env files: ~/.env, .env in the working directory, and .env in OpenClaw's directory
/// (see openclaw_directory()); a project's file may not set OPENCLAW_*. Names are looked up in
/// `key_variables`.
///
/// A variable of the environment goes before the same name in a file for every program that reads
/// such files; the file's key is listed all the same, and its detail says so.
struct DotenvKeys {
  static constexpr std::string_view cli = "dotenv";
  static constexpr std::string_view provider = "env";  ///< of a source; each key has its own

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<DotenvKeys>);
static_assert(NamesItsFiles<DotenvKeys>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/dotenv.ipp>
#endif
