#pragma once
// SPDX-License-Identifier: MIT

#include <contract/login_store.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/source/claude_cli.hpp>
#include <credpool/source/codex_cli.hpp>
#include <credpool/source/gemini_cli.hpp>
#include <credpool/source/kimi_cli.hpp>
#include <credpool/source/kimi_code.hpp>
#include <credpool/source/qwen_cli.hpp>

// The six CLIs whose logins can be written, each with a file as it writes it.

inline std::string jwt(std::string_view payload) {
  return "e30." + credpool::encode_base64url(payload) + ".c2ln";
}

inline const std::string openai_claims =
    R"("https://api.openai.com/auth":{"chatgpt_account_id":"acct-1","chatgpt_user_id":"user-1"})";
inline const std::string id_token =
    jwt(R"({"email":"a@b.c","exp":4102444800,)" + openai_claims + "}");
inline const std::string codex_access =
    jwt(R"({"iat":4101580800,"exp":4102444800,)" + openai_claims + "}");

template <credpool::StoresLogins Source> LoginStoreRow row_of() {
  LoginStoreRow row;
  row.cli = Source::cli;
  row.discover = [](const credpool::Environment& world) { return Source{}.discover(world); };
  row.open = [](const credpool::Credential& credential, const credpool::Environment& world) {
    return Source{}.login_store(credential, world);
  };
  row.access = "at-fake";
  row.refresh = "rt-fake";
  row.granted.access_token = credpool::Secret{"at-new-fake"};
  row.granted.lifetime = std::chrono::minutes{15};
  return row;
}

inline LoginStoreRow kimi_cli_row() {
  auto row = row_of<credpool::KimiCli>();
  row.path = ".kimi/credentials/kimi-code.json";
  row.text =
      R"({"access_token": "at-fake", "refresh_token": "rt-fake", "expires_at": 4102444800.0, )"
      R"("scope": "kimi-code", "token_type": "Bearer", "expires_in": 900.0, "x": {"b": [1, 2.5], )"
      R"("a": "\u00e4\n"}})";
  row.tombstone = R"({"access_token":"","refresh_token":"","expires_at":0,"scope":"kimi-code",)"
                  R"("token_type":"Bearer","expires_in":0})";
  row.changed = {"/access_token", "/refresh_token", "/expires_at", "/expires_in"};
  return row;
}

inline LoginStoreRow kimi_code_row() {
  auto row = kimi_cli_row();
  const auto code = row_of<credpool::KimiCode>();
  row.cli = code.cli;
  row.discover = code.discover;
  row.open = code.open;
  row.path = ".kimi-code/credentials/kimi-code.json";
  row.text = R"({
  "access_token": "at-fake",
  "refresh_token": "rt-fake",
  "expires_at": 4102444800,
  "scope": "kimi-code",
  "token_type": "Bearer",
  "expires_in": 900,
  "x": 1
}
)";
  return row;
}

inline LoginStoreRow codex_row() {
  auto row = row_of<credpool::CodexCli>();
  row.path = ".codex/auth.json";
  row.access = codex_access;
  const login_store_contract::Json document{{"auth_mode", "chatgpt"},
                                            {"OPENAI_API_KEY", nullptr},
                                            {"tokens",
                                             {{"id_token", id_token},
                                              {"access_token", codex_access},
                                              {"refresh_token", "rt-fake"},
                                              {"account_id", "acct-1"},
                                              {"y", true}}},
                                            {"last_refresh", "2026-11-10T21:44:41.619320025Z"},
                                            {"agent_identity", {{"z", 1}, {"a", nullptr}}},
                                            {"x", 1}};
  row.text = document.dump(2);
  row.tombstone = R"({"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":null})";  // C9
  row.changed = {"/tokens/access_token", "/tokens/refresh_token", "/last_refresh"};
  row.granted.access_token = credpool::Secret{jwt(R"({"exp":1796000000,)" + openai_claims + "}")};
  return row;
}

inline LoginStoreRow qwen_row() {
  auto row = row_of<credpool::QwenCli>();
  row.path = ".qwen/oauth_creds.json";
  row.text = R"({
  "access_token": "at-fake",
  "token_type": "Bearer",
  "refresh_token": "rt-fake",
  "resource_url": "portal.qwen.ai",
  "expiry_date": 4102444800000,
  "x": {}
})";
  row.tombstone = R"({"access_token":"","token_type":"Bearer","refresh_token":"","expiry_date":0})";
  row.changed = {"/access_token", "/refresh_token", "/expiry_date"};
  return row;
}

inline LoginStoreRow gemini_row() {
  auto row = row_of<credpool::GeminiCli>();
  row.path = ".gemini/oauth_creds.json";
  row.text = R"({
  "access_token": "at-fake",
  "refresh_token": "rt-fake",
  "scope": "https://www.googleapis.com/auth/cloud-platform",
  "token_type": "Bearer",
  "id_token": "e30.e30.x",
  "expiry_date": 4102444800000,
  "x": null
})";
  row.tombstone = R"({"access_token":"","refresh_token":""})";
  row.changed = {"/access_token", "/refresh_token", "/expiry_date"};
  row.granted.lifetime = std::chrono::seconds{3599};
  return row;
}

inline LoginStoreRow claude_row() {
  auto row = row_of<credpool::ClaudeCli>();
  row.path = ".claude/.credentials.json";
  row.text =
      R"({"mcpOAuth":{"s":{"accessToken":"x","n":-0.125}},"claudeAiOauth":{"accessToken":"at-fake",)"
      R"("refreshToken":"rt-fake","expiresAt":4102444800000,"scopes":["user:inference",)"
      R"("user:profile"],"subscriptionType":"max","rateLimitTier":"default_claude_max_5x"}})";
  row.tombstone =
      R"({"mcpOAuth":{},"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}})";
  row.changed = {"/claudeAiOauth/accessToken", "/claudeAiOauth/refreshToken",
                 "/claudeAiOauth/expiresAt"};
  return row;
}

inline const std::vector<LoginStoreRow>& rows() {
  static const std::vector<LoginStoreRow> all{kimi_cli_row(), kimi_code_row(), codex_row(),
                                              qwen_row(),     gemini_row(),    claude_row()};
  return all;
}
