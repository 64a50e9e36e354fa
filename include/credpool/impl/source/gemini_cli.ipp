#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/gemini_cli.hpp>

#include <credpool/impl/source/dotenv_keys.hpp>
#include <credpool/impl/source/gemini_login_store.hpp>
#include <credpool/impl/source/gemini_store.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Result<std::filesystem::path> gemini_home(const Environment& environment) {
  if (const auto moved = environment.variable("GEMINI_CLI_HOME")) return environment.expand(*moved);
  return environment.home();
}

inline std::vector<std::filesystem::path> gemini_dotenv_files(const Environment& environment) {
  std::vector<std::filesystem::path> user_files;
  if (const auto home = gemini_home(environment))
    user_files = {*home / ".gemini/.env", *home / ".env"};
  auto files = nearest_dotenv_files(environment, ".gemini", {}, user_files);
  // The CLI reads one .env file only, the nearest.
  const auto read = std::find_if(files.begin(), files.end(),
                                 [&](const auto& path) { return environment.exists(path); });
  if (read != files.end()) files.erase(read + 1, files.end());
  return files;
}

/// What settings.json and google_accounts.json say; every part may be missing.
struct GeminiLabels {
  std::string selected_type;  ///< security.auth.selectedType
  std::optional<FileFacts> settings;
  std::string account;  ///< the active account's e-mail
  bool broken_accounts = false;
};

inline GeminiLabels read_gemini_labels(const std::filesystem::path& folder,
                                       const Environment& environment,
                                       std::vector<Credential>& found) {
  GeminiLabels labels;
  const auto settings_path = folder / "settings.json";
  const auto settings = read_store(settings_path, environment, config_file_rules);
  if (settings.failure)
    found.push_back(unusable_store(GeminiCli::cli, "gemini", settings_path, *settings.failure));
  if (settings.text) {
    const auto document = parse_json(settings.text->bytes.reveal(), {.allow_comments = true});
    if (!document)
      found.push_back(unusable_store(GeminiCli::cli, "gemini", settings_path, document.error()));
    const auto* security = document ? member(*document, "security") : nullptr;
    const auto* auth = security == nullptr ? nullptr : member(*security, "auth");
    if (auth != nullptr) labels.selected_type = text_or_empty(*auth, "selectedType");
    labels.settings = settings.text->facts;
  }
  const auto accounts = read_store(folder / "google_accounts.json", environment, config_file_rules);
  if (accounts.text) {
    const auto document = parse_json(accounts.text->bytes.reveal());
    labels.broken_accounts = !document || !document->is_object();
    if (document) labels.account = text_or_empty(*document, "active");
  }
  return labels;
}

inline Credential unusable_gemini_store(const std::filesystem::path& path, const Error& error) {
  auto credential = unusable_store(GeminiCli::cli, GeminiCli::provider, path, error);
  if (error.code == Errc::unsupported) credential.reason = Reason::encrypted_elsewhere;
  credential.profile_id = std::string{GeminiCli::provider} + ":stored";
  return credential;
}

/// Appends what the encrypted store holds, without opening it when that is known.
inline void add_gemini_encrypted(const std::filesystem::path& path, const Environment& environment,
                                 OpenedStores* opened, std::vector<Credential>& found) {
  const auto unusable = [&](const Error& error) {
    found.push_back(unusable_gemini_store(path, error));
  };
  // Logins of MCP servers stand in it too, so it may be larger than a login.
  const auto file = read_store(path, environment, {config_file_rules.max_bytes, true, true});
  if (file.failure) return unusable(*file.failure);
  if (!file.text) return;
  const auto cipher = parse_gemini_cipher(file.text->bytes.reveal());
  if (!cipher) return unusable(cipher.error());
  // All that decides what is found in it: its bytes, its key, and where it lies, which names it.
  const auto& facts = file.text->facts;
  const auto store = sha256_of_parts({"credpool opened store", GeminiCli::cli, path.string(),
                                      environment.host_name(), environment.user_name(),
                                      file.text->bytes.reveal()});
  const auto before = found.size();
  if (auto known = opened == nullptr ? std::nullopt : opened->recall(store)) {
    found.insert(found.end(), known->begin(), known->end());
  } else {
    const auto key = derive_gemini_key(environment.host_name(), environment.user_name());
    if (!key) return unusable(key.error());
    if (const auto decrypted = decrypt_gemini_store(*cipher, *key)) {
      add_gemini_stored(facts, decrypted->reveal(), found);
    } else {
      unusable(decrypted.error());
    }
    if (opened != nullptr) opened->note(store, std::span{found}.subspan(before));
  }
  // The file as it is now, whatever is known of its bytes.
  for (auto i = before; i < found.size(); ++i)
    for (auto& place : found[i].places) place = place_of(facts, GeminiCli::cli, place.pointer);
}

