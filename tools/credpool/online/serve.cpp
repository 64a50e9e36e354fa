// SPDX-License-Identifier: MIT
// serve: everything that stays up, over one pool.

#include "access_log.hpp"
#include "accounts_service.hpp"
#include "activity_methods.hpp"
#include "counting_gate.hpp"
#include "flow_methods.hpp"
#include "gateway.hpp"
#include "idle_memory.hpp"
#include "key_file.hpp"
#include "listeners.hpp"
#include "metrics.hpp"
#include "pool_watch.hpp"
#include "rpc_methods.hpp"
#include "serve_parts.hpp"
#include "service_manager.hpp"
#include "serving_pool.hpp"

#include <credpool/account/keys.hpp>
#include <credpool/core/encoding.hpp>
#include <credpool/proxy/proxy.hpp>
#include <credpool/server/event_engine.hpp>
#include <credpool/transport/httplib.hpp>

#include <sodium.h>

#include <array>

#include <malloc.h>
#include <signal.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// "cp-" and 256 random bits.
cp::Result<cp::Secret> new_static_key() {
  std::array<unsigned char, 32> random;
  ::randombytes_buf(random.data(), random.size());
  auto text =
      "cp-" + cp::encode_base64url({reinterpret_cast<const char*>(random.data()), random.size()});
  cp::Secret key{text};
  cp::wipe(text.data(), text.size());
  cp::wipe(random.data(), random.size());
  return key;
}

cp::Error no_place(std::string_view doing, std::string hint) {
  return {cp::Errc::configuration, std::string{doing}, {}, std::move(hint)};
}

/// What answers where nothing else does.
class NothingHere final : public cp::ServerHandler {
 public:
  std::optional<cp::Answer> admit(const cp::RequestHead&, std::string_view) override {
    return cp::gateway_error(404, "NOT_FOUND", "there is no such path");
  }
  void handle(std::shared_ptr<cp::ServerExchange> exchange) override {
    exchange->respond(cp::gateway_error(404, "NOT_FOUND", "there is no such path"));
  }
  cp::Answer refusal(int status, std::string_view why) override {
    return cp::gateway_error(status, "BAD_REQUEST", why);
  }
};

/// Everything of one run of `serve`. Members end in the reverse of their order.
class Serving {
 public:
  Serving(Session& session, const ServeOptions& options) : session_{session}, options_{options} {}

  int run() {
    const auto ended = open();
    if (!ended) return session_.fail(ended.error());
    tell();
    give_back_idle_memory();  // what only starting has needed
    wait();
    close();
    return 0;
  }

 private:
  cp::Result<void> open();
  cp::Result<void> open_key();
  cp::Result<void> open_gateway();
  cp::Result<void> listen(const std::vector<cp::ListenAddress>& where);
  void notify(std::string_view state) const {
    notify_service_manager(session_.environment(), state);
  }
  std::shared_ptr<cp::ServerHandler> site();
  void tell() const;
  void wait();
  bool reload();
  void close();
  std::vector<std::string> not_ready() const;

  Session& session_;
  const ServeOptions& options_;
  ServeParts parts_;
  std::vector<cp::Descriptor> inherited_;
  Metrics metrics_{session_.now()};
  std::unique_ptr<ServingPool> pool_;
  std::filesystem::path key_file_;
  cp::Secret key_;
  std::optional<cp::ServerCertificate> certificate_;
  std::unique_ptr<AccessLog> log_;
  std::unique_ptr<cp::HttplibTransport> transport_;
  std::unique_ptr<AccountsService> accounts_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<Activity> activity_;
  std::unique_ptr<FlowBook> flows_;
  std::unique_ptr<GatewayContext> context_;
  std::unique_ptr<PoolWatch> watch_;
  std::unique_ptr<cp::EventEngine> engine_;
  std::shared_ptr<cp::Proxy> proxy_;
  std::vector<cp::ListenAddress> bound_;
};

cp::Result<void> Serving::open() {
  inherited_ = inherited_sockets(session_.environment());
  auto parts = ServeParts::of(options_);
  if (!parts) return cp::fail(parts.error());
  parts_ = *parts;
  auto pool = ServingPool::open(session_, options_.allow, parts_.refresh);
  if (!pool) return cp::fail(pool.error());
  pool_ = std::move(*pool);
  pool_->on_renewal([this](const cp::Error* failure) { metrics_.count_refresh(failure); });
  const auto in_force = pool_->settings();
  const auto& settings = *in_force;
  const auto where = inherited_.empty() || !options_.listen.empty()
                         ? listen_addresses(options_, settings.proxy)
                         : std::vector<cp::ListenAddress>{};
  if (!where) return cp::fail(where.error());
  auto proxies = cp::TrustedProxies::parse(options_.trusted_proxies);
  if (!proxies) return cp::fail(proxies.error());
  if (parts_.accounts && !pool_->directory())
    return cp::fail(no_place("keeping accounts",
                             "set HOME or XDG_STATE_HOME, or stateDirectory in the configuration"));
  if (options_.open && parts_.proxy)
    if (auto opened = open_key(); !opened) return opened;
  if (!options_.tls_certificate.empty())
    certificate_ = cp::ServerCertificate{session_.environment().expand(options_.tls_certificate),
                                         session_.environment().expand(options_.tls_key)};
  log_ = std::make_unique<AccessLog>(options_.log == "json"  ? AccessLogForm::json
                                     : options_.log == "off" ? AccessLogForm::off
                                                             : AccessLogForm::text);
  transport_ =
      std::make_unique<cp::HttplibTransport>(cp::HttplibOptions::from(session_.environment()));
  if (parts_.accounts) {
    auto opened = AccountsService::open(session_, settings, *pool_->directory(), options_.accounts,
                                        *transport_);
    if (!opened) return cp::fail(opened.error());
    accounts_ = std::move(*opened);
  }
  if (auto opened = open_gateway(); !opened) return opened;
  engine_ = std::make_unique<cp::EventEngine>(
      engine_options(session_, settings.proxy, options_.threads, std::move(*proxies)));
  return listen(*where);
}

