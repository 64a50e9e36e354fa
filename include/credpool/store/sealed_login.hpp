#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs libsodium. Not under the umbrella header.

#include <credpool/credential/credential.hpp>
#include <credpool/credential/login_store.hpp>
#include <credpool/credential/tokens.hpp>
#include <credpool/store/state_directory.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// A login that nobody but us has: its refresh token is a family of its own, which no CLI spends.
///
/// A plain record. All texts are UTF-8 without control characters.
struct OwnLogin {
  std::string profile_id;  ///< what names it: "kimi-code:own"; 1 to 256 bytes
  std::string cli;         ///< whose client it was made with, "kimi-code"; 1 to 64 bytes
  std::string provider;    ///< 1 to 64 bytes
  std::string oauth_host;  ///< origin of the server that refreshes it; empty: the provider's own
  std::string base_url;    ///< where it is used; empty: the provider's default
  std::string account;     ///< e-mail or account id, for a person; may be empty
  std::string scope;       ///< as granted, blanks between the scopes; may be empty
  TimePoint created{};     ///< when the person logged in
  StoredTokens tokens;     ///< at least one of the two; both empty in a listing
};

/// A file of SealedLogins: the login, or why it cannot be read.
struct ListedLogin {
  std::filesystem::path file;
  Result<OwnLogin> login;
};

/// Logins of our own, one file each: `logins/<name>.json` (0600) in the state directory.
///
/// A file shows what its login is about; both tokens are sealed together with the key of SealedFile
/// and bound to everything that decides who gets them (profile id, CLI, provider, OAuth host, base
/// URL, account, time of login), so that pointing a login at another host does not go unnoticed.
/// When it ends and its scope are not bound: they only tell when it is refreshed.
///
/// A new key is never made while anything lies sealed with an old one, be it here or in
/// secrets.json. Writers take turns by the lock that an exchange of the same login holds.
///
/// @thread_safety one object: caller serialises; several processes: safe
class SealedLogins {
 public:
  SealedLogins(StateDirectory directory, Environment environment);

  /// Keeps a login, or replaces the one of the same profile id.
  /// @errors invalid_argument naming the member; store_unwritable when the key does not fit what is
  ///         there already; busy when an exchange of that login runs; the errors of writing
  Result<void> put(const OwnLogin& login);

  /// @errors not_found; login_needed when the key is gone, is another one, or the file was changed
  ///         after it was sealed; malformed, unsupported (of a newer version); those of reading
  Result<OwnLogin> get(std::string_view profile_id) const;

  /// All logins without their tokens, by the names of their files. Needs no key.
  /// @errors permission_denied, io when the directory cannot be listed
  Result<std::vector<ListedLogin>> list() const;

  /// Removes a login and what a cut-off exchange left of it. Needs no key.
  /// @errors not_found; busy; those of removing files
  Result<void> erase(std::string_view profile_id);

  /// Where the login of that profile id is kept, whether it is there or not.
  std::filesystem::path file_of(std::string_view profile_id) const;

  const StateDirectory& directory() const noexcept { return directory_; }

 private:
  StateDirectory directory_;
  Environment environment_;
};

/// The login's file as an exchange works on it.
///
/// No CLI knows it, so there is nothing to lock besides our own lock. Its journal is sealed like
/// the file itself.
class SealedLoginStore final : public LoginStore {
 public:
  /// @param file of a login that is there; see SealedLogins::file_of()
  /// @errors not_found, malformed, unsupported and those of read_file()
  static Result<std::unique_ptr<LoginStore>> open(const SealedLogins& logins,
                                                  std::filesystem::path file,
                                                  Environment environment);

  std::string_view cli() const noexcept override { return cli_; }
  std::string_view provider() const noexcept override { return provider_; }
  const std::filesystem::path& file() const noexcept override { return file_; }

  /// @errors besides: login_needed when the key is gone or another one, or the file was changed
  Result<StoredLogin> read() const override;
  /// @errors malformed; unsupported when `current` has no text: a login of ours that is gone was
  ///         logged out, and is not made anew
  Result<Secret> rewritten(const StoredLogin& current, const GrantedTokens& granted,
                           TimePoint now) const override;
  Result<std::unique_ptr<StoreLock>> lock_exchange(Duration patience) override;
  Duration longest_hold() const noexcept override { return std::chrono::hours{1}; }
  Result<std::unique_ptr<StoreLock>> lock_write(Duration patience) override;
  /// A fifth of the life, between 360 s and 900 s; Kimi: 0.6 of it, at least 360 s. Never more than
  /// 0.8 of it.
  Duration advisory_window(Duration lifetime) const noexcept override;
  bool single_use() const noexcept override { return true; }
  Result<Secret> protect(const Secret& bytes) const override;
  Result<Secret> unprotect(const Secret& bytes) const override;

 private:
  SealedLoginStore(StateDirectory directory, Environment environment, std::filesystem::path file)
      : directory_{std::move(directory)},
        environment_{std::move(environment)},
        file_{std::move(file)} {}

  StateDirectory directory_;
  Environment environment_;
  std::filesystem::path file_;
  std::string cli_;
  std::string provider_;
};

/// The logins of our own, found like any other: a CredentialSource that also knows how to refresh
/// them. Each credential carries the CLI and the provider that it was made for, and is owned by us
/// alone.
class SealedLoginSource {
 public:
  static constexpr std::string_view cli = "own";
  static constexpr std::string_view provider = "any";

  explicit SealedLoginSource(SealedLogins logins) : logins_{std::move(logins)} {}

  /// @errors those of SealedLogins::list()
  Result<std::vector<Credential>> discover(const Environment& environment) const;

  /// @errors unsupported for a credential whose first place is none of our files; those of
  ///         SealedLoginStore::open()
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const;

 private:
  SealedLogins logins_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/sealed_login.ipp>
#endif