/// What the settings say is used, and is nowhere to be seen.
inline std::optional<Credential> missing_gemini_login(const GeminiLabels& labels, bool encrypted,
                                                      const std::vector<Credential>& found) {
  const bool wants_login = labels.selected_type == "oauth-personal";
  if (!wants_login && labels.selected_type != "gemini-api-key") return std::nullopt;
  const std::string_view provider = wants_login ? GeminiCli::provider : std::string_view{"gemini"};
  const bool there = std::any_of(found.begin(), found.end(), [&](const Credential& one) {
    // An encrypted store that cannot be opened may hold either.
    return one.provider == provider || one.reason == Reason::encrypted_elsewhere;
  });
  if (there) return std::nullopt;
  // A key typed into the CLI goes to the keyring, and to the encrypted file only without one.
  const bool keyring = encrypted || !wants_login;
  auto missing = Credential::unusable(
      GeminiCli::cli, provider, labels.settings->path.string(),
      keyring ? Reason::in_keyring : Reason::signed_out,
      "the settings select " + labels.selected_type + "; " +
          (keyring ? "it may stand in the system's keyring, which is not readable here"
                   : "no login is stored: log in again"));
  missing.kind = wants_login ? Kind::oauth : Kind::api_key;
  missing.places.push_back(
      place_of(*labels.settings, GeminiCli::cli, "/security/auth/selectedType"));
  return missing;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> GeminiCli::locations(
    const Environment& environment) const {
  const auto home = detail::gemini_home(environment);
  if (!home) return {};
  const auto folder = *home / ".gemini";
  std::vector<std::filesystem::path> files{
      folder / "oauth_creds.json", folder / "gemini-credentials.json", folder / "settings.json"};
  for (auto& path : detail::gemini_dotenv_files(environment)) files.push_back(std::move(path));
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> GeminiCli::discover(const Environment& environment,
                                                                    OpenedStores* opened) const {
  const auto home = detail::gemini_home(environment);
  if (!home) return fail(home.error());
  const auto folder = *home / ".gemini";
  const bool encrypted = environment.variable("GEMINI_FORCE_ENCRYPTED_FILE_STORAGE") == "true";
  std::vector<Credential> found;

  const auto login_path = folder / "oauth_creds.json";
  const auto login = read_store(login_path, environment);
  if (login.failure) found.push_back(unusable_store(cli, provider, login_path, *login.failure));
  if (login.text) found.push_back(detail::read_gemini_login(login_path, *login.text));
  const auto plain_logins = found.size();
  detail::add_gemini_encrypted(folder / "gemini-credentials.json", environment, opened, found);

  const auto stored_logins = std::count_if(
      found.begin(), found.end(), [](const auto& one) { return one.provider == provider; });
  const auto stored = found.size();
  const auto labels = detail::read_gemini_labels(folder, environment, found);
  for (std::size_t i = 0; i < stored; ++i) {
    auto& credential = found[i];
    if (credential.provider != provider || credential.status != Status::active) continue;
    if (!labels.account.empty()) credential.account = labels.account;
    if (labels.broken_accounts) credential.detail += "; google_accounts.json is malformed";
    const bool is_plain = i < plain_logins;
    if (stored_logins > 1 && is_plain == encrypted)
      credential.detail += "; the CLI uses its other login";
  }

  for (const auto& path : detail::gemini_dotenv_files(environment))
    detail::add_dotenv_keys({.cli = cli,
                             .provider = "gemini",
                             .reader = cli,
                             .shared = detail::is_shared_dotenv(path, ".gemini")},
                            path, environment, found);
  const bool key_in_environment = environment.variable("GEMINI_API_KEY").has_value();
  if (auto missing = detail::missing_gemini_login(labels, encrypted, found);
      missing && !(missing->provider == "gemini" && key_in_environment))
    found.push_back(std::move(*missing));
  merge_same_tokens(found);
  return found;
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> GeminiCli::login_store(
    const Credential& credential, const Environment& environment) const {
  const auto home = detail::gemini_home(environment);
  if (!home) return fail(home.error());
  return detail::file_login_store<detail::GeminiLoginStore>(
      credential, environment, {cli, *home / ".gemini", "oauth_creds.json"});
}

}  // namespace credpool::inline CREDPOOL_ABI
