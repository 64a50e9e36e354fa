#pragma once
// SPDX-License-Identifier: MIT

// The client pairs of Google's installed applications, found at run time. Internal.
//
// Google calls the secret of an installed application no secret, and its sources show it; scanners
// do not know that, so that it stands in no file of ours.

#include <credpool/core/file.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/refresh/oauth_providers.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct GoogleClient {
  std::string id;
  Secret secret;
};

/// The secret that stands close behind the client id in the text of a program.
/// @source Google's secrets of installed applications: "GOCSPX-" and 28 characters
inline std::optional<Secret> google_secret_near(std::string_view text, std::string_view client_id) {
  constexpr std::string_view prefix = "GOCSPX-";
  constexpr std::size_t near = 2048;
  constexpr std::size_t shortest = 24;
  const auto belongs = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  for (auto at = text.find(client_id); at != std::string_view::npos;
       at = text.find(client_id, at + 1)) {
    const auto behind = text.substr(at + client_id.size(), near);
    const auto start = behind.find(prefix);
    if (start == std::string_view::npos) continue;
    auto end = start;
    while (end < behind.size() && belongs(behind[end])) ++end;
    if (end - start >= prefix.size() + shortest) return Secret{behind.substr(start, end - start)};
  }
  return std::nullopt;
}

/// Where an npm installation of Gemini CLI may hold the id and the secret: the bundle that the
/// program on PATH leads to, its chunks, or (older versions) the core package.
inline std::vector<std::filesystem::path> gemini_program_files(const Environment& environment) {
  const auto program = environment.find_program("gemini");
  if (!program) return {};
  std::error_code error;
  const auto entry = std::filesystem::canonical(*program, error);
  if (error) return {};
  constexpr int most_chunks = 512;
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator chunk{entry.parent_path(), error};
  for (int seen = 0; !error && chunk != std::filesystem::directory_iterator{} && seen < most_chunks;
       chunk.increment(error), ++seen)
    if (chunk->path().extension() == ".js" && chunk->path() != entry)
      files.push_back(chunk->path());
  std::sort(files.begin(), files.end());
  files.insert(files.begin(), entry);
  constexpr std::string_view core = "gemini-cli-core/dist/src/code_assist/oauth2.js";
  for (auto folder = entry.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    files.push_back(folder / "node_modules/@google" / core);
    if (folder.filename() == "@google") files.push_back(folder / core);
  }
  return files;
}

/// The secret of Gemini CLI's client as the installed program has it.
inline std::optional<Secret> google_secret_of_gemini(const Environment& environment,
                                                     std::string_view client_id) {
  constexpr FileRules program_rules{128 << 20, true, false};
  for (const auto& path : gemini_program_files(environment))
    // One that is missing, or of another owner, is passed over: the next may have it.
    if (const auto file = read_file(path, environment, program_rules))
      if (auto secret = google_secret_near(file->bytes.reveal(), client_id)) return secret;
  return std::nullopt;
}

/// Reads a client pair: {"installed":{"client_id","client_secret"}} as Google's console gives it,
/// the two members at the top, or nothing but the secret.
/// @param default_id for a file with nothing but the secret
/// @errors those of read_file(); configuration when others may read it; malformed
inline Result<GoogleClient> read_google_client(const std::filesystem::path& path,
                                               std::string_view default_id,
                                               const Environment& environment) {
  const std::string doing = "reading Google's client pair";
  const auto file = read_file(path, environment);
  if (!file) return fail(file.error());
  for (const auto& warning : file->facts.warnings)
    if (warning.kind == FileWarning::Kind::readable_by_others)
      return fail(Errc::configuration, doing, path.string(),
                  "others can read it: run " + warning.repair);
  auto text = file->bytes.reveal();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (!text.starts_with('{')) {
    if (!is_safe_token(text) || default_id.empty())
      return fail(Errc::malformed, doing, path.string(),
                  "it must hold the client secret in one line, or Google's JSON");
    return GoogleClient{std::string{default_id}, Secret{text}};
  }
  const auto document = parse_json(text);
  if (!document) return fail(Errc::malformed, doing, path.string(), document.error().message());
  const auto* pair = member(*document, "installed");
  if (pair == nullptr) pair = &*document;
  const auto id = text_or_empty(*pair, "client_id");
  const auto secret = text_or_empty(*pair, "client_secret");
  if (!is_safe_token(id) || !is_safe_token(secret))
    return fail(Errc::malformed, doing, path.string(), "client_id or client_secret is missing");
  return GoogleClient{std::string{id}, Secret{secret}};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
