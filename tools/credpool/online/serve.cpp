// SPDX-License-Identifier: MIT
// serve: the LLM proxy over the pool.

#include "access_log.hpp"
#include "accounts_service.hpp"
#include "../commands.hpp"
#include "serving_pool.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>
#include <credpool/proxy/proxy.hpp>
#include <credpool/server/event_engine.hpp>
#include <credpool/transport/httplib.hpp>

#include <sodium.h>

#include <algorithm>
#include <map>
#include <thread>

#include <signal.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// The key in a file of its own; made when the file is missing.
cp::Result<cp::Secret> static_key(const std::filesystem::path& path,
                                  const cp::Environment& environment) {
  auto text = cp::read_file(path, environment, {.max_bytes = 512, .follow_symlink = false});
  if (!text && text.error().errc() == cp::Errc::not_found) {
    std::array<unsigned char, 32> random;
    ::randombytes_buf(random.data(), random.size());
    const std::string_view bytes{reinterpret_cast<const char*>(random.data()), random.size()};
    auto key = "cp-" + cp::encode_base64url(bytes);
    if (auto made = cp::make_private_directory(path.parent_path()); !made)
      return cp::fail(made.error());
    auto written = cp::replace_file(path, key + "\n", 0600);
    cp::Secret secret{key};
    cp::wipe(key.data(), key.size());
    cp::wipe(random.data(), random.size());
    if (!written) return cp::fail(written.error());
    return secret;
  }
  if (!text) return cp::fail(text.error());
  for (const auto& warning : text->facts.warnings)
    if (warning.kind == cp::FileWarning::Kind::readable_by_others)
      return cp::fail(cp::Errc::unsafe_file, "reading the proxy's key", path.string(),
                      "others can read it: " + warning.repair);
  auto key = text->bytes.reveal();
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' '))
    key.remove_suffix(1);
  constexpr std::size_t shortest = 16;
  if (key.size() < shortest || !cp::is_safe_token(key))
    return cp::fail(cp::Errc::malformed, "reading the proxy's key", path.string(),
                    "it must hold one key of at least 16 printable characters without blanks; "
                    "remove the file to have a new one made");
  return cp::Secret{key};
}

/// Where clients of this machine find the listener.
std::string url_of(const cp::ListenAddress& address, bool tls) {
  if (!address.unix_path.empty()) return address.text();
  auto shown = address;
  if (shown.ip == "0.0.0.0") shown.ip = "127.0.0.1";
  if (shown.ip == "::") shown.ip = "::1";
  return (tls ? "https://" : "http://") + shown.text();
}

/// "3 credentials: openai 2, anthropic 1", and what stays out.
void introduce(const Session& session, const cp::ProxyCatalog& catalog) {
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

/// Prints how programs are pointed here.
/// @param key_file empty: with accounts, each has its own keys
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
                                      bool accounts, unsigned threads) {
  cp::EventEngineOptions options;
  options.threads = threads;
  options.limits.head_deadline = settings.timeouts.request_head;
  options.limits.body_deadline = settings.timeouts.request_body;
  options.limits.write_stall = settings.timeouts.idle;
  options.limits.max_body_bytes = settings.max_body_bytes;
  options.timeouts.connect = settings.timeouts.connect;
  options.timeouts.first_byte = settings.timeouts.first_byte;
  options.timeouts.idle = settings.timeouts.idle;
  options.ca_files = cp::HttplibOptions::from(session.environment()).ca_files;
  // With accounts: passwords are hashed there, and a duplicate waits for the first of its kind.
  if (accounts) options.blocking_threads = 16;
  return options;
}

cp::Result<std::vector<cp::ListenAddress>> addresses(const ServeOptions& options,
                                                     const cp::ProxySettings& settings) {
  auto texts = options.listen;
  if (texts.empty()) texts.push_back(settings.listen);
  std::vector<cp::ListenAddress> all;
  for (const auto& text : texts) {
    auto address = cp::ListenAddress::parse(text);
    if (!address) return cp::fail(address.error());
    if (options.open && !address->is_local())
      return cp::fail(cp::Errc::invalid_argument, "listening", text,
                      "--open is for this machine: give a loopback address or a Unix socket");
    all.push_back(std::move(*address));
  }
  return all;
}

