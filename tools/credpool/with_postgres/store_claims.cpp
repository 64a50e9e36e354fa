// SPDX-License-Identifier: MIT
#include "store_claims.hpp"

#include "libpq_on_demand.hpp"

#include <credpool/core/clock.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/store/postgres_claims.hpp>
#include <credpool/store/token_seal.hpp>

namespace credpool_cli {

namespace cp = credpool;

namespace {

class PostgresShared final : public SharedStore {
 public:
  PostgresShared(std::unique_ptr<cp::PostgresClaims> claims, cp::TokenSeal seal)
      : claims_{std::move(claims)}, seal_{std::move(seal)} {}

  cp::RefreshClaims& claims() noexcept override { return *claims_; }

  cp::Result<void> publish(std::string_view family, const cp::StoredTokens& tokens,
                           std::string_view host) override {
    if (tokens.access_token.empty() || tokens.refresh_token.empty() || !tokens.expires_at)
      return {};
    const auto sealed = seal_.seal(family, tokens.access_token, *tokens.expires_at);
    if (!sealed) return cp::fail(sealed.error());
    return claims_->publish(family, cp::token_hash(tokens.refresh_token.reveal()), host, *sealed,
                            *tokens.expires_at);
  }

  cp::Result<std::optional<LentToken>> fetch(std::string_view family) override {
    const auto shared = claims_->fetch(family);
    if (!shared) return cp::fail(shared.error());
    if (!*shared) return std::optional<LentToken>{};
    auto token = seal_.unseal(family, (*shared)->sealed, (*shared)->expires_at);
    if (!token) return cp::fail(token.error());
    return std::optional{LentToken{*token, (*shared)->expires_at, (*shared)->owner}};
  }

 private:
  std::unique_ptr<cp::PostgresClaims> claims_;
  cp::TokenSeal seal_;
};

}  // namespace

cp::Result<std::unique_ptr<SharedStore>> open_shared_store(const cp::Settings& settings,
                                                           const cp::StateDirectory& directory,
                                                           const cp::Environment& environment) {
  if (settings.store.empty()) return std::unique_ptr<SharedStore>{};
  if (auto loaded = need_libpq(); !loaded) return cp::fail(loaded.error());
  auto claims = cp::PostgresClaims::open(
      {.connection = cp::Secret{settings.store}, .now = [] { return cp::SystemClock{}.now(); }});
  if (!claims) return cp::fail(claims.error());
  return std::unique_ptr<SharedStore>{
      new PostgresShared{std::move(*claims), cp::TokenSeal{directory, environment}}};
}

}  // namespace credpool_cli
