// SPDX-License-Identifier: MIT
#include "audit_log.hpp"

#include "redaction.hpp"

#include <credpool/core/file.hpp>
#include <credpool/core/platform.hpp>

#include <algorithm>
#include <cerrno>

namespace openclaw_token {

namespace cp = credpool;

namespace {

constexpr off_t largest = 1 << 20;  // bytes; then a new file begins

std::string older(const std::filesystem::path& file) {
  return file.string() + ".1";
}

}  // namespace

Json audit_json(const AuditEntry& entry) {
  Json json{{"timestamp", entry.timestamp},
            {"command", entry.command},
            {"args", entry.args},
            {"status", entry.success ? "success" : "error"}};
  if (!entry.detail.empty()) json["detail"] = entry.detail;
  return json;
}

cp::Result<void> AuditLog::append(const AuditEntry& entry) const {
  const auto give_up = [&] {
    return cp::fail(errno == EACCES ? cp::Errc::permission_denied : cp::Errc::io,
                    "writing the audit log", file_.string());
  };
  if (auto made = cp::make_private_directory(file_.parent_path()); !made) return made;
  AuditEntry clean = entry;
  for (auto& word : clean.args) word = without_keys(word);
  clean.detail = without_keys(clean.detail);
  const auto line = audit_json(clean).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const cp::Descriptor file{
      ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)};
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) return give_up();
  if ((facts.st_mode & 077) != 0 && ::fchmod(file.get(), 0600) != 0) return give_up();
  // One write: lines of programs that run at once do not mix.
  if (::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return give_up();
  if (facts.st_size > largest && ::rename(file_.c_str(), older(file_).c_str()) != 0)
    return give_up();
  return {};
}

cp::Result<std::vector<AuditEntry>> AuditLog::last(std::size_t count,
                                                   const cp::Environment& environment) const {
  const auto file = cp::read_file(file_, environment, {2 * largest, false, false});
  std::vector<AuditEntry> entries;
  if (!file && file.error().code == cp::Errc::not_found) return entries;
  if (!file) return cp::fail(file.error());
  for (auto rest = file->bytes.reveal(); !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto json = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!json.is_object()) continue;
    const auto text = [&](const char* name) {
      const auto found = json.find(name);
      return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
    };
    AuditEntry entry{
        text("timestamp"), text("command"), {}, text("status") != "error", text("detail")};
    if (const auto args = json.find("args"); args != json.end() && args->is_array())
      for (const auto& word : *args)
        if (word.is_string()) entry.args.push_back(without_keys(word.get<std::string>()));
    entry.detail = without_keys(entry.detail);
    entries.push_back(std::move(entry));
  }
  if (entries.size() > count)
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(count));
  return entries;
}

cp::Result<void> AuditLog::clear() const {
  for (const auto& path : {file_.string(), older(file_)})
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return cp::fail(cp::Errc::io, "removing the audit log", path);
  return {};
}

}  // namespace openclaw_token
