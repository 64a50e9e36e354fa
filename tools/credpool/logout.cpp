// SPDX-License-Identifier: MIT
// logout: removes what lies in our own store, and nothing else.

#include "cli_pool.hpp"
#include "prompt.hpp"

#include <credpool/refresh/login_providers.hpp>

#include <optional>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// Where in our own store something is kept.
struct KeptByUs {
  bool is_key;
  std::string profile_id;  ///< under which it is kept; a scan may have to call it otherwise
};

/// Only what lies in our own store is ours to remove, whatever the configuration says about it.
std::optional<KeptByUs> kept_by_us(const cp::StateDirectory& directory, const Session& session,
                                   const cp::Credential& credential) {
  if (credential.places.empty()) return std::nullopt;
  const auto& place = credential.places.front();
  if (place.location == cp::SealedFile{directory, session.environment()}.location())
    return KeptByUs{true, place.pointer};
  const auto logins = cp::SealedLogins{directory, session.environment()}.list();
  if (!logins) return std::nullopt;
  for (const auto& each : *logins)
    if (each.file == place.location)
      return KeptByUs{false, each.login ? each.login->profile_id : credential.profile_id};
  return std::nullopt;
}

}  // namespace

int run_logout(Session& session, const LogoutOptions& options) {
  auto opened = open_pool(session, StateUse::look);
  if (!opened) return session.fail(opened.error());
  const auto found = opened->pool->find(options.name);
  if (!found) return session.fail(found.error());
  const auto& credential = **found;
  const auto* login = cp::find_login_provider(credential.cli);
  const auto kept = opened->directory ? kept_by_us(*opened->directory, session, credential)
                                      : std::optional<KeptByUs>{};
  if (!kept)
    return session.fail(
        {cp::Errc::unsupported, "logging out of " + credential.profile_id, credential.cli,
         "it belongs to its CLI, and logging out there may end every copy of it; "
         "do it with " +
             (login != nullptr && !login->command.empty() ? std::string{login->cli} + " itself"
                                                          : credential.cli)});
  if (!options.yes) {
    const auto agreed = confirm("Remove " + credential.profile_id + " from our own store? (y/N)");
    if (!agreed) return session.fail(agreed.error());
    if (!*agreed) return 1;
  }
  cp::SealedFile secrets{*opened->directory, session.environment()};
  cp::SealedLogins logins{*opened->directory, session.environment()};
  if (auto removed =
          kept->is_key ? secrets.erase(kept->profile_id) : logins.erase(kept->profile_id);
      !removed)
    return session.fail(removed.error());
  if (session.options().json)
    session.print_json(Json{{"removed", credential.id.hex()}});
  else
    session.print("Removed " + credential.profile_id + " from our own store.\n");
  return 0;
}

}  // namespace credpool_cli
