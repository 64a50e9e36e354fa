// SPDX-License-Identifier: MIT
#include "store_row.hpp"

#include <droid_seal.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/source/aider.hpp>
#include <credpool/source/amp.hpp>
#include <credpool/source/antigravity.hpp>
#include <credpool/source/claude_cli.hpp>
#include <credpool/source/codex_cli.hpp>
#include <credpool/source/copilot_cli.hpp>
#include <credpool/source/copilot_editors.hpp>
#include <credpool/source/cursor_cli.hpp>
#include <credpool/source/dotenv.hpp>
#include <credpool/source/droid.hpp>
#include <credpool/source/gcloud_adc.hpp>
#include <credpool/source/gemini_cli.hpp>
#include <credpool/source/gh_cli.hpp>
#include <credpool/source/grok.hpp>
#include <credpool/source/iflow.hpp>
#include <credpool/source/kimi_cli.hpp>
#include <credpool/source/kimi_code.hpp>
#include <credpool/source/opencode.hpp>
#include <credpool/source/qwen_cli.hpp>

namespace cp = credpool;

namespace {

std::string jwt(std::string_view payload) {
  return "e30." + cp::encode_base64url(payload) + ".Y2FuYXJ5";
}

void add_kimi_and_codex(std::vector<StoreRow>& rows) {
  const std::string kimi_login =
      R"({"access_token": "at-canary", "refresh_token": "rt-canary", "expires_at": 4102444800.0, )"
      R"("scope": "kimi-code", "token_type": "Bearer", "expires_in": 900.0})";
  rows.push_back(row_of<cp::KimiCli>("kimi-cli login", ".kimi/credentials/kimi-code.json",
                                     kimi_login, "at-canary"));
  rows.back().canaries = {"rt-canary"};
  rows.back().expiry = "4102444800.0";

  rows.push_back(row_of<cp::KimiCli>(
      "kimi-cli config.toml", ".kimi/config.toml",
      "[providers.moonshot]\ntype = \"kimi\"\nbase_url = \"https://api.moonshot.ai/v1\"\n"
      "api_key = \"sk-canary\"\n",
      "sk-canary"));
  rows.back().format = Format::toml;

  rows.push_back(row_of<cp::KimiCli>("kimi-cli legacy config.json", ".kimi/config.json",
                                     R"({"providers":{"old":{"api_key":"sk-canary"}}})",
                                     "sk-canary"));

  rows.push_back(row_of<cp::KimiCode>(
      "kimi-code login", ".kimi-code/credentials/kimi-code.json",
      "{\n  \"access_token\": \"at-canary\",\n  \"refresh_token\": \"rt-canary\",\n"
      "  \"expires_at\": 4102444800,\n  \"scope\": \"kimi-code\",\n  \"token_type\": \"Bearer\",\n"
      "  \"expires_in\": 900\n}\n",
      "at-canary"));
  rows.back().canaries = {"rt-canary"};
  rows.back().expiry = "4102444800";

  rows.push_back(row_of<cp::KimiCode>("kimi-code config.toml", ".kimi-code/config.toml",
                                      "[providers.a.env]\nKIMI_API_KEY = \"sk-canary\"\n",
                                      "sk-canary"));
  rows.back().format = Format::toml;

  const auto access = jwt(R"({"exp":4102444800})");
  rows.push_back(row_of<cp::CodexCli>(
      "codex login", ".codex/auth.json",
      R"({"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"id_token":")" +
          jwt(R"({"email":"a@b.c"})") + R"(","access_token":")" + access +
          R"(","refresh_token":"rt-canary","account_id":"acct-1"},)"
          R"("last_refresh":"2026-11-20T21:44:41.619320025Z"})",
      access));
  rows.back().canaries = {"rt-canary", "Y2FuYXJ5"};

  rows.push_back(row_of<cp::CodexCli>("codex key", ".codex/auth.json",
                                      R"({"OPENAI_API_KEY":"sk-canary"})", "sk-canary"));
  rows.push_back(row_of<cp::CodexCli>(
      "codex personal access token", ".codex/auth.json",
      R"({"auth_mode":"personalAccessToken","personal_access_token":"at-canary"})", "at-canary"));
}

