// SPDX-License-Identifier: MIT
#include "keep_key.hpp"

#include "cli_pool.hpp"
#include "history_notes.hpp"
#include "validator.hpp"

#include <optional>

namespace credpool_cli {

namespace cp = credpool;

int keep_key(Session& session, const KeyToKeep& key) {
  auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  auto directory = open_state_directory(session, *settings);
  if (!directory) return session.fail(directory.error());

  auto credential = cp::Credential::api_key(key.cli, key.provider, key.secret);
  credential.base_url = key.base_url;
  std::optional<cp::Verdict> verdict;
  if (!key.no_validate) {
    verdict = validate_one(session, *settings, credential);
    const auto finding = verdict->finding;
    if (finding == cp::Finding::rejected || finding == cp::Finding::expired)
      return session.fail({cp::Errc::unauthorized, "importing a token", key.provider,
                           "the provider says that it is not good (" + verdict->detail +
                               "); nothing was kept. --no-validate keeps it all the same"});
    if (!cp::proves_good(finding))
      session.warn("the provider could not be asked (" + harmless(verdict->detail) +
                   "); the token is kept unverified");
  }

  cp::SecretRecord record;
  record.profile_id = key.provider + ":" + (key.profile.empty() ? "manual" : key.profile);
  record.cli = key.cli;
  record.provider = key.provider;
  record.secret = key.secret;
  record.created = session.now();
  record.base_url = key.base_url;
  cp::SealedFile store{*directory, session.environment()};
  if (auto kept = store.put(record); !kept) return session.fail(kept.error());
  credential.profile_id = record.profile_id;

  auto opened = open_pool(session, StateUse::keep);
  if (!opened) return session.fail(opened.error());
  if (auto imported = opened->pool->set_imported(credential.id.hex(), true); !imported)
    return session.fail(imported.error());
  if (verdict && cp::proves_good(verdict->finding)) {
    if (auto noted =
            opened->pool->note_validation(credential.id, cp::Status::active, cp::Reason::none);
        !noted)
      return session.fail(noted.error());
  }
  if (auto noted = note_discovered(session, *settings, {credential}); !noted)
    return session.fail(noted.error());

  if (session.options().json) {
    session.print_json(
        Json{{"profileId", record.profile_id},
             {"id", credential.id.hex()},
             {"tokenHash", credential.token_hash()},
             {"validation", verdict ? Json(cp::to_string(verdict->finding)) : Json(nullptr)}});
  } else {
    session.print("Kept as " + record.profile_id + ", sealed in " +
                  short_path(store.location(), session.environment()) + ".\n");
  }
  return 0;
}

}  // namespace credpool_cli
