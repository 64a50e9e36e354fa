#pragma once
// SPDX-License-Identifier: MIT

// What the login stores of the CLIs share: which file it is, how it is read and written anew, how
// several locks are taken. Internal: included by .ipp files only.

#include <credpool/core/environment.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/source/store_file.hpp>
#include <credpool/source/store_locks.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where a CLI keeps logins.
struct LoginPlace {
  std::string_view cli;
  std::filesystem::path directory;
  std::string_view name;  ///< of the file; empty: any that ends in ".json"
};

/// The path, as the CLI spells it, of a login that can be refreshed where it stands.
/// @errors unsupported for everything else
inline Result<std::filesystem::path> login_place_of(const Credential& credential,
                                                    const LoginPlace& expected) {
  const auto unsupported = [&](const std::string& hint) {
    return fail(Errc::unsupported, "refreshing " + credential.profile_id, credential.cli, hint);
  };
  const std::string cli{expected.cli};
  if (credential.kind != Kind::oauth || credential.cli != cli || credential.places.empty() ||
      credential.places.front().cli != cli)
    return unsupported("it is no login of " + cli);
  std::filesystem::path file{credential.places.front().location};
  if (file.parent_path() != expected.directory ||
      (expected.name.empty() ? file.extension() != ".json" : file.filename() != expected.name))
    return unsupported("it does not stand in a file that can be written anew: let " + cli +
                       " refresh it");
  if (credential.reason == Reason::unknown_mode)
    return unsupported("its file is of a kind that is not known: let " + cli + " refresh it");
  if (credential.refresh_token.empty() && !credential.secret.empty())
    return unsupported("it has no refresh token that may be used: log in with " + cli);
  return file;
}

/// Refuses a directory in which others could replace a file, and every one above it.
inline Result<void> check_private_way(std::filesystem::path directory,
                                      const Environment& environment) {
  for (;; directory = directory.parent_path()) {
    struct stat facts {};
    if (::stat(directory.c_str(), &facts) != 0)
      return fail(Errc::io, "looking where a link leads", directory.string());
    const bool foreign = facts.st_uid != environment.user() && facts.st_uid != 0;
    if (foreign || ((facts.st_mode & 022) != 0 && (facts.st_mode & S_ISVTX) == 0))
      return fail(Errc::unsafe_file, "looking where a link leads", directory.string(),
                  "others may replace what stands in that directory: chmod go-w it");
    if (directory == directory.parent_path()) return {};
  }
}

/// The file itself, links on the way resolved. A link in the file's own place is followed once, to
/// a file of ours in directories that only we can write.
/// @errors unsafe_file and the others of read_file(); not_found is no error: the file may be gone
inline Result<std::filesystem::path> resolve_login_file(const std::filesystem::path& place,
                                                        const Environment& environment) {
  std::error_code failed;
  if (!std::filesystem::is_symlink(std::filesystem::symlink_status(place, failed))) {
    const auto directory = std::filesystem::canonical(place.parent_path(), failed);
    return failed ? place : directory / place.filename();
  }
  auto target = std::filesystem::canonical(place, failed);
  if (failed) return fail(dangling_link(place));
  if (auto facts = inspect_file(target, environment, {config_file_rules.max_bytes, false, true});
      !facts)
    return fail(std::move(facts).error());
  if (auto way = check_private_way(target.parent_path(), environment); !way)
    return fail(std::move(way).error());
  return target;
}

/// How a JSON file is laid out, so that it is written as its CLI wrote it.
struct JsonLayout {
  int indent = -1;  ///< fill characters a level; -1: all on one line
  char fill = ' ';
  bool final_newline = false;
};

inline JsonLayout json_layout(std::string_view text) {
  JsonLayout layout;
  layout.final_newline = text.ends_with('\n');
  const auto line = text.find('\n');
  const auto next = line == text.npos ? line : text.find_first_not_of(" \t\r\n", line);
  if (next == text.npos) return layout;
  const auto start = text.rfind('\n', next) + 1;
  layout.fill = text[start] == '\t' ? '\t' : ' ';
  layout.indent = static_cast<int>(std::min<std::size_t>(next - start, 8));
  return layout;
}

/// The Errc for what a source found wrong with a login.
inline Errc errc_of_reason(Reason reason) noexcept {
  return reason == Reason::unknown_mode ? Errc::unsupported : Errc::malformed;
}

/// When a new access token ends. One that does not tell is taken to live as long as the one before;
/// without that it is due at once, which costs one refresh and loses nothing.
inline TimePoint end_of(const GrantedTokens& granted, const StoredLogin& before, TimePoint now) {
  return now + granted.lifetime.value_or(before.tokens.lifetime.value_or(Duration{0}));
}

/// When to refresh a login whose CLI does so with less than 300 s left: earlier, but not long
/// before.
inline Duration window_before_five_minutes(Duration lifetime) noexcept {
  using std::chrono::seconds;
  return std::max(Duration{seconds{360}}, std::min(Duration{seconds{900}}, lifetime / 5));
}

inline double as_seconds(TimePoint when) {
  return static_cast<double>(when.time_since_epoch().count()) / 1000;
}

