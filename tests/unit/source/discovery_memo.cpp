// SPDX-License-Identifier: MIT
#include <credpool/source/discovery_memo.hpp>

#include <credpool/core/clock.hpp>
#include <credpool/impl/source/discovery_bytes.hpp>

#include "made_up_login.hpp"

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <sstream>

namespace cp = credpool;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr auto now = made_up_now;

/// Every member has a value of its own.
cp::Discovery everything() {
  auto login = made_up_login();
  login.status = cp::Status::expired;
  login.account_id = "account-1";
  login.oauth_host = "https://auth.example.com";
  login.refresh_expires_at = now + 24h;
  login.priority = -3;
  login.places = {{"/store", "/service/account", {"chmod it"}, "gemini-cli", true}, {"/other", {}}};
  auto key = cp::Credential::api_key("env", "acme", cp::Secret{"made-up-key"});
  key.kind = cp::Kind::token;
  key.places.push_back({"env:ACME_KEY", {}});
  auto known = cp::Credential::unusable("droid", "factory", "/droid", cp::Reason::malformed, "x");
  known.unread = cp::Credential::Unread{"sha256:00", true, false};
  known.refresh_at = cp::TimePoint{};
  known.places.push_back({"/droid", {}});
  return {{login, key, known},
          {{"gemini-cli", "google", true, "/bin/gemini", {"/store"}, {"/store", "/old"}, {"G_KEY"}},
           {"env", "", false, {}, {}, {}, {}}},
          {}};
}

struct World {
  ThrowawayHome home;
  fs::path login = home.write("login", "text");
  fs::path state = home.path() / "state";
  std::map<std::string, std::string, std::less<>> variables{{"ACME_KEY", "made-up-key"}};

  cp::DiscoveryMemo memo() const { return {state / "memo", home.environment(variables)}; }
  cp::ReadTrace trace() const {
    cp::ReadTrace trace{cp::SystemClock{}.now() + 1h};
    trace.look(login.native());
    return trace;
  }
  void keep() const {
    auto memo = this->memo();
    memo.note(everything(), trace());
    REQUIRE(memo.keep());
  }
  bool knows() const { return memo().recall().has_value(); }
  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    if (fs::exists(state))
      for (const auto& entry : fs::directory_iterator{state}) all.push_back(entry.path());
    return all;
  }
  std::string text() const {
    std::ostringstream bytes;
    bytes << std::ifstream{files().at(0)}.rdbuf();
    return bytes.str();
  }
};

}  // namespace

TEST_CASE("source/discovery_memo: what is recalled is what was found, but for the tokens") {
  const World world;
  CHECK_FALSE(world.knows());
  world.keep();
  const auto found = world.memo().recall();
  REQUIRE(found);
  const auto wanted = everything();
  REQUIRE(found->credentials.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& [id, cli, provider, profile_id, kind, ownership, places, secret, refresh_token,
                 unread, expires_at, refresh_at, refresh_expires_at, base_url, oauth_host, account,
                 account_id, plan, scopes, quotas, priority, status, reason, detail] =
        found->credentials[i];
    const auto& was = wanted.credentials[i];
    CHECK(id == was.id);
    CHECK(cli == was.cli);
    CHECK(provider == was.provider);
    CHECK(profile_id == was.profile_id);
    CHECK(kind == was.kind);
    CHECK(ownership == was.ownership);
    CHECK(secret.empty());
    CHECK(refresh_token.empty());
    REQUIRE(unread);
    CHECK(found->credentials[i].token_hash() == was.token_hash());
    CHECK(found->credentials[i].has_secret() == was.has_secret());
    CHECK(found->credentials[i].has_refresh_token() == was.has_refresh_token());
    CHECK(expires_at == was.expires_at);
    CHECK(refresh_at == was.refresh_at);
    CHECK(refresh_expires_at == was.refresh_expires_at);
    CHECK(base_url == was.base_url);
    CHECK(oauth_host == was.oauth_host);
    CHECK(account == was.account);
    CHECK(account_id == was.account_id);
    CHECK(plan == was.plan);
    CHECK(scopes == was.scopes);
    CHECK(quotas.empty());
    CHECK(priority == was.priority);
    CHECK(status == was.status);
    CHECK(reason == was.reason);
    CHECK(detail == was.detail);
    REQUIRE(places.size() == was.places.size());
    for (std::size_t at = 0; at < places.size(); ++at) {
      CHECK(places[at].location == was.places[at].location);
      CHECK(places[at].pointer == was.places[at].pointer);
      CHECK(places[at].warnings == was.places[at].warnings);
      CHECK(places[at].cli == was.places[at].cli);
      CHECK(places[at].shared == was.places[at].shared);
    }
  }
  REQUIRE(found->clis.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& [cli, provider, names_programs, program, there, looked_at, variables] =
        found->clis[i];
    CHECK(cli == wanted.clis[i].cli);
    CHECK(provider == wanted.clis[i].provider);
    CHECK(names_programs == wanted.clis[i].names_programs);
    CHECK(program == wanted.clis[i].program);
    CHECK(there == wanted.clis[i].files_found);
    CHECK(looked_at == wanted.clis[i].files_looked_at);
    CHECK(variables == wanted.clis[i].variables_set);
  }
}