cp::Result<void> Serving::open_key() {
  key_file_ = session_.environment().expand(options_.key_file);
  if (options_.key_file.empty()) {
    if (!pool_->directory())
      return cp::fail(no_place("keeping the proxy's key", "name a file with --key-file"));
    key_file_ = pool_->directory()->path() / "serve.key";
  }
  auto key =
      key_in_file(std::filesystem::absolute(key_file_), session_.environment(), new_static_key);
  if (!key) return cp::fail(key.error());
  key_ = std::move(*key);
  return {};
}

cp::Result<void> Serving::open_gateway() {
  if (!pool_->directory()) {
    if (parts_.named) return cp::fail(no_place("keeping the gateway's token", "set HOME"));
    session_.note("no place for the gateway's token: there is no RPC and there are no pages");
    return {};
  }
  auto opened = Gateway::open(session_, pool_->directory()->path(),
                              {.ui = parts_.ui,
                               .api = parts_.gateway,
                               .hosts = options_.allow_hosts,
                               .ui_directory = options_.ui_directory});
  if (!opened) return cp::fail(opened.error());
  gateway_ = std::move(*opened);
  gateway_->ready_unless([this] { return not_ready(); });
  if (log_->is_on())
    gateway_->logged_by([this](const cp::AccessRecord& record) { log_->write(record); });
  if (!parts_.gateway) return {};  // whether it is well is all that anybody can ask
  gateway_->measured_by([this] {
    return metrics_.text(*pool_, gateway_->events(), gateway_->access().failures(),
                         accounts_ ? std::optional{accounts_->settled()} : std::nullopt);
  });
  auto& events = gateway_->events();
  activity_ = std::make_unique<Activity>(activity_options(session_, *pool_, events));
  flows_ = std::make_unique<FlowBook>(flow_events(events));
  context_ = std::make_unique<GatewayContext>(
      GatewayContext{session_, *pool_, accounts_.get(), events, *activity_, *flows_, [this] {
                       if (proxy_) proxy_->use(pool_->catalog());
                     }});
  add_methods(gateway_->methods(), *context_);
  watch_ = std::make_unique<PoolWatch>(*pool_, events);
  return {};
}

std::shared_ptr<cp::ServerHandler> Serving::site() {
  std::shared_ptr<cp::ServerHandler> site = std::make_shared<NothingHere>();
  if (parts_.proxy) {
    cp::ProxyOptions options;
    // The pool outlives the engine, which ends all leases.
    options.lender = std::shared_ptr<cp::CredentialLender>{std::shared_ptr<void>{}, pool_.get()};
    options.gate = accounts_ ? accounts_->gate() : std::make_shared<cp::StaticKeyGate>(key_);
    if (accounts_ && parts_.gateway)
      options.gate = std::make_shared<CountingGate>(std::move(options.gate), metrics_);
    options.upstream = &engine_->upstream();
    options.fetch = [this](const cp::Request& request) { return transport_->send(request); };
    if (log_->is_on() || activity_)
      options.on_access = [this](const cp::AccessRecord& record) {
        if (log_->is_on()) log_->write(record);
        if (!activity_) return;
        activity_->record(record);
        metrics_.count(record);
      };
    proxy_ = std::make_shared<cp::Proxy>(std::move(options));
    proxy_->use(pool_->catalog());
    site = proxy_;
  }
  if (accounts_) site = accounts_->site(std::move(site));
  return site;
}