inline void set_text(OrderedJson& object, const char* name, const Secret& text) {
  if (!text.empty()) object[name] = text.reveal();
}
inline void set_text(OrderedJson& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

/// A login in a JSON file of a CLI. What differs from CLI to CLI: what the members mean, the locks
/// and the times.
class FileLoginStore : public LoginStore {
 public:
  /// @param place the file as its CLI spells it: there it keeps its locks, too
  /// @param file  the same with links resolved
  FileLoginStore(std::filesystem::path place, std::filesystem::path file, Environment environment)
      : place_{std::move(place)}, file_{std::move(file)}, environment_{std::move(environment)} {}

  const std::filesystem::path& file() const noexcept override { return file_; }

  Result<StoredLogin> read() const override {
    auto text = read_file(file_, environment_, {max_bytes(), false, true});
    if (!text) return fail(std::move(text).error());
    const auto document = parse_json(text->bytes.reveal());
    if (!document) return fail(at_file(document.error()));
    auto tokens = tokens_of(*document);
    if (!tokens) return fail(std::move(tokens).error());
    return StoredLogin{std::move(text->bytes), std::move(*tokens), text->facts.mode & 0777U};
  }

  Result<Secret> rewritten(const StoredLogin& current, const GrantedTokens& granted,
                           TimePoint now) const override {
    const auto text = current.text.reveal();
    auto document = text.empty() ? anew(current, granted) : parse_json_as<OrderedJson>(text);
    if (!document) return fail(at_file(document.error()));
    if (!document->is_object()) return not_a_login("it is not an object");
    if (auto put_in = put(*document, current, granted, now); !put_in)
      return fail(std::move(put_in).error());
    const auto layout = text.empty() ? JsonLayout{2, ' ', false} : json_layout(text);
    auto bytes = dump_json(*document, layout.indent, layout.fill);
    if (layout.final_newline) bytes.push_back('\n');
    Secret result{bytes};
    wipe(bytes.data(), bytes.size());
    return result;
  }

  Result<std::unique_ptr<StoreLock>> lock_exchange(Duration) override { return nullptr; }
  Result<std::unique_ptr<StoreLock>> lock_write(Duration) override { return nullptr; }
  bool single_use() const noexcept override { return true; }

 protected:
  /// The login, read as the source reads it, or the reason why it is none.
  virtual Credential login_in(const Json& document) const = 0;
  /// What the store tells about the access token, besides.
  virtual std::optional<Duration> lifetime_in(const Json&) const { return std::nullopt; }
  virtual std::string account_in(const Json&, const Credential&) const { return {}; }
  /// Puts the granted tokens into the document, which is an object.
  virtual Result<void> put(OrderedJson& document, const StoredLogin& current,
                           const GrantedTokens& granted, TimePoint now) const = 0;
  /// The document to put them into when there is no file any more.
  virtual Result<OrderedJson> anew(const StoredLogin&, const GrantedTokens&) const {
    return fail(Errc::unsupported, "writing the login of " + std::string{cli()}, file_.string(),
                "the file is gone: log in with " + std::string{cli()});
  }
  virtual std::size_t max_bytes() const noexcept { return FileRules{}.max_bytes; }

  Unexpected not_a_login(const std::string& why) const {
    return fail(Errc::malformed, "reading the login of " + std::string{cli()}, file_.string(), why);
  }
  const std::filesystem::path& place() const noexcept { return place_; }
  const Environment& environment() const noexcept { return environment_; }

 private:
  static Error at(Error error, const std::filesystem::path& file) {
    // A parser's place is a byte or a key; a person needs the file.
    if (!error.place.empty() && error.hint.empty()) error.hint = error.place;
    error.place = file.string();
    return error;
  }
  Error at_file(const Error& error) const { return at(error, file_); }

  Result<StoredTokens> tokens_of(const Json& document) const {
    if (!document.is_object()) return not_a_login("it is not an object");
    const auto login = login_in(document);
    if (login.reason == Reason::signed_out) return StoredTokens{};
    if (login.status == Status::invalid)
      return fail(errc_of_reason(login.reason), "reading the login of " + std::string{cli()},
                  file_.string(), login.detail);
    StoredTokens tokens{login.secret, login.refresh_token, login.expires_at, lifetime_in(document),
                        account_in(document, login)};
    // Where the store does not tell the end, the CLI's own rule does.
    if (!tokens.expires_at) tokens.expires_at = login.refresh_at;
    if (tokens.access_token.empty()) tokens.expires_at = TimePoint{};
    return tokens;
  }

  std::filesystem::path place_;
  std::filesystem::path file_;
  Environment environment_;
};

/// The store of a credential, if it is a login that stands in such a place.
/// @errors unsupported when it is not; those of resolve_login_file()
template <class Store>
Result<std::unique_ptr<LoginStore>> file_login_store(const Credential& credential,
                                                     const Environment& environment,
                                                     const LoginPlace& expected) {
  auto place = login_place_of(credential, expected);
  if (!place) return fail(std::move(place).error());
  auto file = resolve_login_file(*place, environment);
  if (!file) return fail(std::move(file).error());
  return std::unique_ptr<LoginStore>{new Store{std::move(*place), std::move(*file), environment}};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
