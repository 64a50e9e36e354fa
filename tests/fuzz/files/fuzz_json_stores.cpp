// SPDX-License-Identifier: MIT
// Any bytes as the store of one of the small JSON sources; the first byte chooses which.
#include <credpool/source/amp.hpp>
#include <credpool/source/antigravity.hpp>
#include <credpool/source/copilot_cli.hpp>
#include <credpool/source/copilot_editors.hpp>
#include <credpool/source/cursor_cli.hpp>
#include <credpool/source/gcloud_adc.hpp>
#include <credpool/source/grok.hpp>
#include <credpool/source/iflow.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace cp = credpool;
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 10) {
    case 0:
      fuzz_store<cp::Amp>(".local/share/amp/secrets.json", bytes);
      break;
    case 1:
      fuzz_store<cp::Antigravity>(".gemini/antigravity-cli/antigravity-oauth-token", bytes);
      break;
    case 2:
      fuzz_store<cp::CopilotCli>(".copilot/config.json", bytes);
      break;
    case 3:
      fuzz_store<cp::CopilotEditors>(".config/github-copilot/apps.json", bytes);
      break;
    case 4:
      fuzz_store<cp::CursorCli>(".config/cursor/auth.json", bytes);
      break;
    case 5:
      fuzz_store<cp::GcloudAdc>(".config/gcloud/application_default_credentials.json", bytes);
      break;
    case 6:
      fuzz_store<cp::Grok>(".grok/auth.json", bytes);
      break;
    case 7:
      fuzz_store<cp::Iflow>(".iflow/oauth_creds.json", bytes);
      break;
    case 8:
      fuzz_store<cp::Iflow>(".iflow/iflow_accounts.json", bytes);
      break;
    default:
      fuzz_store<cp::Iflow>(".iflow/settings.json", bytes);
      break;
  }
  return 0;
}
