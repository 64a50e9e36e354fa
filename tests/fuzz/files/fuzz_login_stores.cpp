// SPDX-License-Identifier: MIT
// Any bytes as the login file of a CLI whose logins we refresh: what is written back must be read
// back, and hold the granted tokens. The first byte chooses the CLI.
#include <credpool/source/claude_cli.hpp>
#include <credpool/source/codex_cli.hpp>
#include <credpool/source/gemini_cli.hpp>
#include <credpool/source/kimi_cli.hpp>
#include <credpool/source/kimi_code.hpp>
#include <credpool/source/qwen_cli.hpp>

#include "store_fuzzer.hpp"

namespace cp = credpool;

namespace {

template <class Source> void fuzz_login_store(const char* relative, std::string_view bytes) {
  static const ThrowawayHome home;
  const auto path = home.write(relative, bytes);
  const auto found = Source{}.discover(home.environment());
  if (!found) std::abort();
  for (const auto& credential : *found) {
    const auto store = Source{}.login_store(credential, home.environment());
    if (!store) continue;
    const auto login = (*store)->read();
    if (!login || login->tokens.refresh_token.empty()) continue;  // nothing to spend
    cp::GrantedTokens granted;
    granted.access_token = cp::Secret{"granted-access"};
    granted.refresh_token = cp::Secret{"granted-refresh"};
    granted.lifetime = std::chrono::minutes{15};
    const cp::TimePoint now{std::chrono::milliseconds{1795000000000}};
    const auto text = (*store)->rewritten(*login, granted, now);
    if (!text) continue;
    home.write(relative, text->reveal());
    const auto again = (*store)->read();
    if (!again) std::abort();
    if (again->tokens.access_token.reveal() != "granted-access") std::abort();
    if (again->tokens.refresh_token.reveal() != "granted-refresh") std::abort();
  }
  std::filesystem::remove(path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 6) {
    case 0:
      fuzz_login_store<cp::KimiCli>(".kimi/credentials/kimi-code.json", bytes);
      break;
    case 1:
      fuzz_login_store<cp::KimiCode>(".kimi-code/credentials/kimi-code.json", bytes);
      break;
    case 2:
      fuzz_login_store<cp::CodexCli>(".codex/auth.json", bytes);
      break;
    case 3:
      fuzz_login_store<cp::QwenCli>(".qwen/oauth_creds.json", bytes);
      break;
    case 4:
      fuzz_login_store<cp::GeminiCli>(".gemini/oauth_creds.json", bytes);
      break;
    default:
      fuzz_login_store<cp::ClaudeCli>(".claude/.credentials.json", bytes);
      break;
  }
  return 0;
}
