#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/codex_cli.hpp>

#include <credpool/impl/core/toml.hpp>
#include <credpool/impl/source/codex_login_store.hpp>
#include <credpool/impl/source/codex_store.hpp>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// Where codex was told to keep its login: cli_auth_credentials_store.
enum class CodexStore { file, keyring, automatic, ephemeral, unknown };

struct CodexConfig {
  CodexStore store = CodexStore::file;
  std::string chatgpt_base_url;
  std::string openai_base_url;
  std::optional<Error> failure;  ///< codex itself does not start with such a file
};

inline CodexConfig read_codex_config(const std::filesystem::path& path,
                                     const Environment& environment) {
  CodexConfig config;
  const auto file = read_store(path, environment, config_file_rules);
  config.failure = file.failure;
  if (!file.text) return config;
  const auto table = parse_toml(file.text->bytes.reveal());
  if (!table) {
    config.failure = table.error();
    return config;
  }
  config.chatgpt_base_url = (*table)["chatgpt_base_url"].value_or(std::string{});
  config.openai_base_url = (*table)["openai_base_url"].value_or(std::string{});
  if (const auto* node = table->get("cli_auth_credentials_store")) {
    const auto name = node->value_exact<std::string>().value_or("");
    config.store = name == "file"        ? CodexStore::file
                   : name == "keyring"   ? CodexStore::keyring
                   : name == "auto"      ? CodexStore::automatic
                   : name == "ephemeral" ? CodexStore::ephemeral
                                         : CodexStore::unknown;
    if (config.store == CodexStore::unknown)
      config.failure = Error{Errc::configuration, "reading the configuration of codex",
                             path.string() + "#cli_auth_credentials_store",
                             "use file, keyring, auto or ephemeral"};
  }
  return config;
}

/// The API key of auth.json, or why there is none.
inline Credential codex_key(const Json& auth, const std::string& path) {
  const auto key = text_or_empty(auth, "OPENAI_API_KEY");
  if (key.empty()) {
    const auto* value = member(auth, "OPENAI_API_KEY");
    const bool wrong_type = value != nullptr && !value->is_null() && !value->is_string();
    auto missing = Credential::unusable(
        CodexCli::cli, CodexCli::provider, path,
        wrong_type ? Reason::malformed : Reason::signed_out,
        wrong_type ? "OPENAI_API_KEY is not a string; run codex login"
                   : "the mode is apikey and there is no OPENAI_API_KEY; run codex login");
    missing.kind = Kind::api_key;
    return missing;
  }
  auto credential = Credential::api_key(CodexCli::cli, CodexCli::provider, Secret{key});
  set_secret(credential, key);
  credential.profile_id = "openai:codex-api-key";
  return credential;
}

/// A personal access token: it works until it is revoked.
inline Credential codex_access_token(const Json& auth, const std::string& path) {
  const auto token = text_or_empty(auth, "personal_access_token");
  if (token.empty()) {
    auto missing = Credential::unusable(
        CodexCli::cli, CodexCli::provider, path, Reason::malformed,
        "the mode is personalAccessToken and there is none; run codex login --with-access-token");
    missing.kind = Kind::token;
    return missing;
  }
  auto credential = Credential::bearer_token(CodexCli::cli, CodexCli::provider, Secret{token});
  set_secret(credential, token);
  credential.profile_id = "openai:codex-access-token";
  return credential;
}

/// Something that only codex itself can use.
inline Credential codex_only(Kind kind, const std::string& path, std::string detail) {
  auto credential = Credential::unusable(CodexCli::cli, CodexCli::provider, path,
                                         Reason::unknown_mode, std::move(detail));
  credential.kind = kind;
  return credential;
}

