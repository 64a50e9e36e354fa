#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/core/secret.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace credpool_cli {

// One options record and one function for each command. A function returns the process exit code:
// 0 ok, 1 missing, expired or failed, 2 expiring soon, 3 usage or configuration, 4 login needed,
// 5 outcome unknown.

struct ScanOptions {
  bool import = false;
  bool validate = false;
  std::vector<std::string> clis = {};
};
int run_scan(Session& session, const ScanOptions& options);

struct HistoryOptions {
  bool clear = false;
  bool verify = false;
  bool yes = false;
  std::optional<std::uint64_t> limit = {};
  std::string cli = {};
  std::string export_file = {};  ///< "-" is standard output
};
int run_history(Session& session, const HistoryOptions& options);

struct ImportManualOptions {
  std::string cli = {};
  std::string token = {};
  std::string file = {};
  std::string profile = {};
  std::string provider = {};
  std::string base_url = {};
  bool from_stdin = false;
  bool no_validate = false;
};
int run_import_manual(Session& session, const ImportManualOptions& options);

struct StatusOptions {
  bool check = false;
  std::vector<std::string> clis = {};
};
int run_status(Session& session, const StatusOptions& options);
int run_list(Session& session, const StatusOptions& options);

struct RefreshOptions {
  std::string name = {};  ///< a CLI, a profile or an id
  std::string method = {};
  std::string ownership = {};
  bool force = false;
  bool no_browser = false;
};
int run_refresh(Session& session, const RefreshOptions& options);

struct LoginOptions {
  std::string cli = {};
  std::string method = {};
  std::string profile = {};
  std::string region = {};
  bool no_browser = false;
};
int run_login(Session& session, const LoginOptions& options);

struct LogoutOptions {
  std::string name = {};  ///< a profile or an id
  bool yes = false;
};
int run_logout(Session& session, const LogoutOptions& options);

struct RenewOptions {
  bool watch = false;
  bool cron = false;
  std::string log = {};
  std::vector<std::string> clis = {};
};
int run_renew(Session& session, const RenewOptions& options);
int run_renew_install(Session& session, const RenewOptions& options);
int run_renew_uninstall(Session& session);
int run_renew_status(Session& session);

/// Accounts, credits and keys of `serve`.
struct AccountsOptions {
  bool grant_credits = false;   ///< credits are given without a payment
  bool several_logins = false;  ///< a login does not end the others of its account
  bool closed = false;          ///< strangers may not register
  std::string time_zone = "UTC";
  std::string prices = {};  ///< a file of prices; empty: those that came with the program
  std::vector<std::string> cors_origins = {};
  int keep_requests = 400;  ///< days for which single requests are kept
};

struct ServeOptions {
  std::vector<std::string> listen = {};  ///< empty: as the configuration says
  std::vector<std::string> allow = {};   ///< providers whose policy is "ask"
  bool open = false;                     ///< one static key, this machine only
  std::string key_file = {};             ///< empty: in the state directory
  std::string log = "text";              ///< "text", "json" or "off"
  std::string tls_certificate = {};
  std::string tls_key = {};
  std::vector<std::string> only = {};         ///< parts that are started; empty: all
  std::vector<std::string> allow_hosts = {};  ///< further names that Host may have
  bool no_ui = false;
  bool insecure_remote = false;                   ///< others may reach it without TLS
  std::string ui_directory = {};                  ///< pages from there, for work on them
  std::vector<std::string> trusted_proxies = {};  ///< whose X-Forwarded-For is believed
  unsigned threads = 0;                           ///< 0: one for each processor
  AccountsOptions accounts = {};                  ///< without `open`
  /// Told the first listener's address and the key once requests are taken, in place of the notes
  /// on what is lent; for a server inside another command. SIGTERM to its thread ends it.
  std::function<void(const std::string& url, const credpool::Secret& key)> when_ready = {};
};
int run_serve(Session& session, const ServeOptions& options);
int run_serve_install(Session& session, const ServeOptions& options);
int run_serve_uninstall(Session& session);
int run_serve_status(Session& session);

struct UiOptions {
  bool no_browser = false;
  bool sign_out = false;  ///< all browsers, instead of making a link
};
int run_ui(Session& session, const UiOptions& options);

struct RpcOptions {
  std::string method = {};
  std::string params = {};      ///< JSON, "@FILE" or "-"; empty: none
  std::string url = {};         ///< empty: the running server's
  std::string token_file = {};  ///< empty: in the state directory
  bool stdio = false;           ///< serve the methods on standard input and output
};
int run_rpc(Session& session, const RpcOptions& options);

struct TopOptions {
  bool once = false;  ///< one picture, then the end
};
int run_top(Session& session, const TopOptions& options);

struct AccountsImportOptions {
  std::string from = {};  ///< the other server's database
  std::string time_zone = "UTC";
  bool dry_run = false;
};
int run_accounts_import(Session& session, const AccountsImportOptions& options);

struct AccountsGrantOptions {
  std::string email = {};
  std::string amount = {};
  std::string note = {};
};
int run_accounts_grant(Session& session, const AccountsGrantOptions& options);
int run_accounts_list(Session& session);
int run_accounts_payments(Session& session);

/// What acquire, exec and explain ask the pool for.
struct RequestOptions {
  std::string provider = {};
  std::string model = {};
  std::string session = {};
  std::string pin = {};
};
struct AcquireOptions {
  RequestOptions request = {};
  bool reveal = false;
};
int run_acquire(Session& session, const AcquireOptions& options);
int run_explain(Session& session, const RequestOptions& options);

struct ExecOptions {
  RequestOptions request = {};
  std::string variable = {};
  std::vector<std::string> command = {};
};
int run_exec(Session& session, const ExecOptions& options);

struct CooldownOptions {
  bool clear = false;
  bool all = false;
  std::string credential = {};
  std::string model = {};
};
int run_cooldown(Session& session, const CooldownOptions& options);

enum class ConfigVerb { show, check, path };
int run_config(Session& session, ConfigVerb verb);

int run_doctor(Session& session);

struct SimulateOptions {
  std::string policy = {};  ///< empty: every policy, side by side
  std::string trace = {};   ///< NDJSON file; empty: a generated one
  std::uint64_t requests = 2000;
  std::uint64_t credentials = 4;
  std::uint64_t limit_per_minute = 60;
  std::uint64_t sessions = 8;
  std::uint64_t seed = 1;
};
int run_simulate(Session& session, const SimulateOptions& options);

struct DemoOptions {
  std::string home =
      {};  ///< make the world there and leave it; empty: a throw-away one, and a tour
  bool serve = false;
};
int run_demo(Session& session, const DemoOptions& options);

}  // namespace credpool_cli
