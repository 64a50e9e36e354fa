// SPDX-License-Identifier: MIT
#include "session_file.hpp"

#include <credpool/core/file.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

cp::Result<void> read_into(cp::SessionBook& book, const std::filesystem::path& path,
                           const cp::Environment& environment, cp::TimePoint now) {
  const auto file = cp::read_file(path, environment, {.follow_symlink = false});
  if (!file) return cp::fail(file.error());
  const auto& warnings = file->facts.warnings;
  if (std::any_of(warnings.begin(), warnings.end(), [](const cp::FileWarning& one) {
        return one.kind == cp::FileWarning::Kind::readable_by_others;
      }))
    return cp::fail(cp::Errc::unsafe_file, "reading the sessions of browsers", {},
                    "others can read or write it");
  return book.load(file->bytes.reveal(), now);
}

}  // namespace

cp::Result<void> SessionFile::load(cp::SessionBook& book, const cp::Environment& environment,
                                   cp::TimePoint now) {
  const std::lock_guard lock{mutex_};
  auto loaded = read_into(book, path_, environment, now);
  if (loaded) {
    kept_ = book.text(now);
    return {};
  }
  if (loaded.error().errc() == cp::Errc::not_found) return {};
  forget();
  auto error = loaded.error();
  error.place = path_.string();
  error.hint = "nobody is signed in any more: `credpool ui` makes a new link";
  return cp::fail(std::move(error));
}

cp::Result<void> SessionFile::keep(const cp::SessionBook& book, cp::TimePoint now) {
  const std::lock_guard lock{mutex_};
  auto text = book.text(now);
  if (text == kept_ || (kept_.empty() && book.count(now) == 0)) return {};
  auto written = cp::replace_file(path_, text, 0600);
  if (written)
    kept_ = std::move(text);
  else
    forget();
  return written;
}

void SessionFile::forget() {
  kept_.clear();
  std::error_code left;  // then what stands there was refused, or is as old as it is
  std::filesystem::remove(path_, left);
}

}  // namespace credpool_cli
