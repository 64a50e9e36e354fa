// SPDX-License-Identifier: MIT
#include "demo_world.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/iso8601.hpp>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <chrono>
#include <memory>

#include <sys/stat.h>

namespace credpool_cli {

namespace cp = credpool;
using Json = nlohmann::ordered_json;

namespace {

long long seconds_of(cp::TimePoint when) {
  return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}
long long milliseconds_of(cp::TimePoint when) {
  return when.time_since_epoch().count();
}

/// An unsigned token with the claims that codex stores.
std::string made_up_jwt(cp::TimePoint expires, const std::string& account,
                        const std::string& email) {
  const Json header{{"alg", "RS256"}, {"typ", "JWT"}};
  const Json claims{{"exp", seconds_of(expires)},
                    {"email", email},
                    {"https://api.openai.com/auth",
                     {{"chatgpt_account_id", account}, {"chatgpt_plan_type", "plus"}}}};
  return cp::encode_base64url(header.dump()) + "." + cp::encode_base64url(claims.dump()) + "." +
         cp::encode_base64url("made up");
}

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

struct SealedText {
  std::array<unsigned char, 12> iv{};
  std::array<unsigned char, 16> tag{};
  std::string text;
};

cp::Result<SealedText> seal_aes_256_gcm(const std::array<unsigned char, 32>& key,
                                        const std::string& text) {
  SealedText sealed;
  sealed.text.resize(text.size());
  auto* out = reinterpret_cast<unsigned char*>(sealed.text.data());
  int length = 0;
  const std::unique_ptr<EVP_CIPHER_CTX, CipherFree> context{EVP_CIPHER_CTX_new()};
  if (!context || RAND_bytes(sealed.iv.data(), static_cast<int>(sealed.iv.size())) != 1 ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), sealed.iv.data()) !=
          1 ||
      EVP_EncryptUpdate(context.get(), out, &length,
                        reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), out + length, &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(sealed.tag.size()),
                          sealed.tag.data()) != 1)
    return cp::fail(cp::Errc::io, "encrypting a store of the demo");
  return sealed;
}

template <class Bytes> std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The encrypted store of gemini-cli, for this host and user: "iv:tag:ciphertext" in hexadecimal.
/// @source gemini-cli 0.61.0, services/fileKeychain.ts
cp::Result<std::string> gemini_encrypted_store(const cp::Environment& environment,
                                               const std::string& text) {
  const std::string salt = environment.host_name() + "-" + environment.user_name() + "-gemini-cli";
  const std::string password = "gemini-cli-oauth";
  std::array<unsigned char, 32> key{};
  if (EVP_PBE_scrypt(password.data(), password.size(),
                     reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), 16384, 8, 1,
                     64UL * 1024 * 1024, key.data(), key.size()) != 1)
    return cp::fail(cp::Errc::io, "encrypting a store of the demo");
  const auto sealed = seal_aes_256_gcm(key, text);
  if (!sealed) return cp::fail(sealed.error());
  return cp::to_hex(text_of(sealed->iv)) + ":" + cp::to_hex(text_of(sealed->tag)) + ":" +
         cp::to_hex(sealed->text);
}

/// Writes files below one directory, each 0600 unless told otherwise; the first failure stays.
class Writer {
 public:
  explicit Writer(std::filesystem::path root) : root_{std::move(root)} {}

  void file(const std::string& relative, const std::string& text, mode_t mode = 0600) {
    if (!result_) return;
    const auto path = root_ / relative;
    result_ = cp::make_private_directory(path.parent_path());
    if (result_) result_ = cp::replace_file(path, text, mode);
  }
  void json(const std::string& relative, const Json& document, mode_t mode = 0600) {
    file(relative, document.dump(2) + "\n", mode);
  }

  cp::Result<void> result() const { return result_; }

 private:
  std::filesystem::path root_;
  cp::Result<void> result_;
};

Json kimi_login(const std::string& name, cp::TimePoint expires) {
  return {{"access_token", "demo-kimi-" + name + "-access"},
          {"refresh_token", "demo-kimi-" + name + "-refresh"},
          {"expires_at", seconds_of(expires)},
          {"scope", "kimi-code"},
          {"token_type", "Bearer"},
          {"expires_in", 900}};
}

void write_kimi(Writer& home, cp::TimePoint now) {
  using namespace std::chrono_literals;
  home.json(".kimi/credentials/kimi-code.json", kimi_login("valid", now + 14min));
  home.file(
      ".kimi/config.toml",
      "default_model = \"kimi-code/kimi-for-coding\"\n\n"
      "[providers.\"managed:kimi-code\"]\ntype = \"kimi\"\n"
      "base_url = \"https://api.kimi.com/coding/v1\"\napi_key = \"\"\n\n"
      "[providers.\"managed:kimi-code\".oauth]\nstorage = \"file\"\nkey = \"oauth/kimi-code\"\n\n"
      "[providers.moonshot]\ntype = \"kimi\"\nbase_url = \"https://api.moonshot.ai/v1\"\n"
      "api_key = \"demo-moonshot-valid-key\"\n");
  // Kimi Code: three slots, three states.
  home.json(".kimi-code/credentials/kimi-code.json", kimi_login("second", now - 2h));
  home.json(".kimi-code/credentials/kimi-code-env-0e4f99c69cc27850.json", {{"access_token", ""},
                                                                           {"refresh_token", ""},
                                                                           {"expires_at", 0},
                                                                           {"scope", "kimi-code"},
                                                                           {"token_type", "Bearer"},
                                                                           {"expires_in", 0}});
  home.file(".kimi-code/credentials/kimi-code-env-657f7f111e019602.json",
            R"({"access_token": "demo-kimi-broken-)");
}

