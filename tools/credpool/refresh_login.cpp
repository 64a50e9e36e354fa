// SPDX-License-Identifier: MIT
#include "refresh_login.hpp"

#include "login_standing.hpp"

#include <credpool/refresh/cli_command.hpp>

namespace credpool_cli {

namespace cp = credpool;

cp::Error cannot_refresh(const Refresher& refresher, const cp::Credential& credential) {
  const auto doing = "refreshing " + credential.profile_id;
  const auto no = [&](cp::Errc code, std::string hint) {
    return cp::Error{code, doing, credential.cli, std::move(hint)};
  };
  if (credential.kind != cp::Kind::oauth)
    return no(cp::Errc::unsupported, "it is a key, which does not end; `credpool import-manual " +
                                         credential.cli + "` replaces it");
  if (credential.refresh_token.empty())
    return no(cp::Errc::login_needed,
              "there is no refresh token; " + how_to_log_in(credential.cli));
  if (credential.ownership != cp::Ownership::borrow)
    return no(cp::Errc::unsupported, "its store is only read; " + how_to_log_in(credential.cli));
  auto ours = credential;
  ours.ownership = cp::Ownership::co_own;
  const bool could_be_ours = refresher.way_of(ours).has_value();
  return no(cp::Errc::unsupported,
            std::string{"it is borrowed: only its CLI spends its refresh token, and "} +
                (cp::cli_can_refresh(credential.cli) ? "that program is not on PATH"
                                                     : "no command makes it do so") +
                (could_be_ours ? "; --ownership co_own lets us do it; or " : "; ") +
                how_to_log_in(credential.cli));
}

cp::Result<RefreshWay> way_to_refresh(const Refresher& refresher, const cp::Credential& credential,
                                      const std::string& method) {
  const auto usual = refresher.way_of(credential);
  if (method == "cli-command") {
    auto borrowed = credential;
    borrowed.ownership = cp::Ownership::borrow;
    if (refresher.way_of(borrowed) == RefreshWay::cli_command) return RefreshWay::cli_command;
    return cp::fail(cp::Errc::unsupported, "refreshing " + credential.profile_id, credential.cli,
                    "no command of that CLI refreshes it, or the CLI is not on PATH");
  }
  if (!usual || (method == "oauth-refresh" && usual != RefreshWay::exchange))
    return cp::fail(cannot_refresh(refresher, credential));
  return *usual;
}

Json refreshed_json(const cp::Credential& credential,
                    const cp::Result<cp::ExchangeReport>& report) {
  Json entry{{"id", credential.id.hex()},
             {"profileId", credential.profile_id},
             {"cli", credential.cli},
             {"outcome", report ? Json(cp::to_string(report->outcome)) : Json(nullptr)}};
  if (report) {
    const auto& token = report->tokens.access_token;
    entry["expiresAt"] = time_json(report->tokens.expires_at);
    entry["tokenHash"] = token.empty() ? Json(nullptr) : Json(cp::token_hash(token.reveal()));
    entry["retryAt"] = time_json(report->retry_at);
    entry["note"] = harmless(report->note);
  } else {
    entry["error"] = {{"code", cp::to_string(report.error().errc())},
                      {"message", harmless(report.error().message())},
                      {"hint", harmless(report.error().hint)},
                      {"retryAt", time_json(report.error().retry_at)}};
  }
  return entry;
}

}  // namespace credpool_cli