cp::Result<void> Serving::listen(const std::vector<cp::ListenAddress>& where) {
  const bool tls = certificate_.has_value();
  const auto behind = site();
  const auto plain = gateway_ ? gateway_->site(behind, false) : behind;
  const auto secure = gateway_ ? gateway_->site(behind, true) : behind;
  for (auto& socket : std::exchange(inherited_, {})) {
    const auto address = cp::listening_address(socket);
    if (!address) return cp::fail(address.error());
    if (auto allowed = check_listener(options_, *address); !allowed) return allowed;
    const bool is_unix = !address->unix_path.empty();
    auto bound = engine_->listen_on(std::move(socket), tls && !is_unix ? secure : plain,
                                    is_unix ? std::nullopt : certificate_);
    if (!bound) return cp::fail(bound.error());
    bound_.push_back(std::move(*bound));
  }
  for (const auto& address : where) {
    const bool is_unix = !address.unix_path.empty();
    auto bound = engine_->listen(address, tls && !is_unix ? secure : plain,
                                 is_unix ? std::nullopt : certificate_);
    if (!bound) return cp::fail(bound.error());
    bound_.push_back(std::move(*bound));
  }
  if (gateway_) {
    std::optional<cp::ListenAddress> own = gateway_->own_address();
    if (own && !engine_->listen(*own, gateway_->own_site())) {
      session_.note(
          "another server with this state directory runs; `credpool rpc` and "
          "`credpool ui` find that one");
      own.reset();
    }
    gateway_->serving(bound_, tls, url_of(bound_.front(), tls), own);
  }
  if (auto started = engine_->start(); !started) return started;
  notify("READY=1");
  return {};
}

void Serving::tell() const {
  for (const auto& address : bound_)
    tell_how(session_, address, certificate_.has_value(), key_file_);
  if (accounts_) session_.note(std::string{accounts_->payment()});
  std::fflush(stdout);
  if (options_.when_ready) {
    options_.when_ready(url_of(bound_.front(), certificate_.has_value()), key_);
    return;
  }
  tell_what(session_, *pool_->catalog());
  if (gateway_ && parts_.ui) session_.note("the Control UI: credpool ui");
}

/// Waits for signals; meanwhile the logins are looked at again when their files change.
void Serving::wait() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  constexpr int look_anyway_every = 30;     // seconds: where a change may not be told
  constexpr int keep_sessions_every = 600;  // that they were used, for what ends without a stop
  IdleWatch idle;
  for (int second = 1;; ++second) {
    const timespec pause{1, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &pause);
    if (signal == SIGINT || signal == SIGTERM) return;
    if (signal == SIGHUP) notify("RELOADING=1");
    const bool reloaded = signal == SIGHUP && reload();
    if (signal == SIGHUP) notify("READY=1");
    const bool anyway = (signal == SIGHUP && !reloaded) || second % look_anyway_every == 0;
    if ((pool_->look(anyway) || reloaded) && proxy_) proxy_->use(pool_->catalog());
    if (watch_) watch_->look();
    if (gateway_ && second % keep_sessions_every == 0) gateway_->keep_sessions();
    cp::EventEngine::give_back_unwanted_memory();
    if (idle.comes_to_rest()) give_back_idle_memory();
  }
}

/// Reads settings and tokens again.
/// @return whether the settings are those of the files now; else they are what they were
bool Serving::reload() {
  if (gateway_)
    if (const auto reloaded = gateway_->reload(); !reloaded)
      session_.warn(harmless(reloaded.error().message()));
  const auto changes = pool_->reload();
  if (!changes) {
    const auto message = harmless(changes.error().message());
    session_.warn(message + "; going on with the settings there were");
    if (gateway_) gateway_->events().publish("settings.refused", Json{{"message", message}}.dump());
    return false;
  }
  if (changes->empty()) return true;
  std::string list;
  for (const auto& change : *changes)
    list += (list.empty() ? "" : ", ") + change.path +
            (needs_restart(change.path) ? " (counts from the next start on)" : "");
  session_.note("settings changed: " + harmless(list));
  if (gateway_)
    gateway_->events().publish("settings.changed",
                               Json{{"changed", setting_changes_json(*changes)}}.dump());
  return true;
}

void Serving::close() {
  notify("STOPPING=1");
  if (!options_.when_ready) session_.note("stopping; answers that have begun are finished");
  if (flows_) flows_->stop();
  if (gateway_) {
    gateway_->draining();
    gateway_->end_streams();
  }
  engine_->stop(std::chrono::duration_cast<cp::Duration>(pool_->settings()->proxy.timeouts.drain));
  if (gateway_) gateway_->stop();
  if (accounts_) accounts_->stop();
}

std::vector<std::string> Serving::not_ready() const {
  if (!parts_.proxy) return {};
  const auto now = session_.now();
  for (const auto& credential : pool_->credentials())
    if (credential->usable_at(now)) return {};
  return {"there is nothing to lend"};
}

/// A thread's memory goes back to the system when so much of it is free, not after each middling
/// body: getting it again costs more than the body's way through the kernel. Large ones the engine
/// keeps apart.
void keep_memory_of_bodies() noexcept {
#ifdef __GLIBC__
  constexpr int kept = 16 << 20;
  constexpr int largest = 4 << 20;  // a text beyond it is the system's business at once
  ::mallopt(M_TRIM_THRESHOLD, kept);
  ::mallopt(M_MMAP_THRESHOLD, largest);
#endif
}

}  // namespace

int run_serve(Session& session, const ServeOptions& options) {
  keep_memory_of_bodies();
  // Signals are taken by sigtimedwait(); threads that start from here on leave them alone.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return Serving{session, options}.run();
}

}  // namespace credpool_cli
