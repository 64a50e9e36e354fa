// SPDX-License-Identifier: MIT
#include "gateway.hpp"

#include "key_file.hpp"
#include "presentation.hpp"
#include "session.hpp"

#include <credpool/core/file.hpp>
#include <credpool/core/hash.hpp>

#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include <sys/random.h>
#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t longest_socket_path = 107;  // sun_path

cp::Result<cp::TokenBook> read_tokens(const std::filesystem::path& file,
                                      const cp::Environment& environment) {
  const auto text =
      cp::read_file(file, environment, {.max_bytes = 256 << 10, .follow_symlink = false});
  if (!text && text.error().errc() == cp::Errc::not_found) return cp::TokenBook{};
  if (!text) return cp::fail(text.error());
  auto book = cp::TokenBook::parse(text->bytes.reveal());
  if (!book) {
    auto error = book.error();
    error.place = file.string();
    return cp::fail(std::move(error));
  }
  return book;
}

/// Letters and digits that no earlier run had.
std::string new_epoch() {
  std::array<char, 6> random{};
  if (::getentropy(random.data(), random.size()) != 0)  // then the time must do
    return std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  return cp::to_hex({random.data(), random.size()});
}

}  // namespace

cp::Result<std::unique_ptr<Gateway>> Gateway::open(const Session& session,
                                                   std::filesystem::path directory,
                                                   GatewayOptions options) {
  if (auto made = cp::make_private_directory(directory); !made) return cp::fail(made.error());
  auto tokens = read_tokens(directory / "gateway-tokens.json", session.environment());
  if (!tokens) return cp::fail(tokens.error());
  std::unique_ptr<Gateway> made{new Gateway{session, std::move(directory), std::move(options),
                                            std::move(*tokens), new_epoch()}};
  const auto main = key_in_file(made->token_file(), session.environment(),
                                [] { return cp::new_gateway_token(); });
  if (!main) return cp::fail(main.error());
  made->access_.tokens().set_main(*main, session.now());
  for (const auto& host : made->options_.hosts)
    if (auto added = made->access_.hosts().add_name(host); !added) return cp::fail(added.error());
  add_gateway_methods(made->methods_, *made);
  return made;
}

Gateway::Gateway(const Session& session, std::filesystem::path directory, GatewayOptions options,
                 cp::TokenBook tokens, std::string epoch)
    : session_{session},
      directory_{std::move(directory)},
      options_{std::move(options)},
      access_{[] { return cp::SystemClock{}.now(); }, std::move(tokens)},
      events_{cp::EventHubOptions{.epoch = std::move(epoch)}},
      assets_{options_.ui_directory, session.environment()},
      parts_{.access = access_,
             .rpc = methods_,
             .events = events_,
             .feeds = feeds_,
             .ui = options_.ui ? &assets_ : nullptr,
             .api = options_.api,
             .metrics = [] { return std::string{}; },
             .not_ready = [this] { return not_ready(); },
             .on_access = {},
             .sessions_changed = [this] { keep_sessions(); }} {
  methods_.on_fault([&session](std::string_view method, std::string_view what) {
    session.warn("fault in " + std::string{method} + ": " + harmless(std::string{what}));
  });
}

Gateway::~Gateway() {
  stop();
}

std::shared_ptr<cp::ServerHandler> Gateway::site(std::shared_ptr<cp::ServerHandler> next,
                                                 bool tls) {
  return std::make_shared<GatewaySite>(parts_, std::move(next), tls);
}

std::shared_ptr<cp::ServerHandler> Gateway::own_site() {
  return std::make_shared<GatewaySite>(parts_, nullptr, false, GatewaySite::Socket::own);
}

std::optional<cp::ListenAddress> Gateway::own_address() const {
  const auto path = directory_ / "gateway.sock";
  if (!options_.api || path.native().size() > longest_socket_path) return std::nullopt;
  return cp::ListenAddress{.unix_path = path};
}

void Gateway::serving(const std::vector<cp::ListenAddress>& bound, bool tls, const std::string& url,
                      const std::optional<cp::ListenAddress>& own) {
  bool for_browsers = false;
  for (const auto& address : bound) {
    const bool is_unix = !address.unix_path.empty();
    access_.hosts().add_listener(address, tls && !is_unix);
    for_browsers = for_browsers || !is_unix;
  }
  if (for_browsers) url_ = url;
  started_ = true;
  if (!options_.api || (own_address() && !own)) return;  // another server is the one that is found
  const Json place{{"version", 1},
                   {"url", url_.empty() ? Json(nullptr) : Json(url_)},
                   {"pid", ::getpid()},
                   {"socket", own ? Json(own->unix_path.string()) : Json(nullptr)}};
  const auto written = cp::replace_file(place_file(), place.dump(2) + "\n", 0600, false, false);
  if (!written) session_.warn(harmless(written.error().message()));
  wrote_place_ = written.has_value();
  // Two servers that keep their sessions in one place would undo each other's ends of them.
  if (!own || !options_.ui) return;
  sessions_ = std::make_unique<SessionFile>(sessions_file());
  if (const auto loaded =
          sessions_->load(access_.sessions(), session_.environment(), access_.now());
      !loaded)
    session_.warn(harmless(loaded.error().message()));
}