/// Everything that one auth.json holds: first what codex uses, then what else stands there.
inline std::vector<Credential> read_codex_auth(const Json& auth, const std::string& path) {
  const auto mode = codex_mode(auth);
  if (mode == CodexMode::unknown)
    return {
        codex_only(Kind::oauth, path,
                   "auth_mode is none that this version knows; codex 0.169 refuses the file too, "
                   "a newer one may not")};
  const auto* tokens = member(auth, "tokens");
  const bool login_first = mode == CodexMode::chatgpt || mode == CodexMode::chatgpt_in_memory;
  const bool key_first = mode == CodexMode::api_key;
  const bool token_first = mode == CodexMode::access_token;
  std::vector<Credential> found;
  if (login_first) found.push_back(codex_login(auth, mode, path));
  if (key_first) found.push_back(codex_key(auth, path));
  if (token_first) found.push_back(codex_access_token(auth, path));
  if (mode == CodexMode::agent)
    found.push_back(codex_only(Kind::token, path,
                               "an agent identity: codex signs requests with it, it is no token"));
  if (mode == CodexMode::bedrock)
    found.push_back(codex_only(Kind::api_key, path, "keys for Amazon Bedrock are not lent"));

  const auto also = [&found](Credential credential) {
    if (credential.detail.empty())
      credential.detail = "codex does not use it: another login in the same file comes first";
    found.push_back(std::move(credential));
  };
  if (!login_first && tokens != nullptr && !tokens->is_null()) also(codex_login(auth, mode, path));
  if (!key_first && !text_or_empty(auth, "OPENAI_API_KEY").empty()) also(codex_key(auth, path));
  if (!token_first && !text_or_empty(auth, "personal_access_token").empty())
    also(codex_access_token(auth, path));
  return found;
}

/// The login that codex keeps in the system's keyring.
inline Credential codex_keyring_login(const std::filesystem::path& home) {
  std::error_code failed;
  const auto canonical = std::filesystem::weakly_canonical(home, failed);
  const auto account = codex_keyring_account(failed ? home : canonical);
  auto login = Credential::unusable(CodexCli::cli, CodexCli::provider, "keyring:" + account,
                                    Reason::in_keyring,
                                    "kept in the system's keyring (service Codex Auth, account " +
                                        account + "), which is not read here");
  Place place{"keyring:Codex Auth", account};
  place.cli = CodexCli::cli;
  login.places.push_back(std::move(place));
  return login;
}

/// What config.toml says about the file that was read: nothing, a warning, or a remark.
inline void apply_codex_config(const CodexConfig& config, std::vector<Credential>& found) {
  for (auto& credential : found) {
    if (config.failure)
      credential.places.front().warnings.push_back("codex does not start: " +
                                                   config.failure->message());
    if (config.store == CodexStore::keyring || config.store == CodexStore::ephemeral)
      credential.places.front().warnings.push_back(
          "codex does not read this file: config.toml sets cli_auth_credentials_store");
    credential.base_url =
        credential.kind == Kind::api_key ? config.openai_base_url : config.chatgpt_base_url;
  }
}

}  // namespace detail

CREDPOOL_INLINE std::string codex_keyring_account(const std::filesystem::path& home) {
  return "cli|" + to_hex(sha256(home.native())).substr(0, 16);
}

CREDPOOL_INLINE std::vector<std::filesystem::path> CodexCli::locations(
    const Environment& environment) const {
  const auto home = environment.directory("CODEX_HOME", ".codex");
  if (!home) return {};
  return {*home / "auth.json", *home / "config.toml"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> CodexCli::discover(
    const Environment& environment) const {
  const auto home = environment.directory("CODEX_HOME", ".codex");
  if (!home) return fail(home.error());
  const auto path = *home / "auth.json";
  const auto config_path = *home / "config.toml";
  const auto config = detail::read_codex_config(config_path, environment);
  const auto file = read_store(path, environment);

  std::vector<Credential> found;
  if (file.failure) found.push_back(unusable_store(cli, provider, path, *file.failure));
  if (file.text) {
    auto auth = detail::parse_json(file.text->bytes.reveal());
    if (auth && !auth->is_object())
      auth = fail(Errc::malformed, "reading the login of codex", {},
                  "it is not an object; run codex login");
    if (auth) {
      found = detail::read_codex_auth(*auth, path.string());
    } else {
      found.push_back(Credential::login(cli, provider, path.string()));
      mark_unusable(found.back(), auth.error());
    }
    for (auto& credential : found) credential.places.push_back(place_of(file.text->facts, cli));
  }
  detail::apply_codex_config(config, found);

  const bool keyring_first = config.store == detail::CodexStore::keyring ||
                             (config.store == detail::CodexStore::automatic && file.missing());
  if (keyring_first) found.insert(found.begin(), detail::codex_keyring_login(*home));
  if (config.failure && file.missing())
    found.push_back(unusable_store(cli, provider, config_path, *config.failure));
  return found;
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> CodexCli::login_store(
    const Credential& credential, const Environment& environment) const {
  const auto home = environment.directory("CODEX_HOME", ".codex");
  if (!home) return fail(home.error());
  return detail::file_login_store<detail::CodexLoginStore>(credential, environment,
                                                           {cli, *home, "auth.json"});
}

}  // namespace credpool::inline CREDPOOL_ABI
