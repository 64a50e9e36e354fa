#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/server/exchange.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

namespace credpool_cli {

/// A file of the Control UI as it stands in the program.
struct EmbeddedFile {
  std::string_view name;  ///< "pages/history.js"
  std::string_view type;
  std::string_view digest;  ///< of its content, for its ETag
  std::string_view bytes;
  std::string_view gzip;  ///< empty where it is not worth it
};

/// The files that embed_ui.py put into the program, sorted by name.
const EmbeddedFile* embedded_files() noexcept;
std::size_t embedded_count() noexcept;

/// The files of the Control UI.
class Assets {
 public:
  /// @param directory not empty: serve its files in place of the embedded ones, as they are at
  ///                  that moment (for work on the UI)
  Assets(std::filesystem::path directory, credpool::Environment environment)
      : directory_{std::move(directory)}, environment_{std::move(environment)} {}

  /// Answers for the path below /ui/; an empty one is index.html. 304 for what the peer has, 404
  /// for what is not there. Piece by piece as the peer takes them, so that many who read slowly
  /// hold no copies of files.
  void serve(const std::shared_ptr<credpool::ServerExchange>& exchange,
             std::string_view name) const;

 private:
  /// @param bytes of an embedded file, which are not in the answer then
  credpool::Answer answer(std::string_view name, const credpool::RequestHead& head,
                          std::string_view& bytes) const;
  credpool::Answer from_directory(std::string_view name) const;

  std::filesystem::path directory_;
  credpool::Environment environment_;
};

}  // namespace credpool_cli
