#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/hash.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/core/time.hpp>
#include <credpool/credential/kind.hpp>
#include <credpool/credential/quota.hpp>
#include <credpool/credential/reason.hpp>

#include <compare>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What a credential is called in state files and on the wire: a hash, so that it tells nothing.
///
/// It stays the same over a token refresh: a key is named by itself, a login by its provider, its
/// store and (where the store tells) its account.
class CredentialId {
 public:
  CredentialId() noexcept = default;
  explicit CredentialId(const Digest& digest) noexcept : digest_{digest} {}

  const Digest& digest() const noexcept { return digest_; }
  /// 64 hexadecimal digits.
  std::string hex() const { return to_hex(digest_); }
  /// The first 12 hexadecimal digits: what a person types.
  std::string short_hex() const { return hex().substr(0, 12); }

  friend auto operator<=>(const CredentialId&, const CredentialId&) noexcept = default;

 private:
  Digest digest_{};
};

/// One place where a credential was found.
struct Place {
  std::string location;  ///< a path, or "env:NAME"
  std::string pointer;   ///< where inside the file (JSON pointer, TOML key, variable); may be empty
  std::vector<std::string> warnings = {};  ///< for a person, each with the command that mends it
  /// The CLI of the source that found it there.
  std::string cli = {};
  /// Not that CLI's own, such as a project's .env file, which any program may read: the claim of a
  /// source that owns the place goes before.
  bool shared = false;
};

/// A login or key of one account, as a source found it, with the truth about its state.
///
/// A plain record: sources fill it, everything else reads it. Sources do not know the time; what
/// depends on it is computed by status_at() and reason_at().
struct Credential {
  CredentialId id;
  std::string cli;         ///< "kimi-cli", "codex-cli", ..., "env"
  std::string provider;    ///< "kimi-code", "openai", ...
  std::string profile_id;  ///< "<provider>:default" or "<provider>:<label>"; unique within one scan
  Kind kind = Kind::api_key;
  Ownership ownership = Ownership::borrow;
  std::vector<Place> places;  ///< never empty; the first one is where it is read from

  Secret secret;         ///< access token, key or token; empty when there is none to lend
  Secret refresh_token;  ///< empty when there is none

  /// What is known of tokens that were not read this time, since nothing has changed (see
  /// OpenedStores, DiscoveryMemo). Who has it can show the credential, not lend or refresh it.
  struct Unread {
    std::string token_hash = {};
    bool secret = false;         ///< the store holds one
    bool refresh_token = false;  ///< the store holds one
  };
  std::optional<Unread> unread;  ///< none: `secret` and `refresh_token` are what the store holds

  std::optional<TimePoint> expires_at;  ///< end of the access token; none: never, or not told
  std::optional<TimePoint> refresh_at;  ///< from when its CLI would refresh it; none: it would not
  std::optional<TimePoint> refresh_expires_at;  ///< end of the refresh token; none: not told

  std::string base_url;    ///< where the store says to use it; empty: the provider's default
  std::string oauth_host;  ///< origin of the server that refreshes it, where the store tells;
                           ///< empty: the provider's default
  std::string account;     ///< e-mail or account id, for a person; may be empty
  std::string account_id;  ///< sent with requests where the provider wants it (codex); may be empty
  std::string plan;        ///< subscription or tier, as the store spells it; may be empty
  std::vector<std::string> scopes;
  std::vector<QuotaWindow> quotas;  ///< as of the last validation; empty when not known
  int priority = 0;  ///< of its source, from the configuration; a lower number is used first

  /// A standing verdict that does not depend on the time; Status::active when there is none.
  Status status = Status::active;
  Reason reason = Reason::none;
  std::string detail;  ///< one sentence for a person; never a secret; may be empty

  /// "sha256:<hex>" of the secret (of the refresh token when there is no secret); empty when
  /// neither is there. Differs after every refresh, unlike the id.
  std::string token_hash() const;

  /// What can be shown of its tokens.
  Unread known_tokens() const;

  /// Whether its store holds an access token, key or token.
  bool has_secret() const noexcept { return !secret.empty() || (unread && unread->secret); }
  /// Whether its store holds a refresh token.
  bool has_refresh_token() const noexcept {
    return !refresh_token.empty() || (unread && unread->refresh_token);
  }

  /// How it stands at that time.
  Status status_at(TimePoint now) const noexcept;
  /// Why; Reason::none when there is nothing to say.
  Reason reason_at(TimePoint now) const noexcept;
  /// When status_at() and reason_at() may give another answer than at that time; none: never.
  std::optional<TimePoint> next_change(TimePoint now) const noexcept;
  /// Whether it may be lent at that time (the pool asks more than this), once its tokens are read.
  bool usable_at(TimePoint now) const noexcept;
  /// Whether it holds a refresh token that is not known to have ended.
  bool can_refresh_at(TimePoint now) const noexcept {
    return has_refresh_token() && !(refresh_expires_at && *refresh_expires_at <= now);
  }
  /// Whether its CLI would refresh it at that time.
  bool refresh_due(TimePoint now) const noexcept { return refresh_at && *refresh_at <= now; }

  /// A key, named by itself: the same key found anywhere is the same credential.
  static Credential api_key(std::string_view cli, std::string_view provider, Secret key);
  /// The same for a bearer token that cannot be refreshed.
  static Credential bearer_token(std::string_view cli, std::string_view provider, Secret token);
  /// A login, named by its provider, its store and its account.
  /// @param store   what tells this store from others of the same CLI: its path or slot
  /// @param account the account id where the store tells; empty otherwise
  static Credential login(std::string_view cli, std::string_view provider, std::string_view store,
                          std::string_view account = {});
  /// Something that was found and cannot be used, so that it is listed and not passed over.
  static Credential unusable(std::string_view cli, std::string_view provider,
                             std::string_view store, Reason reason, std::string detail);
};

/// A time as the stores write it, whatever the unit: below 10^11 seconds, from there milliseconds.
/// @return none for NaN, infinities and times outside the years 1970 to 9999
std::optional<TimePoint> time_from_epoch(double value) noexcept;

/// Joins what several sources found: the same token in two places is one credential with two
/// places, in the state of the first place that is not broken. The order of first appearance is
/// kept, and profile ids are made unique.
void merge_same_tokens(std::vector<Credential>& credentials);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/credential/credential.ipp>
#endif