TEST_CASE("source/discovery_memo: the file is ours alone and holds no token") {
  const World world;
  world.keep();
  struct stat facts {};
  REQUIRE(::lstat(world.files().at(0).c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
  CHECK(world.text().find("made-up") == std::string::npos);
  CHECK(world.text().find(cp::token_hash("made-up-key")) != std::string::npos);
}

TEST_CASE("source/discovery_memo: another file or environment makes it another answer") {
  World world;
  world.keep();
  CHECK(world.knows());
  for (const auto* terminal : {"PWD", "SHLVL", "TERM", "WINDOWID", "_"}) {
    world.variables[terminal] = "other";
    CHECK(world.knows());
  }
  world.variables["NEW_VARIABLE"] = "";
  CHECK_FALSE(world.knows());
  world.variables.erase("NEW_VARIABLE");
  world.variables["ACME_KEY"] = "made-up-other";
  CHECK_FALSE(world.knows());
  world.keep();  // beside the first one
  CHECK(world.files().size() == 2);
  world.variables["ACME_KEY"] = "made-up-key";
  CHECK(world.knows());
  world.home.write("login", "text");
  CHECK_FALSE(world.knows());
}

TEST_CASE("source/discovery_memo: another program finds for itself") {
  const World world;
  const auto memo = [&](std::string_view who) {
    return cp::DiscoveryMemo{world.state / "memo", world.home.environment(world.variables), who};
  };
  auto one = memo("/bin/one");
  one.note(everything(), world.trace());
  REQUIRE(one.keep());
  CHECK(memo("/bin/one").recall());
  CHECK_FALSE(memo("/bin/other").recall());
}

TEST_CASE("source/discovery_memo: an address with a password or a query is not kept") {
  const World world;
  const auto kept = [&](auto&& change) {
    auto discovery = everything();
    change(discovery.credentials[0]);
    auto memo = world.memo();
    memo.note(discovery, world.trace());
    REQUIRE(memo.keep());
    return !world.files().empty();
  };
  CHECK_FALSE(kept([](auto& one) { one.base_url = "https://ada:made-up@api.example.com"; }));
  CHECK_FALSE(kept([](auto& one) { one.base_url = "https://api.example.com/?key=made-up"; }));
  CHECK_FALSE(kept([](auto& one) { one.oauth_host = "https://made-up@auth.example.com"; }));
  CHECK_FALSE(kept([](auto& one) { one.places[1].pointer = "/apiKey@https:~1~1a:b@example.com"; }));
  CHECK(kept([](auto& one) { one.places[1].pointer = "/apiKey@https:~1~1ampcode.com~1"; }));
}

TEST_CASE("source/discovery_memo: what is not sure, or not the whole, is not kept") {
  const World world;
  const auto kept = [&](const cp::Discovery& discovery, const cp::ReadTrace& trace) {
    auto memo = world.memo();
    memo.note(discovery, trace);
    REQUIRE(memo.keep());
    return !world.files().empty();
  };
  CHECK_FALSE(kept(everything(), cp::ReadTrace{cp::SystemClock{}.now() + 1h}));  // of nothing
  cp::ReadTrace too_early{cp::SystemClock{}.now()};
  too_early.look(world.login.native());
  CHECK_FALSE(kept(everything(), too_early));
  auto failed = everything();
  failed.failures.push_back({"broken", cp::Error{cp::Errc::io, "reading", "it", {}}});
  CHECK_FALSE(kept(failed, world.trace()));
  auto with_quota = everything();
  with_quota.credentials[0].quotas.emplace_back();
  CHECK_FALSE(kept(with_quota, world.trace()));
  auto large = everything();
  large.credentials[0].detail.assign(2 << 20, 'x');
  CHECK_FALSE(kept(large, world.trace()));
  CHECK(kept(everything(), world.trace()));
}

TEST_CASE("source/discovery_memo: a damaged, cut, foreign or readable file counts as none") {
  const World world;
  world.keep();
  const auto file = world.files().at(0);
  const auto good = world.text();
  const auto knows_after = [&](std::string_view bytes) {
    std::ofstream{file, std::ios::binary} << bytes;
    return world.knows();
  };
  for (std::size_t at = 0; at < good.size(); at += 7) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    CHECK_FALSE(knows_after(bad));
    CHECK_FALSE(knows_after(good.substr(0, at)));
  }
  CHECK_FALSE(knows_after(good + '\0'));
  CHECK(knows_after(good));
  ::chmod(file.c_str(), 0640);
  CHECK_FALSE(world.knows());
  ::chmod(file.c_str(), 0600);
  CHECK(world.knows());
  fs::rename(file, world.state / "elsewhere");
  fs::create_symlink("elsewhere", file);
  CHECK_FALSE(world.knows());
  auto memo = world.memo();
  memo.note(everything(), world.trace());
  const auto refused = memo.keep();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().errc() == cp::Errc::unsafe_file);
}

