#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/sealed_login.hpp>

#include <credpool/core/file.hpp>
#include <credpool/core/file_lock.hpp>
#include <credpool/impl/store/login_document.hpp>
#include <credpool/impl/store/sealing.hpp>

#include <algorithm>

#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// What a login's seal is bound to: everything that decides who gets the tokens.
inline std::string login_binding(const OwnLogin& login) {
  return sealing_binding({"credpool login 1", login.profile_id, login.cli, login.provider,
                          login.oauth_host, login.base_url, login.account, login.tokens.account_id,
                          format_iso8601(login.created)});
}

/// Both tokens in one box, a line each, so that no old one can be put beside a new one.
inline void seal_login(Json& document, const OwnLogin& login, const GuardedBytes& key) {
  const auto access = login.tokens.access_token.reveal();
  const auto refresh = login.tokens.refresh_token.reveal();
  const GuardedBytes both{access.size() + 1 + refresh.size()};
  std::copy(access.begin(), access.end(), both.data());
  both.data()[access.size()] = '\n';
  std::copy(refresh.begin(), refresh.end(), both.data() + access.size() + 1);
  const auto text = seal_bytes(both.text(), login_binding(login), key);
  document["key"] = key_mark(key);
  document["nonce"] = encode_base64url(text.nonce);
  document["sealed"] = encode_base64url(text.sealed);
}

/// Puts the tokens into `login`. @return whether the seal is good
inline bool unseal_login(const Json& document, OwnLogin& login, const GuardedBytes& key) {
  const auto nonce = decode_base64(text_or_empty(document, "nonce"));
  const auto sealed = decode_base64(text_or_empty(document, "sealed"));
  if (!nonce || !sealed) return false;
  const auto both = unseal_bytes({*nonce, *sealed}, login_binding(login), key);
  if (!both) return false;
  const auto text = both->reveal();
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return false;
  login.tokens.access_token = Secret{text.substr(0, end)};
  login.tokens.refresh_token = Secret{text.substr(end + 1)};
  return true;
}

struct OpenedLogin {
  Json document;
  OwnLogin login;
  GuardedBytes key;
};

/// Reads a login's text and opens its seal.
inline Result<OpenedLogin> open_login(std::string_view text, const std::filesystem::path& file,
                                      const StateDirectory& directory,
                                      const Environment& environment) {
  if (auto started = start_sodium(); !started) return fail(started.error());
  auto document = parse_login_document(text, file);
  if (!document) return fail(document.error());
  auto login = *login_of_json(*document);
  auto key = opening_key(directory, environment, text_or_empty(*document, "key"), reading_own_login,
                         "log in again");
  if (!key) return fail(key.error());
  if (!unseal_login(*document, login, *key))
    return fail(Errc::login_needed, reading_own_login, file.string(),
                "the file was changed after it was sealed: log in again");
  return OpenedLogin{std::move(*document), std::move(login), std::move(*key)};
}

inline Result<FileText> read_login_file(const std::filesystem::path& file,
                                        const Environment& environment) {
  return read_file(file, environment, {login_max_bytes, false, true});
}

inline std::filesystem::path beside_login(const std::filesystem::path& file,
                                          std::string_view ending) {
  return file.parent_path() / (".credpool-" + file.filename().string() + std::string{ending});
}

/// The lock that an exchange of that login holds.
inline Result<FileLock> lock_login(const std::filesystem::path& file) {
  return FileLock::take(beside_login(file, ".lock"), std::chrono::seconds{10});
}

/// What a journal of that login is bound to.
inline std::string login_journal_binding(const std::filesystem::path& file) {
  return sealing_binding({"credpool login journal 1", file.filename().string()});
}

/// Only exchanges write a file of ours, and they hold the exchange's own lock: nobody is left to
/// make wait, and nobody to look after.
class SealedWriteLock final : public StoreLock {
 public:
  Result<void> still_held() const override { return {}; }
};

}  // namespace detail

CREDPOOL_INLINE SealedLogins::SealedLogins(StateDirectory directory, Environment environment)
    : directory_{std::move(directory)}, environment_{std::move(environment)} {}

CREDPOOL_INLINE std::filesystem::path SealedLogins::file_of(std::string_view profile_id) const {
  return directory_.logins_directory() / (detail::login_file_stem(profile_id) + ".json");
}

