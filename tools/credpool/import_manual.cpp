// SPDX-License-Identifier: MIT
// import-manual: a key that no CLI's store holds, kept sealed in ours.

#include "cli_pool.hpp"
#include "history_notes.hpp"
#include "prompt.hpp"
#include "validator.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>

#include <optional>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// The provider whose keys a CLI uses; empty for a CLI we do not know.
std::string provider_of_cli(const std::string& cli) {
  // Where a CLI's login and its API keys belong to different providers, a pasted key is an API key.
  if (cli == "qwen-cli") return "dashscope";
  if (cli == "gemini-cli") return "gemini";
  std::string provider;
  cp::AllSources{}.for_each([&](const auto& source) {
    using Source = std::remove_cvref_t<decltype(source)>;
    if (Source::cli == cli) provider = Source::provider;
  });
  return provider;
}

cp::Result<cp::Secret> secret_from(Session& session, const ImportManualOptions& options) {
  const int ways = (options.token.empty() ? 0 : 1) + (options.from_stdin ? 1 : 0) +
                   (options.file.empty() ? 0 : 1);
  if (ways > 1)
    return cp::fail(cp::Errc::invalid_argument, "importing a token", {},
                    "give it one way only: as an argument, with --stdin or with --file");
  if (!options.token.empty()) {
    session.warn(
        "the token stood on the command line, where every process of this machine could "
        "read it and your shell may remember it; next time leave it out and be asked");
    return cp::Secret{options.token};
  }
  if (options.from_stdin) return read_secret_from_stdin();
  if (!options.file.empty()) {
    auto file = cp::read_file(session.environment().expand(options.file), session.environment());
    if (!file) return cp::fail(file.error());
    auto text = file->bytes.reveal();
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    return cp::Secret{text};
  }
  return ask_hidden("Paste the key or token of " + options.cli + " (it stays hidden): ");
}

}  // namespace

int run_import_manual(Session& session, const ImportManualOptions& options) {
  const auto provider = options.provider.empty() ? provider_of_cli(options.cli) : options.provider;
  if (provider.empty())
    return session.fail({cp::Errc::invalid_argument, "importing a token", options.cli,
                         "this CLI is not known; `credpool scan` lists those that are, or name the "
                         "provider with --provider"});
  auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  auto directory = open_state_directory(session, *settings);
  if (!directory) return session.fail(directory.error());

  auto secret = secret_from(session, options);
  if (!secret) return session.fail(secret.error());
  if (!cp::is_safe_token(secret->reveal()))
    return session.fail(
        {cp::Errc::malformed, "importing a token", options.cli,
         "it has blanks, line breaks or characters that no token has: paste it again"});

  auto credential = cp::Credential::api_key(options.cli, provider, *secret);
  credential.base_url = options.base_url;
  std::optional<cp::Verdict> verdict;
  if (!options.no_validate) {
    verdict = validate_one(session, *settings, credential);
    const auto finding = verdict->finding;
    if (finding == cp::Finding::rejected || finding == cp::Finding::expired)
      return session.fail({cp::Errc::unauthorized, "importing a token", provider,
                           "the provider says that it is not good (" + verdict->detail +
                               "); nothing was kept. --no-validate keeps it all the same"});
    if (!cp::proves_good(finding))
      session.warn("the provider could not be asked (" + harmless(verdict->detail) +
                   "); the token is kept unverified");
  }

  cp::SecretRecord record;
  record.profile_id = provider + ":" + (options.profile.empty() ? "manual" : options.profile);
  record.cli = options.cli;
  record.provider = provider;
  record.secret = *secret;
  record.created = session.now();
  record.base_url = options.base_url;
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