/// Waits for signals; meanwhile the logins are looked at again when their files change.
void serve_until_told(ServingPool& pool, cp::Proxy& proxy, const sigset_t& signals) {
  constexpr int look_anyway_every = 30;  // seconds: logins that are new have no file that we know
  for (int second = 1;; ++second) {
    const timespec pause{1, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &pause);
    if (signal == SIGINT || signal == SIGTERM) return;
    if (pool.look(signal == SIGHUP || second % look_anyway_every == 0)) proxy.use(pool.catalog());
  }
}

}  // namespace

int run_serve(Session& session, const ServeOptions& options) {
  // Signals are taken by sigtimedwait() above; threads that start from here on leave them alone.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto pool = ServingPool::open(session, options.allow);
  if (!pool) return session.fail(pool.error());
  const auto& settings = (*pool)->settings();
  const auto where = addresses(options, settings.proxy);
  if (!where) return session.fail(where.error());

  const auto& directory = (*pool)->directory();
  std::filesystem::path key_file;
  cp::Secret static_secret;
  if (options.open) {
    key_file = session.environment().expand(options.key_file);
    if (options.key_file.empty()) {
      if (!directory)
        return session.fail({cp::Errc::configuration,
                             "keeping the proxy's key",
                             {},
                             "name a file with --key-file"});
      key_file = directory->path() / "serve.key";
    }
    auto key = static_key(std::filesystem::absolute(key_file), session.environment());
    if (!key) return session.fail(key.error());
    static_secret = std::move(*key);
  } else if (!directory) {
    return session.fail({cp::Errc::configuration,
                         "keeping accounts",
                         {},
                         "set HOME or XDG_STATE_HOME, or stateDirectory in the configuration"});
  }

  AccessLog log{options.log == "json"  ? AccessLogForm::json
                : options.log == "off" ? AccessLogForm::off
                                       : AccessLogForm::text};
  cp::HttplibTransport transport{cp::HttplibOptions::from(session.environment())};
  std::unique_ptr<AccountsService> accounts;
  if (!options.open) {
    auto opened = AccountsService::open(session, settings, *directory, options.accounts, transport);
    if (!opened) return session.fail(opened.error());
    accounts = std::move(*opened);
  }
  cp::EventEngine engine{engine_options(session, settings.proxy, !options.open, options.threads)};
  cp::ProxyOptions proxy_options;
  // The pool outlives the engine, which ends all leases.
  proxy_options.lender =
      std::shared_ptr<cp::CredentialLender>{std::shared_ptr<void>{}, pool->get()};
  proxy_options.gate =
      accounts ? accounts->gate() : std::make_shared<cp::StaticKeyGate>(static_secret);
  proxy_options.upstream = &engine.upstream();
  proxy_options.fetch = [&transport](const cp::Request& request) {
    return transport.send(request);
  };
  if (log.is_on())
    proxy_options.on_access = [&log](const cp::AccessRecord& record) { log.write(record); };
  const auto proxy = std::make_shared<cp::Proxy>(std::move(proxy_options));
  const auto catalog = (*pool)->catalog();
  proxy->use(catalog);
  const auto site = accounts ? accounts->site(proxy) : std::shared_ptr<cp::ServerHandler>{proxy};

  std::optional<cp::ServerCertificate> certificate;
  if (!options.tls_certificate.empty())
    certificate = cp::ServerCertificate{session.environment().expand(options.tls_certificate),
                                        session.environment().expand(options.tls_key)};
  std::vector<cp::ListenAddress> bound;
  for (const auto& address : *where) {
    auto listening =
        engine.listen(address, site, address.unix_path.empty() ? certificate : std::nullopt);
    if (!listening) return session.fail(listening.error());
    bound.push_back(std::move(*listening));
  }
  if (auto started = engine.start(); !started) return session.fail(started.error());
  for (const auto& address : bound) tell_how(session, address, certificate.has_value(), key_file);
  if (accounts) session.note(std::string{accounts->payment()});
  std::fflush(stdout);
  if (options.when_ready)
    options.when_ready(url_of(bound.front(), certificate.has_value()), static_secret);
  else
    introduce(session, *catalog);

  serve_until_told(**pool, *proxy, signals);
  if (!options.when_ready) session.note("stopping; answers that have begun are finished");
  engine.stop(std::chrono::duration_cast<cp::Duration>(settings.proxy.timeouts.drain));
  if (accounts) accounts->stop();
  return 0;
}

}  // namespace credpool_cli
