#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/audit.hpp>

#include <credpool/core/hash.hpp>
#include <credpool/core/platform.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
#include <system_error>
#include <unordered_map>

#include <fcntl.h>
#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(AuditFinding::Kind kind) noexcept {
  switch (kind) {
    case AuditFinding::Kind::wrong_mode:
      return "wrong_mode";
    case AuditFinding::Kind::foreign_owner:
      return "foreign_owner";
    case AuditFinding::Kind::not_regular:
      return "not_regular";
    case AuditFinding::Kind::hard_linked:
      return "hard_linked";
    case AuditFinding::Kind::left_over:
      return "left_over";
    case AuditFinding::Kind::clear_secret:
      return "clear_secret";
    case AuditFinding::Kind::unreadable:
      return "unreadable";
  }
  return "unknown";
}

namespace detail {

/// A path as a shell takes it.
inline std::string audit_quoted(const std::filesystem::path& path) {
  std::string text{"'"};
  for (const char c : path.string()) c == '\'' ? text += "'\\''" : text += c;
  return text + "'";
}

/// Calls `look(path)` for a file or directory and everything below it. Links are not followed.
inline void audit_walk(const std::filesystem::path& place, std::vector<AuditFinding>& findings,
                       const std::function<void(const std::filesystem::path&)>& look) {
  std::error_code failed;
  const auto type = std::filesystem::symlink_status(place, failed).type();
  if (type == std::filesystem::file_type::not_found) return;
  look(place);
  if (type != std::filesystem::file_type::directory) return;
  auto entry = std::filesystem::recursive_directory_iterator{place, failed};
  for (const std::filesystem::recursive_directory_iterator end; !failed && entry != end;
       entry.increment(failed))
    look(entry->path());
  if (failed)
    findings.push_back(
        {AuditFinding::Kind::unreadable, place, "could not be listed (" + failed.message() + ")"});
}

/// Finds pieces of secrets in a stream of bytes, by a rolling hash over the last 20 of them
/// (Karp and Rabin, 1987).
class AuditScanner {
 public:
  static constexpr std::size_t piece = 20;

  explicit AuditScanner(std::span<const Secret> known) {
    for (std::size_t i = 1; i < piece; ++i) highest_ *= base;
    for (const auto& secret : known) {
      const auto text = secret.reveal();
      if (text.size() < 8) continue;
      if (text.size() < piece) short_.push_back(&secret);
      for (std::size_t at = 0; at + piece <= text.size(); ++at)
        pieces_.emplace(hash(text.substr(at, piece)), Piece{&secret, at});
    }
  }

  /// @return the secret of which a piece stands in the text; null when there is none
  const Secret* find(std::string_view text) const {
    for (const auto* secret : short_)
      if (text.find(secret->reveal()) != std::string_view::npos) return secret;
    if (text.size() < piece || pieces_.empty()) return nullptr;
    auto rolling = hash(text.substr(0, piece));
    for (std::size_t at = 0;; ++at) {
      const auto [first, last] = pieces_.equal_range(rolling);
      for (auto known = first; known != last; ++known) {
        const auto [secret, start] = known->second;
        if (secret->reveal().substr(start, piece) == text.substr(at, piece)) return secret;
      }
      if (at + piece == text.size()) return nullptr;
      rolling = (rolling - byte(text[at]) * highest_) * base + byte(text[at + piece]);
    }
  }

 private:
  struct Piece {
    const Secret* secret;
    std::size_t start;
  };
  static constexpr std::uint64_t base = 0x100000001b3;

  static std::uint64_t byte(char c) noexcept { return static_cast<unsigned char>(c); }
  static std::uint64_t hash(std::string_view text) noexcept {
    std::uint64_t value = 0;
    for (const char c : text) value = value * base + byte(c);
    return value;
  }

  std::uint64_t highest_ = 1;  ///< base to the power of piece - 1
  std::unordered_multimap<std::uint64_t, Piece> pieces_;
  std::vector<const Secret*> short_;
};

/// Reads a file in chunks that overlap by one byte less than a piece.
/// @return whether it could be read to its end or to the first piece
inline bool audit_scan(const std::filesystem::path& path, const AuditScanner& scanner,
                       const Secret*& found) {
  const Descriptor file{
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (!file) return false;
  std::string chunk(256 * 1024, '\0');
  std::size_t kept = 0;
  bool good = false;
  while (found == nullptr) {
    const auto got = ::read(file.get(), chunk.data() + kept, chunk.size() - kept);
    if (got < 0 && errno == EINTR) continue;
    good = got >= 0;
    if (got <= 0) break;
    const auto text = std::string_view{chunk}.substr(0, kept + static_cast<std::size_t>(got));
    found = scanner.find(text);
    kept = std::min(text.size(), AuditScanner::piece - 1);
    std::copy(text.end() - static_cast<std::ptrdiff_t>(kept), text.end(), chunk.begin());
  }
  wipe(chunk.data(), chunk.size());
  return good;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<AuditFinding> audit_files(const std::filesystem::path& directory,
                                                      const Environment& environment) {
  using enum AuditFinding::Kind;
  std::vector<AuditFinding> findings;
  detail::audit_walk(directory, findings, [&](const std::filesystem::path& path) {
    const auto quoted = detail::audit_quoted(path);
    const auto report = [&](AuditFinding::Kind kind, std::string repair) {
      findings.push_back({kind, path, std::move(repair)});
    };
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) {
      if (errno != ENOENT) report(unreadable, "could not be looked at");
      return;  // else: removed a moment ago
    }
    const bool folder = S_ISDIR(facts.st_mode);
    // Where a running server is talked to (credpool rpc, ui, top).
    const bool own_socket = S_ISSOCK(facts.st_mode) && path.filename() == "gateway.sock";
    if (!folder && !own_socket && !S_ISREG(facts.st_mode)) {
      report(not_regular, "move it away: mv " + quoted + " ~/");
      return;
    }
    if (facts.st_uid != environment.user() && facts.st_uid != 0)
      report(foreign_owner, "chown " + std::to_string(environment.user()) + ' ' + quoted);
    if ((facts.st_mode & 077) != 0)
      report(wrong_mode, (folder ? "chmod 700 " : "chmod 600 ") + quoted);
    if (!folder && facts.st_nlink > 1)
      report(hard_linked, "find its other names: find / -xdev -samefile " + quoted);
    if (!folder && path.filename().string().find(".tmp-") != std::string::npos)
      report(left_over, "unless credpool is writing right now: rm " + quoted);
  });
  return findings;
}

CREDPOOL_INLINE std::vector<AuditFinding> find_clear_secrets(const std::filesystem::path& place,
                                                             std::span<const Secret> known) {
  std::vector<AuditFinding> findings;
  const detail::AuditScanner scanner{known};
  detail::audit_walk(place, findings, [&](const std::filesystem::path& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return;
    const Secret* found = nullptr;
    if (!detail::audit_scan(path, scanner, found) && errno != ENOENT)
      findings.push_back({AuditFinding::Kind::unreadable, path, "could not be read"});
    if (found != nullptr)
      findings.push_back(
          {AuditFinding::Kind::clear_secret, path,
           "holds a piece of the secret " + token_hash(found->reveal()).substr(0, 19) +
               "...: move the file away, and replace that secret where it came from"});
  });
  return findings;
}

}  // namespace credpool::inline CREDPOOL_ABI