CREDPOOL_INLINE Result<void> SealedLogins::put(const OwnLogin& login) {
  if (auto fit = detail::check_own_login(login); !fit) return fit;
  if (auto started = detail::start_sodium(); !started) return started;
  if (auto made = directory_.create(); !made) return made;
  if (auto made = make_private_directory(directory_.logins_directory()); !made) return made;
  const auto file = file_of(login.profile_id);
  const auto turn = detail::lock_login(file);
  if (!turn) return fail(turn.error());
  const auto lock = detail::lock_sealing_key(directory_);
  if (!lock) return fail(lock.error());
  const auto key = detail::sealing_key(directory_, environment_,
                                       detail::sealed_marks(directory_, environment_, file));
  if (!key) return fail(key.error());

  auto document = detail::json_of_login(login);
  detail::seal_login(document, login, *key);
  detail::remove_left_overs(file);
  return replace_file(file, detail::dump_json(document, 2) + '\n');
}

CREDPOOL_INLINE Result<OwnLogin> SealedLogins::get(std::string_view profile_id) const {
  const auto file = file_of(profile_id);
  const auto text = detail::read_login_file(file, environment_);
  if (!text && text.error().errc() == Errc::not_found)
    return fail(Errc::not_found, detail::reading_own_login, std::string{profile_id});
  if (!text) return fail(text.error());
  auto opened = detail::open_login(text->bytes.reveal(), file, directory_, environment_);
  if (!opened) return fail(opened.error());
  return std::move(opened->login);
}

CREDPOOL_INLINE Result<std::vector<ListedLogin>> SealedLogins::list() const {
  const auto files = detail::login_files(directory_, environment_);
  if (!files) return fail(files.error());
  std::vector<ListedLogin> logins;
  for (const auto& file : *files) {
    const auto text = detail::read_login_file(file, environment_);
    if (!text && text.error().errc() == Errc::not_found) continue;  // erased a moment ago
    const auto document = text ? detail::parse_login_document(text->bytes.reveal(), file)
                               : Result<detail::Json>{fail(text.error())};
    if (document) {
      logins.push_back({file, *detail::login_of_json(*document)});
    } else {
      logins.push_back({file, fail(document.error())});
    }
  }
  return logins;
}