void add_qwen_gemini_claude(std::vector<StoreRow>& rows) {
  rows.push_back(row_of<cp::QwenCli>(
      "qwen-code login", ".qwen/oauth_creds.json",
      R"({"access_token":"at-canary","token_type":"Bearer","refresh_token":"rt-canary",)"
      R"("resource_url":"portal.qwen.ai","expiry_date":4102444800000})",
      "at-canary"));
  rows.back().canaries = {"rt-canary"};
  rows.back().expiry = "4102444800000";
  rows.push_back(row_of<cp::QwenCli>("qwen-code settings", ".qwen/settings.json",
                                     R"({"env":{"DASHSCOPE_API_KEY":"sk-canary"}})", "sk-canary"));

  rows.push_back(row_of<cp::GeminiCli>(
      "gemini-cli login", ".gemini/oauth_creds.json",
      R"({"access_token":"ya29.canary","refresh_token":"rt-canary","scope":"s",)"
      R"("token_type":"Bearer","id_token":"e30.e30.x","expiry_date":4102444800000})",
      "ya29.canary"));
  rows.back().canaries = {"rt-canary"};
  rows.back().expiry = "4102444800000";

  rows.push_back(row_of<cp::GeminiCli>("gemini-cli .env", ".gemini/.env",
                                       "GEMINI_API_KEY=canary-key\n", "canary-key"));
  rows.back().format = Format::other;
  rows.push_back(row_of<cp::Antigravity>(
      "antigravity login", ".gemini/antigravity-cli/antigravity-oauth-token",
      R"({"token":{"access_token":"ya29.canary","token_type":"Bearer","refresh_token":"rt-canary",)"
      R"("expiry":"2100-01-01T00:00:00Z"},"auth_method":"consumer"})",
      "ya29.canary"));
  rows.back().canaries = {"rt-canary"};
  rows.push_back(row_of<cp::GcloudAdc>(
      "gcloud ADC", ".config/gcloud/application_default_credentials.json",
      R"({"type":"authorized_user","client_id":"x.apps","client_secret":"cs-canary",)"
      R"("refresh_token":"rt-canary","quota_project_id":"p"})",
      "rt-canary"));
  rows.back().canaries = {"cs-canary"};

  rows.push_back(row_of<cp::ClaudeCli>(
      "claude-code login", ".claude/.credentials.json",
      R"({"claudeAiOauth":{"accessToken":"at-canary","refreshToken":"rt-canary",)"
      R"("expiresAt":4102444800000,"scopes":["user:inference"],"subscriptionType":"max"}})",
      "at-canary"));
  rows.back().canaries = {"rt-canary"};
  rows.back().expiry = "4102444800000";
  rows.push_back(row_of<cp::ClaudeCli>("claude-code settings", ".claude/settings.json",
                                       R"({"env":{"ANTHROPIC_API_KEY":"sk-canary"}})",
                                       "sk-canary"));

  rows.push_back(
      row_of<cp::DotenvKeys>("dotenv", ".env", "OPENAI_API_KEY=sk-canary\n", "sk-canary"));
  rows.back().format = Format::other;
}