void Gateway::keep_sessions() {
  if (!sessions_) return;
  if (const auto kept = sessions_->keep(access_.sessions(), access_.now()); !kept)
    session_.warn(harmless(kept.error().message()) +
                  "; browsers have to sign in again after the next start");
}

void Gateway::ready_unless(std::function<std::vector<std::string>()> reasons) {
  reasons_ = std::move(reasons);
}

std::vector<std::string> Gateway::not_ready() const {
  if (draining_) return {"it is stopping"};
  if (!started_) return {"it is starting"};
  return reasons_ ? reasons_() : std::vector<std::string>{};
}

void Gateway::draining() {
  constexpr std::chrono::seconds longest{3};
  constexpr std::chrono::milliseconds step{20};
  draining_ = true;
  const auto before = parts_.refused_readiness.load();
  // Nobody asks: nobody has to be told.
  if (!parts_.readiness_was_asked()) return;
  for (auto waited = step; waited < longest && parts_.refused_readiness.load() == before;
       waited += step)
    std::this_thread::sleep_for(step);
}

void Gateway::stop() {
  keep_sessions();
  if (!std::exchange(wrote_place_, false)) return;
  std::error_code ignored;  // a file that is left says a process id that is no more
  std::filesystem::remove(place_file(), ignored);
}

cp::Result<void> Gateway::reload() {
  const std::lock_guard lock{tokens_mutex_};
  const auto main =
      key_in_file(token_file(), session_.environment(), [] { return cp::new_gateway_token(); });
  if (!main) return cp::fail(main.error());
  access_.tokens().set_main(*main, access_.now());
  return {};
}

cp::Result<void> Gateway::keep_tokens() {
  return cp::replace_file(tokens_file(), access_.tokens().text(), 0600);
}

cp::Result<Gateway::Link> Gateway::link(cp::Scopes scopes) {
  if (!options_.ui || url_.empty())
    return cp::fail(cp::Errc::unsupported, "making a link to the pages", {},
                    options_.ui ? "it listens on a Unix socket only: add --listen 127.0.0.1:8484"
                                : "the pages are switched off: start it without --no-ui");
  const auto now = access_.now();
  const auto code = access_.sessions().make_code(scopes, now);
  if (!code) return cp::fail(code.error());
  return Link{url_ + "/ui/#code=" + std::string{code->reveal()}, access_.sessions().code_ends(now)};
}

std::size_t Gateway::end_sessions() {
  const auto ended = access_.sessions().close_all(access_.now());
  keep_sessions();
  return ended;
}

cp::Result<cp::Secret> Gateway::create_token(const std::string& name, cp::Scopes scopes,
                                             std::optional<cp::TimePoint> expires_at) {
  const std::lock_guard lock{tokens_mutex_};
  auto token = access_.tokens().create(name, scopes, access_.now(), expires_at);
  if (!token) return token;
  if (auto kept = keep_tokens(); !kept) {
    (void)access_.tokens().revoke(name);  // it is there: it was just made
    return cp::fail(kept.error());
  }
  return token;
}

cp::Result<cp::Secret> Gateway::rotate_token(const std::string& name) {
  const std::lock_guard lock{tokens_mutex_};
  if (name == cp::TokenBook::main_name) {
    auto token = cp::new_gateway_token();
    if (!token) return token;
    if (auto written = write_key_file(token_file(), *token); !written)
      return cp::fail(written.error());
    access_.tokens().set_main(*token, access_.now());
    return token;
  }
  auto token = access_.tokens().rotate(name, access_.now());
  if (!token) return token;
  if (auto kept = keep_tokens(); !kept) return cp::fail(kept.error());
  return token;
}

cp::Result<void> Gateway::revoke_token(const std::string& name) {
  const std::lock_guard lock{tokens_mutex_};
  if (auto revoked = access_.tokens().revoke(name); !revoked) return revoked;
  return keep_tokens();
}

}  // namespace credpool_cli
