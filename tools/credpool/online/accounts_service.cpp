// SPDX-License-Identifier: MIT
#include "accounts_service.hpp"

#include "account_site.hpp"

#include <credpool/account/pricing.hpp>
#include <credpool/core/file.hpp>

#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

std::string variable(const Session& session, const char* name, std::string fallback = {}) {
  const auto value = session.environment().variable(name);
  return value && !value->empty() ? std::string{*value} : std::move(fallback);
}

/// From the variables that the first server of this kind had.
cp::Result<std::optional<cp::StripeSettings>> stripe_settings(const Session& session) {
  cp::StripeSettings stripe;
  stripe.secret_key = cp::Secret{variable(session, "STRIPE_SECRET_KEY")};
  if (stripe.secret_key.empty()) return std::optional<cp::StripeSettings>{};
  stripe.webhook_secret = cp::Secret{variable(session, "STRIPE_WEBHOOK_SECRET")};
  if (stripe.webhook_secret.empty())
    return cp::fail(cp::Errc::configuration, "setting up payments", "STRIPE_WEBHOOK_SECRET",
                    "without it no payment can be believed: set it to the endpoint's secret");
  stripe.api_base = variable(session, "STRIPE_API_BASE", stripe.api_base);
  const auto base = variable(session, "APP_BASE_URL");
  if (base.empty())
    return cp::fail(cp::Errc::configuration, "setting up payments", "APP_BASE_URL",
                    "set it to the page to which people come back from paying");
  stripe.success_url = base + "/?payment=done";
  stripe.cancel_url = base + "/?payment=cancelled";
  return std::optional{std::move(stripe)};
}

std::optional<cp::GitHubSettings> github_settings(const Session& session) {
  cp::GitHubSettings github;
  github.client_id = variable(session, "GITHUB_CLIENT_ID");
  if (github.client_id.empty()) return std::nullopt;
  github.login_base = variable(session, "GITHUB_LOGIN_BASE", github.login_base);
  github.api_base = variable(session, "GITHUB_API_BASE", github.api_base);
  return github;
}

cp::Result<cp::PriceTable> prices(const Session& session, const std::string& file) {
  if (file.empty()) return cp::PriceTable::built_in();
  const auto text = cp::read_file(session.environment().expand(file), session.environment(),
                                  {.max_bytes = 1 << 20});
  if (!text) return cp::fail(text.error());
  return cp::PriceTable::parse(text->bytes.reveal());
}

}  // namespace

cp::Result<std::unique_ptr<AccountsService>> AccountsService::open(
    const Session& session, const cp::Settings& settings, const cp::StateDirectory& directory,
    const AccountsOptions& options, cp::HttplibTransport& transport) {
  std::unique_ptr<AccountsService> made{new AccountsService};
  const auto& environment = session.environment();
  auto stripe = stripe_settings(session);
  if (!stripe) return cp::fail(stripe.error());
  auto price_table = prices(session, options.prices);
  if (!price_table) return cp::fail(price_table.error());
  auto calendar = cp::LedgerCalendar::open(options.time_zone, environment);
  if (!calendar) return cp::fail(calendar.error());
  auto stores = open_account_stores(settings, directory, environment);
  if (!stores) return cp::fail(stores.error());
  made->stores_ = std::move(*stores);
  made->stripe_ = stripe->has_value();
  made->grants_ = options.grant_credits;
  made->time_zone_ = options.time_zone;

  cp::AccountApiOptions api;
  api.store = made->stores_.accounts.get();
  api.passwords = &made->passwords_;
  api.payments = made->stores_.payments.get();
  api.now = [] { return cp::SystemClock{}.now(); };
  api.send = [&transport](const cp::Request& request) { return transport.send(request); };
  api.stripe = std::move(*stripe);
  api.github = github_settings(session);
  api.grant_credits = options.grant_credits;
  api.login_revokes = !options.several_logins;
  api.open_registration = !options.closed;
  api.cors_origins = options.cors_origins;
  api.day_of = [calendar = *calendar](cp::TimePoint at) { return calendar.day(at); };
  made->api_ = std::make_unique<cp::AccountApi>(std::move(api));
  AccountKeeperOptions keeping;
  keeping.now = [] { return cp::SystemClock{}.now(); };
  keeping.on_error = [&session](const cp::Error& error) {
    session.note("accounts: " + harmless(error.message()));
  };
  keeping.keep_requests = std::chrono::hours{24} * options.keep_requests;
  made->keeper_ =
      std::make_unique<AccountKeeper>(*made->api_, *made->stores_.accounts, std::move(keeping));

  cp::LedgerOptions ledger;
  ledger.calendar = std::move(*calendar);
  ledger.now = [] { return cp::SystemClock{}.now(); };
  ledger.steady = [] { return cp::SystemClock{}.steady(); };
  auto started = cp::Ledger::start(*made->stores_.accounts, std::move(ledger));
  if (!started) return cp::fail(started.error());
  made->ledger_ = std::move(*started);
  auto& keeper = *made->keeper_;
  made->gate_ = std::make_shared<AccountsGate>(
      *made->ledger_, std::move(*price_table), settings.proxy.max_body_bytes,
      [&keeper](std::string digest, std::function<void()> again) {
        keeper.too_little(std::move(digest), std::move(again));
      },
      [&keeper, &settled = made->settled_](const cp::AccountId& account, cp::Money cost) {
        settled += cost.micros;
        keeper.spent(account);
      });
  return made;
}

AccountsService::~AccountsService() = default;

std::shared_ptr<cp::ServerHandler> AccountsService::site(std::shared_ptr<cp::ServerHandler> proxy) {
  return std::make_shared<AccountSite>(
      *api_, std::move(proxy),
      [&ledger = *ledger_](std::string_view hash) { ledger.recheck(hash); });
}

AccountsView AccountsService::view() {
  return {.api = *api_,
          .store = *stores_.accounts,
          .key_changed = [&ledger = *ledger_](std::string_view hash) { ledger.recheck(hash); },
          .now = [] { return cp::SystemClock{}.now(); },
          .payment = std::string{payment()},
          .time_zone = time_zone_};
}

std::string_view AccountsService::payment() const noexcept {
  if (stripe_) return "credits are paid by card (Stripe)";
  if (grants_) return "credits are given without a payment (--grant-credits)";
  return "nobody can buy credits: set STRIPE_SECRET_KEY, or give them away with --grant-credits";
}

}  // namespace credpool_cli