void add_others(std::vector<StoreRow>& rows) {
  rows.push_back(row_of<cp::Opencode>(
      "opencode login", ".local/share/opencode/auth.json",
      R"({"anthropic":{"type":"oauth","refresh":"rt-canary","access":"at-canary",)"
      R"("expires":4102444800000}})",
      "at-canary"));
  rows.back().canaries = {"rt-canary"};
  rows.back().expiry = "4102444800000";

  rows.push_back(row_of<cp::CopilotEditors>(
      "Copilot apps.json", ".config/github-copilot/apps.json",
      R"({"github.com:Iv1.0000000000000000":{"user":"u","oauth_token":"ghu_canary"}})",
      "ghu_canary"));
  const auto access = jwt(R"({"exp":4102444800,"sub":"u"})");
  rows.push_back(row_of<cp::CursorCli>(
      "cursor login", ".config/cursor/auth.json",
      R"({"accessToken":")" + access + R"(","refreshToken":"rt-canary"})", access));
  rows.back().canaries = {"rt-canary"};
  rows.push_back(row_of<cp::Amp>("amp key", ".local/share/amp/secrets.json",
                                 R"({"apiKey@https://ampcode.com/":"sgamp_canary"})",
                                 "sgamp_canary"));
  rows.push_back(row_of<cp::Grok>(
      "grok login", ".grok/auth.json",
      R"({"https://auth.x.ai::client":{"key":"at-canary","refresh_token":"rt-canary",)"
      R"("expires_at":"2100-01-01T00:00:00Z","email":"a@b.c"}})",
      "at-canary"));
  rows.back().canaries = {"rt-canary"};
  rows.push_back(row_of<cp::Iflow>(
      "iflow login", ".iflow/oauth_creds.json",
      R"({"access_token":"at-canary","refresh_token":"rt-canary","expiry_date":4102444800000})",
      "at-canary"));
  rows.back().canaries = {"rt-canary"};
  rows.back().expiry = "4102444800000";

  rows.push_back(row_of<cp::Iflow>("iflow accounts", ".iflow/iflow_accounts.json",
                                   R"({"iflowApiKey":"sk-canary"})", "sk-canary"));
  rows.push_back(row_of<cp::Iflow>("iflow settings", ".iflow/settings.json",
                                   R"({"apiKey":"sk-canary","theme":"dark"})", "sk-canary"));

  rows.push_back(
      row_of<cp::CopilotCli>("Copilot CLI", ".copilot/config.json",
                             R"({"loggedInUsers":[{"host":"https://github.com","login":"u"}],)"
                             R"("copilotTokens":{"https://github.com:u":"gho_canary"}})",
                             "gho_canary"));
  rows.push_back(
      row_of<cp::Droid>("droid login", ".factory/auth.v2.file",
                        R"({"access_token":")" + access +
                            R"(","refresh_token":"rt-canary","active_organization_id":"org"})",
                        access));
  rows.back().canaries = {"rt-canary"};
  rows.back().companions = {{".factory/auth.v2.key", std::string{droid_test_key}}};
  rows.back().seal = [](std::string_view plain) { return sealed_for_droid(plain, 12); };

  rows.push_back(
      row_of<cp::Aider>("aider .env", ".env", "OPENAI_API_KEY=sk-canary\n", "sk-canary"));
  rows.back().format = Format::other;
  rows.push_back(row_of<cp::Aider>("aider's own keys", ".aider/oauth-keys.env",
                                   "OPENROUTER_API_KEY=sk-canary\n", "sk-canary"));
  rows.back().format = Format::other;
  rows.push_back(row_of<cp::Aider>("aider .aider.conf.yml", ".aider.conf.yml",
                                   "anthropic-api-key: sk-canary\n", "sk-canary"));
  rows.back().format = Format::other;

  rows.push_back(row_of<cp::GhCli>("gh token", ".config/gh/hosts.yml",
                                   "github.com:\n    user: u\n    oauth_token: gho_canary\n",
                                   "gho_canary"));
  rows.back().format = Format::other;
}

std::vector<StoreRow> make_rows() {
  std::vector<StoreRow> rows;
  add_kimi_and_codex(rows);
  add_qwen_gemini_claude(rows);
  add_others(rows);
  return rows;
}

}  // namespace

const std::vector<StoreRow>& store_rows() {
  static const std::vector<StoreRow> rows = make_rows();
  return rows;
}
