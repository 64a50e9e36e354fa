// SPDX-License-Identifier: MIT
#include "key_file.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>

#include <string>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<void> write_key_file(const std::filesystem::path& path, const cp::Secret& key) {
  if (auto made = cp::make_private_directory(path.parent_path()); !made) return made;
  auto line = std::string{key.reveal()} + "\n";
  auto written = cp::replace_file(path, line, 0600);
  cp::wipe(line.data(), line.size());
  return written;
}

cp::Result<cp::Secret> key_in_file(const std::filesystem::path& path,
                                   const cp::Environment& environment,
                                   const std::function<cp::Result<cp::Secret>()>& make) {
  auto text = cp::read_file(path, environment, {.max_bytes = 512, .follow_symlink = false});
  if (!text && text.error().errc() == cp::Errc::not_found) {
    auto key = make();
    if (!key) return key;
    if (auto written = write_key_file(path, *key); !written) return cp::fail(written.error());
    return key;
  }
  if (!text) return cp::fail(text.error());
  for (const auto& warning : text->facts.warnings)
    if (warning.kind == cp::FileWarning::Kind::readable_by_others)
      return cp::fail(cp::Errc::unsafe_file, "reading a key of our own", path.string(),
                      "others can read it: " + warning.repair);
  auto key = text->bytes.reveal();
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' '))
    key.remove_suffix(1);
  constexpr std::size_t shortest = 16;
  if (key.size() < shortest || !cp::is_safe_token(key))
    return cp::fail(cp::Errc::malformed, "reading a key of our own", path.string(),
                    "it must hold one key of at least 16 printable characters without blanks; "
                    "remove the file to have a new one made");
  return cp::Secret{key};
}

}  // namespace credpool_cli
