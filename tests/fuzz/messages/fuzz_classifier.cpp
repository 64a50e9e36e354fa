// SPDX-License-Identifier: MIT
#include <credpool/validation/classifier.hpp>
#include <credpool/validation/probe_answer.hpp>
#include <credpool/validation/shown_text.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace cp = credpool;

// Input: one byte for the provider, one for the status, the rest is the answer's body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::string_view, 8> providers{"kimi-code", "openai", "dashscope", "google",
                                                      "anthropic", "github", "moonshot",  "acme"};
  constexpr std::array statuses{0, 200, 204, 302, 400, 401, 402, 403, 404, 429, 500, 529};
  constexpr cp::TimePoint now{std::chrono::milliseconds{1794998400000}};
  if (size < 2) return 0;
  const auto provider = providers[data[0] % providers.size()];
  cp::Response response;
  response.status = statuses[data[1] % statuses.size()];
  response.body.assign(reinterpret_cast<const char*>(data) + 2, size - 2);

  const auto credential =
      cp::Credential::api_key("env", provider, cp::Secret{"sk-FAKE-0123456789abcdef"});
  for (const auto kind : {cp::Kind::api_key, cp::Kind::oauth, cp::Kind::token}) {
    const auto judged = cp::classify_answer({provider, kind}, response, now);
    // Nothing but these statuses may ever condemn a credential.
    const bool may_reject = response.status == 200 || response.status == 204 ||
                            (response.status >= 400 && response.status <= 403);
    if (judged.finding == cp::Finding::rejected && !may_reject) std::abort();
    if (judged.finding == cp::Finding::rejected && kind == cp::Kind::oauth && response.body.empty())
      std::abort();
    if (judged.retry_at && *judged.retry_at < now) std::abort();
    const auto shown = cp::shown_text(judged.message, credential);
    if (shown.size() > 200 || shown.find("sk-FAKE-") != std::string::npos) std::abort();
    for (const char c : shown)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  }
  static_cast<void>(cp::classify_token_answer(provider, response, now));
  for (int kind = 0; kind <= static_cast<int>(cp::ProbeAnswer::openrouter_key); ++kind) {
    cp::Verdict verdict;
    verdict.finding = cp::Finding::valid;
    cp::read_probe_answer(static_cast<cp::ProbeAnswer>(kind), response.body, now, verdict);
  }
  return 0;
}