TEST_CASE("source/discovery_memo: what was done stands while its files do, up to a time") {
  const World world;
  const auto history = world.home.write("history", "text");
  const auto before = [&] {
    cp::ReadTrace trace{cp::SystemClock{}.now() + 1h};
    trace.look(history.native());
    return trace;
  };
  auto memo = world.memo();
  CHECK_FALSE(memo.followed_up(now));
  memo.note_follow_up(before(), now, now + 1h);  // of no discovery
  CHECK_FALSE(memo.followed_up(now));
  memo.note(everything(), world.trace());
  const auto changed = before();
  world.home.write("history", "other");
  memo.note_follow_up(changed, now, now + 1h);
  CHECK_FALSE(memo.followed_up(now));
  memo.note_follow_up(before(), now, now + 1h);
  REQUIRE(memo.keep());

  auto next = world.memo();
  CHECK_FALSE(next.followed_up(now));
  REQUIRE(next.recall());
  CHECK(next.followed_up(now));
  CHECK(next.followed_up(now + 59min));
  CHECK_FALSE(next.followed_up(now + 1h));
  CHECK_FALSE(next.followed_up(now - 1ms));  // the clock was set back
  world.home.write("history", "other");
  CHECK_FALSE(next.followed_up(now));
}

TEST_CASE("source/discovery_memo: the sixteen that were used last stay") {
  World world;
  const auto now = fs::file_time_type::clock::now();
  for (int i = 0; i < 20; ++i) {
    world.variables["N"] = std::to_string(i);
    world.keep();
    for (const auto& file : world.files())
      if (fs::last_write_time(file) > now - 1h) fs::last_write_time(file, now - 48h + i * 1s);
  }
  CHECK(world.files().size() == 16);
  CHECK(world.knows());
  world.variables["N"] = "6";
  REQUIRE(world.knows());  // in use again
  world.variables["N"] = "20";
  world.keep();
  world.variables["N"] = "21";
  world.keep();
  world.variables["N"] = "22";
  world.keep();
  CHECK(world.files().size() == 16);
  world.variables["N"] = "6";
  CHECK(world.knows());
  world.variables["N"] = "5";
  CHECK_FALSE(world.knows());
  world.variables["N"] = "3";
  CHECK_FALSE(world.knows());
  world.variables["N"] = "8";
  CHECK(world.knows());
}

TEST_CASE("source/discovery_memo: bytes of a discovery that are cut or altered give none, or one") {
  const auto bytes = cp::detail::bytes_of_discovery(everything());
  REQUIRE(cp::detail::discovery_of_bytes(bytes));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    CHECK_FALSE(cp::detail::discovery_of_bytes(std::string_view{bytes}.substr(0, at)));
    auto altered = bytes;
    altered[at] = '\xff';
    (void)cp::detail::discovery_of_bytes(altered);  // the sanitizers look on
  }
  CHECK_FALSE(cp::detail::discovery_of_bytes(bytes + "x"));
}
