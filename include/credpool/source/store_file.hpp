#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/file.hpp>
#include <credpool/credential/credential.hpp>

#include <filesystem>
#include <optional>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// A store file as a source reads it: its text, nothing, or the reason why it cannot be used.
struct StoreFile {
  std::optional<FileText> text;  ///< set when the file could be read
  std::optional<Error> failure;  ///< set when it is there and could not be read
  bool missing() const noexcept { return !text && !failure; }
};

/// Reads a store file under the caps of its kind. A missing file is not a failure; a link that
/// leads nowhere is one (its target may be on a volume that is not mounted).
StoreFile read_store(const std::filesystem::path& path, const Environment& environment,
                     FileRules rules = {});

/// The error for a store file that is a link whose target is not there.
Error dangling_link(const std::filesystem::path& path);

/// The place to note for a store file, with its warnings and how to mend them.
Place place_of(const FileFacts& facts, std::string_view cli, std::string_view pointer = {});

/// The Reason to show for an error met while reading or parsing a store.
Reason reason_of(const Error& error) noexcept;

/// A credential that says why the store at that path cannot be used.
Credential unusable_store(std::string_view cli, std::string_view provider,
                          const std::filesystem::path& path, const Error& error);

/// Gives an entry its verdict after an error met while reading it; what else is known of it stays.
void mark_unusable(Credential& credential, const Error& error);

/// Gives the credential its secret, or marks it when the token may not stand in a header; then it
/// holds no secret. An empty token changes nothing.
void set_secret(Credential& credential, std::string_view token);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/store_file.ipp>
#endif
