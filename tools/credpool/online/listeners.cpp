// SPDX-License-Identifier: MIT
#include "listeners.hpp"

#include <credpool/transport/httplib.hpp>

#include <map>

namespace credpool_cli {

namespace cp = credpool;

std::string url_of(const cp::ListenAddress& address, bool tls) {
  if (!address.unix_path.empty()) return address.text();
  auto shown = address;
  if (shown.ip == "0.0.0.0") shown.ip = "127.0.0.1";
  if (shown.ip == "::") shown.ip = "::1";
  return (tls ? "https://" : "http://") + shown.text();
}

void tell_what(const Session& session, const cp::ProxyCatalog& catalog) {
  std::map<std::string, int> serving;
  int credentials = 0;
  for (const auto& credential : catalog.credentials()) {
    bool serves = false;
    for (int i = 0; i <= static_cast<int>(cp::Operation::models); ++i)
      serves = serves || catalog.way(credential->id, static_cast<cp::Operation>(i)) != nullptr;
    if (!serves || !credential->usable_at(session.now())) continue;
    ++serving[credential->provider];
    ++credentials;
  }
  std::string list;
  for (const auto& [provider, count] : serving)
    list += (list.empty() ? "" : ", ") + provider + " " + std::to_string(count);
  session.note(credentials > 0
                   ? "lending " + std::to_string(credentials) +
                         (credentials == 1 ? " credential: " : " credentials: ") + list
                   : "there is nothing to lend yet: `credpool scan` says what was found; "
                     "a key in the environment (OPENAI_API_KEY ...) is enough");
  std::map<std::string, const cp::Error*> blocked;
  for (const auto& one : catalog.blocked())
    if (!one.operations.empty()) blocked.emplace(one.provider, &one.why);
  for (const auto& [provider, why] : blocked) session.note("not lent: " + harmless(why->message()));
}

void tell_how(const Session& session, const cp::ListenAddress& address, bool tls,
              const std::filesystem::path& key_file) {
  const auto url = url_of(address, tls);
  session.print("listening on " + url + "\n");
  if (!address.unix_path.empty()) return;
  if (key_file.empty()) {
    session.print("  export OPENCLAW_TOKEN_API_BASE=" + url +
                  "   # then: openclaw-token auth register\n");
    return;
  }
  const auto key = "\"$(cat " + key_file.string() + ")\"";
  session.print("  export OPENAI_BASE_URL=" + url + "/v1 OPENAI_API_KEY=" + key +
                "\n  export ANTHROPIC_BASE_URL=" + url + " ANTHROPIC_API_KEY=" + key + "\n");
}

cp::EventEngineOptions engine_options(const Session& session, const cp::ProxySettings& settings,
                                      unsigned threads, cp::TrustedProxies proxies) {
  cp::EventEngineOptions options;
  options.trusted_proxies = std::move(proxies);
  options.threads = threads;
  options.limits.head_deadline = settings.timeouts.request_head;
  options.limits.body_deadline = settings.timeouts.request_body;
  options.limits.write_stall = settings.timeouts.idle;
  options.limits.max_body_bytes = settings.max_body_bytes;
  options.timeouts.connect = settings.timeouts.connect;
  options.timeouts.first_byte = settings.timeouts.first_byte;
  options.timeouts.idle = settings.timeouts.idle;
  options.ca_files = cp::HttplibOptions::from(session.environment()).ca_files;
  // Passwords are hashed there, a duplicate waits for the first of its kind, and calls of the
  // gateway may take long.
  options.blocking_threads = 16;
  return options;
}

cp::Result<void> check_listener(const ServeOptions& options, const cp::ListenAddress& address) {
  if (address.is_local()) return {};
  if (options.open)
    return cp::fail(cp::Errc::invalid_argument, "listening", address.text(),
                    "--open is for this machine: give a loopback address or a Unix socket");
  if (options.tls_certificate.empty() && !options.insecure_remote)
    return cp::fail(cp::Errc::invalid_argument, "listening", address.text(),
                    "keys and tokens would cross the network in the clear: give --tls-cert and "
                    "--tls-key, or --insecure-remote where something before it speaks TLS");
  return {};
}

cp::Result<std::vector<cp::ListenAddress>> listen_addresses(const ServeOptions& options,
                                                            const cp::ProxySettings& settings) {
  auto texts = options.listen;
  if (texts.empty()) texts.push_back(settings.listen);
  std::vector<cp::ListenAddress> all;
  for (const auto& text : texts) {
    auto address = cp::ListenAddress::parse(text);
    if (!address) return cp::fail(address.error());
    if (auto allowed = check_listener(options, *address); !allowed)
      return cp::fail(allowed.error());
    all.push_back(std::move(*address));
  }
  return all;
}

}  // namespace credpool_cli
