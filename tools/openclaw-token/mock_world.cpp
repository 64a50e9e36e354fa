// SPDX-License-Identifier: MIT
// The made-up server: the real interface over accounts in memory, which are kept in a file of the
// mock's own profile. Nothing else of this machine is looked at, and no network is.

#include "channel.hpp"

#include <credpool/account/api.hpp>
#include <credpool/account/keys.hpp>
#include <credpool/account/memory_store.hpp>
#include <credpool/account/password.hpp>
#include <credpool/core/file.hpp>
#include <credpool/core/file_lock.hpp>

namespace openclaw_token {

namespace cp = credpool;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view demo_email = "demo@openclaw.dev";
constexpr std::string_view demo_password = "Demo1234!";
constexpr std::string_view demo_key = "sk-mgmt-de000000-0000-0000-0000-000000000000";
constexpr std::size_t most_bytes = 64 << 20;  // of the world's file

class MockChannel final : public Channel {
 public:
  MockChannel(const Session& session, fs::path file)
      : session_{&session}, file_{std::move(file)}, lock_file_{file_.string() + ".lock"} {}

  /// Makes the world if there is none. @return whether it was made
  cp::Result<bool> prepare() {
    std::error_code failed;
    if (fs::exists(file_, failed)) return false;
    if (auto made = cp::make_private_directory(file_.parent_path()); !made)
      return cp::fail(made.error());
    const auto lock = take_turn();
    if (!lock) return cp::fail(lock.error());
    if (fs::exists(file_, failed)) return false;
    auto store = cp::MemoryAccountStore{};
    if (auto done = add_demo_account(store); !done) return cp::fail(done.error());
    if (auto done = save(store.document()); !done) return cp::fail(done.error());
    return true;
  }

  cp::Result<cp::Response> send(const ApiCall& call) override {
    const auto lock = take_turn();
    if (!lock) return cp::fail(lock.error());
    const auto file = cp::read_file(file_, session_->environment(), {most_bytes, false, true});
    if (!file) return cp::fail(file.error());
    const auto before = file->bytes.reveal();
    auto store = cp::MemoryAccountStore::from_document(before);
    if (!store) return cp::fail(store.error());
    cp::SaltedDigestHasher passwords;
    cp::AccountApiOptions options;
    options.store = &*store;
    options.passwords = &passwords;
    options.now = [this] { return session_->now(); };
    options.grant_credits = true;
    options.login_revokes = false;  // the demo account's own key always works
    options.mock_github = true;
    options.limits.management_keys = 1'000'000;
    cp::AccountApi api{std::move(options)};
    const auto question = call.path.find('?');
    cp::ApiRequest request;
    request.method = call.method;
    request.path = "/v1" + call.path.substr(0, question);
    if (question != std::string::npos) request.query = call.path.substr(question + 1);
    if (!call.token.empty()) request.authorization = "Bearer " + std::string{call.token.reveal()};
    request.idempotency_key = call.idempotency_key;
    request.body = call.body;
    auto response = api.handle(request);
    if (const auto after = store->document(); after != before)
      if (auto done = save(after); !done) return cp::fail(done.error());
    return response;
  }

 private:
  cp::Result<cp::FileLock> take_turn() const {
    return cp::FileLock::take(lock_file_, cp::Duration{10'000}, "waiting for the made-up server");
  }

  cp::Result<void> save(const std::string& document) const {
    // Not synced: nothing in it is real.
    return cp::replace_file(file_, document, 0600, false, false);
  }

  cp::Result<void> add_demo_account(cp::MemoryAccountStore& store) const {
    const auto now = session_->now();
    auto id = cp::new_uuid(), transaction = cp::new_uuid();
    if (!id || !transaction) return cp::fail((id ? transaction : id).error());
    auto hash = cp::SaltedDigestHasher{}.hash(demo_password);
    if (!hash) return cp::fail(hash.error());
    cp::Account account;
    account.id = *id;
    account.email = demo_email;
    account.password_hash = std::move(*hash);
    account.created_at = now;
    if (auto added = store.add_account(account, {cp::key_digest(demo_key), *id, now, std::nullopt});
        !added)
      return added;
    const auto credited = store.credit({.account = *id,
                                        .type = cp::TransactionType::grant,
                                        .amount = cp::Money::dollars(100),
                                        .description = "Demo credits",
                                        .reference = {},
                                        .id = *transaction,
                                        .now = now});
    if (!credited) return cp::fail(credited.error());
    return {};
  }

  const Session* session_;
  fs::path file_;
  fs::path lock_file_;
};

}  // namespace

cp::Result<std::unique_ptr<Channel>> mock_channel(const Session& session,
                                                  const ProfileDirectory& profiles) {
  const auto folder = profiles.folder();
  if (!folder) return cp::fail(folder.error());
  auto channel = std::make_unique<MockChannel>(session, *folder / "world.json");
  const auto made = channel->prepare();
  if (!made) return cp::fail(made.error());
  if (*made) {
    ProfileConfig config;
    config.management_key = cp::Secret{demo_key};
    config.api_base = default_api_base;
    config.email = demo_email;
    config.created_at = config.last_login = session.timestamp();
    if (auto done = profiles.write(config); !done) return cp::fail(done.error());
  }
  return std::unique_ptr<Channel>{std::move(channel)};
}

}  // namespace openclaw_token
