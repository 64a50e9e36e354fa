// SPDX-License-Identifier: MIT
#include "keep_key.hpp"

#include "cli_pool.hpp"
#include "history_notes.hpp"
#include "validator.hpp"

namespace credpool_cli {

namespace cp = credpool;

cp::Result<void> lend_from_now_on(const Session& session, const cp::Settings& settings,
                                  const cp::Credential& credential, bool found_good,
                                  std::string& warning) {
  auto opened = open_pool(session, StateUse::keep);
  if (!opened) return cp::fail(opened.error());
  if (auto imported = opened->pool->set_imported(credential.id.hex(), true); !imported)
    return imported;
  if (found_good) {
    if (auto noted =
            opened->pool->note_validation(credential.id, cp::Status::active, cp::Reason::none);
        !noted)
      return noted;
  }
  // It is kept and lent: that it is not on record is no reason to fail.
  if (auto noted = note_discovered(session, settings, {credential}); !noted)
    warning += (warning.empty() ? "" : "; ") + harmless(noted.error().message());
  return {};
}

cp::Result<Kept> keep_key(const Session& session, const KeyToKeep& key) {
  auto settings = settings_of(session);
  if (!settings) return cp::fail(settings.error());
  auto directory = open_state_directory(session, *settings);
  if (!directory) return cp::fail(directory.error());

  auto credential = cp::Credential::api_key(key.cli, key.provider, key.secret);
  credential.base_url = key.base_url;
  Kept kept;
  if (!key.no_validate) {
    const auto verdict = validate_one(session, *settings, credential);
    kept.validation = verdict.finding;
    if (verdict.finding == cp::Finding::rejected || verdict.finding == cp::Finding::expired)
      return cp::fail(
          cp::Errc::unauthorized, "importing a token", key.provider,
          "the provider says that it is not good (" + verdict.detail + "); nothing was kept");
    if (!cp::proves_good(verdict.finding))
      kept.warning = "the provider could not be asked (" + harmless(verdict.detail) +
                     "); the token is kept unverified";
  }

  cp::SecretRecord record;
  record.profile_id = key.provider + ":" + (key.profile.empty() ? "manual" : key.profile);
  record.cli = key.cli;
  record.provider = key.provider;
  record.secret = key.secret;
  record.created = session.now();
  record.base_url = key.base_url;
  cp::SealedFile store{*directory, session.environment()};
  if (auto sealed = store.put(record); !sealed) return cp::fail(sealed.error());
  credential.profile_id = record.profile_id;

  const bool found_good = kept.validation && cp::proves_good(*kept.validation);
  if (auto lent = lend_from_now_on(session, *settings, credential, found_good, kept.warning); !lent)
    return cp::fail(lent.error());
  kept.profile_id = record.profile_id;
  kept.id = credential.id.hex();
  kept.token_hash = credential.token_hash();
  kept.file = store.location();
  return kept;
}

void tell_kept_key(const Session& session, const Kept& kept) {
  if (!kept.warning.empty()) session.warn(kept.warning);
  if (session.options().json) {
    session.print_json(Json{
        {"profileId", kept.profile_id},
        {"id", kept.id},
        {"tokenHash", kept.token_hash},
        {"validation", kept.validation ? Json(cp::to_string(*kept.validation)) : Json(nullptr)}});
  } else {
    session.print("Kept as " + kept.profile_id + ", sealed in " +
                  short_path(kept.file.string(), session.environment()) + ".\n");
  }
}

int keep_key_and_tell(const Session& session, const KeyToKeep& key) {
  const auto kept = keep_key(session, key);
  if (!kept) {
    auto error = kept.error();
    if (error.errc() == cp::Errc::unauthorized)
      error.hint += ". --no-validate keeps it all the same";
    return session.fail(error);
  }
  tell_kept_key(session, *kept);
  return 0;
}

}  // namespace credpool_cli
