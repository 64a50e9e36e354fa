// SPDX-License-Identifier: MIT
// import-manual: a key that no CLI's store holds, kept sealed in ours.

#include "cli_pool.hpp"
#include "keep_key.hpp"
#include "network_part.hpp"
#include "prompt.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>

#include <optional>

namespace credpool_cli {

namespace cp = credpool;

namespace {

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

std::string key_provider_of_cli(const std::string& cli) {
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

int run_import_manual(Session& session, const ImportManualOptions& options) {
  need_network(session);
  const auto provider =
      options.provider.empty() ? key_provider_of_cli(options.cli) : options.provider;
  if (provider.empty())
    return session.fail({cp::Errc::invalid_argument, "importing a token", options.cli,
                         "this CLI is not known; `credpool scan` lists those that are, or name the "
                         "provider with --provider"});
  auto secret = secret_from(session, options);
  if (!secret) return session.fail(secret.error());
  if (!cp::is_safe_token(secret->reveal()))
    return session.fail(
        {cp::Errc::malformed, "importing a token", options.cli,
         "it has blanks, line breaks or characters that no token has: paste it again"});
  return keep_key_and_tell(session, {.cli = options.cli,
                                     .provider = provider,
                                     .secret = *secret,
                                     .profile = options.profile,
                                     .base_url = options.base_url,
                                     .no_validate = options.no_validate});
}

}  // namespace credpool_cli