void write_codex(Writer& home, cp::TimePoint now) {
  using namespace std::chrono_literals;
  const auto token = made_up_jwt(now + 240h, "acct-demo-1", "ada@example.com");
  home.json(".codex/auth.json", {{"auth_mode", "chatgpt"},
                                 {"OPENAI_API_KEY", nullptr},
                                 {"tokens",
                                  {{"id_token", token},
                                   {"access_token", token},
                                   {"refresh_token", "demo-codex-valid-refresh"},
                                   {"account_id", "acct-demo-1"}}},
                                 {"last_refresh", cp::format_iso8601(now - 24h)}});
}

void write_qwen(Writer& home, cp::TimePoint now) {
  using namespace std::chrono_literals;
  home.json(".qwen/oauth_creds.json", {{"access_token", "demo-qwen-ended-access"},
                                       {"token_type", "Bearer"},
                                       {"refresh_token", "demo-qwen-ended-refresh"},
                                       {"resource_url", "portal.qwen.ai"},
                                       {"expiry_date", milliseconds_of(now + 6h)}});
  home.file(
      ".qwen/settings.json",
      "{\n  // comments are allowed here\n  \"$version\": 4,\n"
      "  \"env\": { \"BAILIAN_CODING_PLAN_API_KEY\": \"sk-sp-demo-valid\" },\n"
      "  \"modelProviders\": { \"openai\": [ { \"id\": \"qwen3-coder-plus\", \"name\": \"q\",\n"
      "    \"baseUrl\": \"https://coding.dashscope.aliyuncs.com/v1\",\n"
      "    \"envKey\": \"BAILIAN_CODING_PLAN_API_KEY\" },\n"
      "    { \"id\": \"other\", \"name\": \"o\", \"baseUrl\": "
      "\"https://dashscope.aliyuncs.com/compatible-mode/v1\",\n"
      "    \"envKey\": \"NOWHERE_SET_KEY\" } ] },\n"
      "  \"security\": { \"auth\": { \"selectedType\": \"openai\" } }\n}\n");
}

cp::Result<void> write_gemini(Writer& home, const cp::Environment& environment, cp::TimePoint now) {
  using namespace std::chrono_literals;
  home.json(".gemini/oauth_creds.json",
            {{"access_token", "ya29.demo-gemini-notier"},
             {"refresh_token", "1//demo-gemini-notier-refresh"},
             {"scope", "https://www.googleapis.com/auth/cloud-platform"},
             {"token_type", "Bearer"},
             {"expiry_date", milliseconds_of(now + 50min)}});
  home.json(".gemini/google_accounts.json",
            {{"active", "ada@example.com"}, {"old", Json::array()}});
  const Json key{{"serverName", "default-api-key"},
                 {"token", {{"accessToken", "demo-gemini-valid-key"}, {"tokenType", "ApiKey"}}},
                 {"updatedAt", milliseconds_of(now)}};
  const Json store{{"gemini-cli-api-key", {{"default-api-key", key.dump()}}}};
  auto sealed = gemini_encrypted_store(environment, store.dump());
  if (!sealed) return cp::fail(sealed.error());
  home.file(".gemini/gemini-credentials.json", *sealed);
  return {};
}

void write_claude_and_copies(Writer& home, cp::TimePoint now) {
  using namespace std::chrono_literals;
  const auto end = milliseconds_of(now + 7h);
  home.json(".claude/.credentials.json", {{"claudeAiOauth",
                                           {{"accessToken", "sk-ant-oat01-demo-valid"},
                                            {"refreshToken", "sk-ant-ort01-demo-valid"},
                                            {"expiresAt", end},
                                            {"scopes", {"user:inference", "user:profile"}},
                                            {"subscriptionType", "max"},
                                            {"rateLimitTier", "default_claude_max_5x"}}}});
  home.json(".claude/settings.json", {{"apiKeyHelper", "/usr/local/bin/print-my-key"}});
  // opencode holds a copy of the same single-use login: one credential, two places.
  home.json(".local/share/opencode/auth.json",
            {{"anthropic",
              {{"type", "oauth"},
               {"refresh", "sk-ant-ort01-demo-valid"},
               {"access", "sk-ant-oat01-demo-valid"},
               {"expires", end}}},
             {"openrouter", {{"type", "api"}, {"key", "sk-or-v1-demo-limited"}}},
             {"future", {{"type", "weird"}}}});
}