CREDPOOL_INLINE Result<void> SealedLogins::erase(std::string_view profile_id) {
  const std::string doing = "erasing a login of our own";
  const auto file = file_of(profile_id);
  std::error_code failed;
  if (!std::filesystem::exists(file, failed))
    return fail(Errc::not_found, doing, std::string{profile_id});
  const auto turn = detail::lock_login(file);
  if (!turn) return fail(turn.error());
  // The journal and the notes first: a login that is still there can be erased again.
  std::vector<std::filesystem::path> doomed;
  const auto left = detail::beside_login(file, ".").filename().string();
  for (const auto& entry : std::filesystem::directory_iterator{file.parent_path(), failed})
    if (const auto name = entry.path().filename().string();
        (name.starts_with(left) && name != left + "lock"))
      doomed.push_back(entry.path());
  detail::remove_left_overs(file);
  doomed.push_back(file);
  for (const auto& path : doomed)
    if (!failed) std::filesystem::remove(path, failed);
  if (failed) return fail(Errc::io, doing, file.string(), failed.message());
  return {};
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> SealedLoginStore::open(
    const SealedLogins& logins, std::filesystem::path file, Environment environment) {
  const auto text = detail::read_login_file(file, environment);
  if (!text) return fail(text.error());
  const auto document = detail::parse_login_document(text->bytes.reveal(), file);
  if (!document) return fail(document.error());
  std::unique_ptr<SealedLoginStore> store{
      new SealedLoginStore{logins.directory(), std::move(environment), std::move(file)}};
  store->cli_ = detail::text_or_empty(*document, "cli");
  store->provider_ = detail::text_or_empty(*document, "provider");
  return std::unique_ptr<LoginStore>{std::move(store)};
}

CREDPOOL_INLINE Result<StoredLogin> SealedLoginStore::read() const {
  auto text = detail::read_login_file(file_, environment_);
  if (!text) return fail(text.error());
  auto opened = detail::open_login(text->bytes.reveal(), file_, directory_, environment_);
  if (!opened) return fail(opened.error());
  return StoredLogin{std::move(text->bytes), std::move(opened->login.tokens), text->facts.mode};
}

CREDPOOL_INLINE Result<Secret> SealedLoginStore::rewritten(const StoredLogin& current,
                                                           const GrantedTokens& granted,
                                                           TimePoint now) const {
  if (current.text.empty())
    return fail(Errc::unsupported, "keeping a refreshed login", file_.string(),
                "the login was erased meanwhile");
  if (!detail::is_own_token(granted.access_token, false) ||
      !detail::is_own_token(granted.refresh_token, true))
    return fail(Errc::malformed, "keeping a refreshed login", file_.string(),
                "the server granted a token that no header can hold");
  auto opened = detail::open_login(current.text.reveal(), file_, directory_, environment_);
  if (!opened) return fail(opened.error());
  auto& login = opened->login;
  login.tokens.access_token = granted.access_token;
  if (!granted.refresh_token.empty()) login.tokens.refresh_token = granted.refresh_token;
  login.tokens.lifetime = granted.lifetime;
  login.tokens.expires_at =
      granted.lifetime ? std::optional{now + *granted.lifetime} : std::nullopt;
  if (detail::is_record_text(granted.scope, 1, 2048)) login.scope = granted.scope;
  detail::write_login(opened->document, login);
  detail::seal_login(opened->document, login, opened->key);
  return Secret{detail::dump_json(opened->document, 2) + '\n'};
}

CREDPOOL_INLINE Result<std::unique_ptr<StoreLock>> SealedLoginStore::lock_exchange(Duration) {
  return std::unique_ptr<StoreLock>{};
}

CREDPOOL_INLINE Result<std::unique_ptr<StoreLock>> SealedLoginStore::lock_write(Duration) {
  return std::make_unique<detail::SealedWriteLock>();
}

CREDPOOL_INLINE Duration SealedLoginStore::advisory_window(Duration lifetime) const noexcept {
  constexpr Duration least{360'000}, most{900'000};
  const auto window = cli_.starts_with("kimi") ? std::max(least, lifetime / 10 * 6)
                                               : std::clamp(lifetime / 5, least, most);
  // A token that lives for minutes must not be due the moment it comes.
  return lifetime > Duration{0} ? std::min(window, lifetime / 10 * 8) : window;
}

CREDPOOL_INLINE Result<Secret> SealedLoginStore::protect(const Secret& bytes) const {
  if (auto started = detail::start_sodium(); !started) return fail(started.error());
  const auto key = detail::read_key(detail::key_place(directory_, environment_), environment_);
  if (!key) return fail(key.error());
  const auto text = detail::seal_bytes(bytes.reveal(), detail::login_journal_binding(file_), *key);
  return Secret{text.nonce + text.sealed};
}

CREDPOOL_INLINE Result<Secret> SealedLoginStore::unprotect(const Secret& bytes) const {
  if (auto started = detail::start_sodium(); !started) return fail(started.error());
  const auto key = detail::read_key(detail::key_place(directory_, environment_), environment_);
  if (!key) return fail(key.error());
  const auto split =
      std::min<std::size_t>(bytes.size(), crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  const detail::SealedText text{std::string{bytes.reveal().substr(0, split)},
                                std::string{bytes.reveal().substr(split)}};
  auto opened = detail::unseal_bytes(text, detail::login_journal_binding(file_), *key);
  if (!opened)
    return fail(Errc::malformed, "reading the journal of a login of our own", file_.string(),
                "it was sealed with another key, or changed after it was sealed");
  return std::move(*opened);
}

CREDPOOL_INLINE Result<std::vector<Credential>> SealedLoginSource::discover(
    const Environment& environment) const {
  const auto listed = logins_.list();
  if (!listed) return fail(listed.error());
  std::vector<Credential> found;
  for (const auto& [file, about] : *listed) {
    const auto place = file.string();
    if (!about) {
      auto credential =
          Credential::unusable(cli, provider, place, Reason::malformed, about.error().message());
      credential.profile_id = "own:" + file.stem().string();
      credential.ownership = Ownership::adopt;
      credential.places.push_back({place, {}});
      found.push_back(std::move(credential));
      continue;
    }
    auto credential =
        Credential::login(about->cli, about->provider, place, about->tokens.account_id);
    detail::describe_login(credential, *about, place);
    const auto store = SealedLoginStore::open(logins_, file, environment);
    const auto read = store ? (*store)->read() : Result<StoredLogin>{fail(store.error())};
    if (!read) {
      credential.status = Status::invalid;
      credential.reason = read.error().errc() == Errc::login_needed ? Reason::encrypted_elsewhere
                                                                    : Reason::unreadable;
      credential.detail = read.error().message();
    } else {
      credential.secret = read->tokens.access_token;
      credential.refresh_token = read->tokens.refresh_token;
      credential.expires_at = read->tokens.expires_at;
      if (credential.expires_at && !credential.refresh_token.empty())
        credential.refresh_at =
            *credential.expires_at -
            (*store)->advisory_window(read->tokens.lifetime.value_or(Duration{0}));
      if (credential.secret.empty()) credential.refresh_at = TimePoint{};
    }
    found.push_back(std::move(credential));
  }
  return found;
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> SealedLoginSource::login_store(
    const Credential& credential, const Environment& environment) const {
  const auto place = credential.places.empty()
                         ? std::filesystem::path{}
                         : std::filesystem::path{credential.places.front().location};
  if (place.parent_path() != logins_.directory().logins_directory())
    return fail(Errc::unsupported, "refreshing " + credential.profile_id, credential.cli,
                "it is no login of our own");
  return SealedLoginStore::open(logins_, place, environment);
}

}  // namespace credpool::inline CREDPOOL_ABI