void write_others(Writer& home, cp::TimePoint now) {
  using namespace std::chrono_literals;
  home.file(".config/gh/hosts.yml",
            "github.com:\n    users:\n        ada:\n            oauth_token: gho_demo_valid\n"
            "    git_protocol: https\n    user: ada\n    oauth_token: gho_demo_valid\n");
  home.json(".config/github-copilot/apps.json", {{"github.com:Iv1.0000000000000000",
                                                  {{"user", "ada"},
                                                   {"oauth_token", "ghu_demo_noseat"},
                                                   {"githubAppId", "Iv1.0000000000000000"}}}});
  home.json(".config/gcloud/application_default_credentials.json",
            {{"type", "authorized_user"},
             {"client_id", "demo.apps.googleusercontent.com"},
             {"client_secret", "demo"},
             {"refresh_token", "1//demo-adc-refresh"}});
  home.json(".config/cursor/auth.json",
            {{"accessToken", made_up_jwt(now - 1h, "cursor-demo", "ada@example.com")},
             {"refreshToken", "demo-cursor-refresh"}});
  // Readable by everybody: doctor and scan warn, and say how to mend it.
  home.json(".local/share/amp/secrets.json", {{"apiKey@https://ampcode.com/", "sgamp_demo_valid"}},
            0644);
  home.json(".grok/auth.json", {{"https://auth.x.ai::b1a00492-073a-47ea-816f-4c329264a828",
                                 {{"key", "demo-grok-valid"},
                                  {"refresh_token", "demo-grok-refresh"},
                                  {"expires_at", cp::format_iso8601(now + 120h)},
                                  {"email", "ada@example.com"}}}});
  home.file(".env",
            "# keys for scripts\nOPENAI_API_KEY=sk-demo-openai-revoked\n"
            "export ANTHROPIC_API_KEY=\"sk-ant-api03-demo-valid\"\n");
  home.file(".aider.conf.yml", "api-key:\n  - openrouter=sk-or-v1-demo-limited\n");
}

/// The login of droid: encrypted with a key that lies beside it.
cp::Result<void> write_droid(Writer& home) {
  std::array<unsigned char, 32> key{};
  key.fill(0x22);
  const Json login{{"access_token", "demo-droid-valid-access"},
                   {"refresh_token", "demo-droid-valid-refresh"}};
  const auto sealed = seal_aes_256_gcm(key, login.dump());
  if (!sealed) return cp::fail(sealed.error());
  home.file(".factory/auth.v2.key", cp::encode_base64url(text_of(key)));
  home.file(".factory/auth.v2.file", cp::encode_base64url(text_of(sealed->iv)) + ":" +
                                         cp::encode_base64url(text_of(sealed->tag)) + ":" +
                                         cp::encode_base64url(sealed->text));
  return {};
}

void write_configuration(Writer& home, const std::string& provider_url) {
  Json base_urls = Json::object();
  for (const auto* provider :
       {"kimi-code", "moonshot", "openai", "qwen-portal", "dashscope", "gemini",
        "google-gemini-cli", "anthropic", "openrouter", "github", "github-copilot", "cursor", "amp",
        "google-gemini-cli/tokeninfo", "xai", "factory", "iflow"})
    base_urls[provider] =
        provider_url.empty() ? "http://127.0.0.1:9" : provider_url + "/" + provider;
  home.json(
      ".config/credpool/config.json5",
      {{"autoImport", true},
       {"rotationStrategy", "least-used"},
       {"baseUrls", base_urls},
       // The first has no quota left: requests for "demo" move on to the second.
       {"proxy",
        {{"models", {{"demo", Json::array({"openrouter/demo-model", "moonshot/demo-model"})}}}}},
       {"oauth",
        {{"kimi-code",
          {{"tokenUrl", (provider_url.empty() ? "http://127.0.0.1:9" : provider_url) +
                            "/kimi-code/api/oauth/token"}}}}}});
}

}  // namespace

cp::Result<void> make_demo_home(const std::filesystem::path& home,
                                const cp::Environment& environment, cp::TimePoint now,
                                const std::string& provider_url) {
  std::error_code failed;
  if (std::filesystem::exists(home, failed) && !std::filesystem::is_empty(home, failed))
    return cp::fail(cp::Errc::conflict, "making a demo home", home.string(),
                    "the directory is not empty: name another one");
  if (auto made = cp::make_private_directory(home); !made) return made;
  Writer writer{home};
  write_kimi(writer, now);
  write_codex(writer, now);
  write_qwen(writer, now);
  if (auto gemini = write_gemini(writer, environment, now); !gemini) return gemini;
  write_claude_and_copies(writer, now);
  write_others(writer, now);
  if (auto droid = write_droid(writer); !droid) return droid;
  write_configuration(writer, provider_url);
  return writer.result();
}

cp::Environment demo_environment(const std::filesystem::path& home, const cp::Environment& real) {
  cp::Environment::Facts facts;
  facts.home = home;
  facts.working_directory = home;
  facts.host_name = real.host_name();
  facts.user_name = real.user_name();
  facts.user = real.user();
  facts.variables["HOME"] = home.string();
  if (const auto path = real.variable("PATH")) facts.variables["PATH"] = *path;
  return cp::Environment{std::move(facts)};
}

}  // namespace credpool_cli
