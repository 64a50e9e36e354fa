// SPDX-License-Identifier: MIT
#include <credpool/source/gemini_cli.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};  // 2026-11-18
constexpr auto store = ".gemini/oauth_creds.json";
constexpr auto encrypted_store = ".gemini/gemini-credentials.json";
constexpr auto settings = ".gemini/settings.json";

using Variables = std::map<std::string, std::string, std::less<>>;

/// Fixture G7: made for host "testhost" and user "tester", the names of a throw-away home.
constexpr std::string_view encrypted =
    "111111111111111111111111:00df255fd0ca9735fafe9584db261676:644dad340d81e91a9551bdf66e90b3"
    "7fa10007363e47117867c533a47fb4a8f0293b3ee056650e39fce5885a02e87298391828c764c8b8ebdce435"
    "9d82e19ab3e16d26cc76f0f397a4d44863797da94523ce287a19138685526ad0d97e71a458e2fbd12e8bdcd8"
    "89a275d28538b3e4410da3817920e306293209175ff1f138fe5f48d6a24366371b940715b9b2a62bfe71cad4"
    "98e79e3f3751197ac90ac3e8fb938cb0dde65be2016b47efc4d7d20c35162929";
/// The same with an initialisation vector of 16 bytes, as older versions wrote it.
constexpr std::string_view encrypted_old =
    "11111111111111111111111111111111:245272797cfc3d3490ecf68798b6bafa:0b34163b2559d1faf9caac"
    "9b320af655e5e27f224488538a30dc89b94a673ad488139a2011d20abf781ae1467682b0f6fd34060a763716"
    "e3df6d8241746cad711afc0a41d151276222d4a0916c4a3d5ecd230d70aad23d3629859f36873e393d195b7a"
    "7ba7b564f3bfc36f6fe905f35c8631b41a52d24cfd2f0f9210b38154575799dad0e572b6abb0de683ff36492"
    "ea0304c4487f655e6c04bbb8afa8265fc92c5b26f2ceeec530a5415fd97c869f283c6003";
/// A login, a key without its token and an MCP server's login, made with Node's crypto.
constexpr std::string_view encrypted_login =
    "222222222222222222222222:c058288ec788d2a1b6b51ba6e13c28d1:114ffdff108f00b28b90bf5e37da49"
    "db0f7b40c11d7fbc46752bf00d6e5d30f2a8ac75ce45959dd7aac9e508894578c0b6d92e08fde5fe17d30808"
    "3606bc1632f7aff0d8bd916e450266fe9d62b75c6adb105c596da252ac9251a31aad42ac8f52e747fa180d6f"
    "d84027208e4cd3104182d8b19140aa4605eae8d8745ae524a63c2d38d5f485c656ca83e195986f3fa6d59280"
    "774937e7596963878402317ac18b27350c1838a89576f5ad30cf4863c8357f674835c8a88e91447841589686"
    "43633b93f88b5a3a8201a1904c0d1de5f1149d83545d44d4386f143ab851656e102b04df1510ad84b05ffc30"
    "beb9f8743fbbaf92dce04aba173432d9b9b6c2368edb4ac8804b2d93e5f93e7e13f0088d5c9a31c1b087d2be"
    "ff990b1830a6b6ce5fd9e21962d4b0b5b5c4eadf9e825119fa412d42a782e9e54846757acaaacd5b2af7753c"
    "3186c4b9a47b8ea6ded4089a56e55c1f9bbe491c712b9bc2b173535df2c1";
/// "[]", made in the same way.
constexpr std::string_view encrypted_array =
    "333333333333333333333333:50749e68ed6bb816d3ff0c0778a629a9:0f3b";

std::vector<cp::Credential> found(const cp::Environment& environment) {
  auto result = cp::GeminiCli{}.discover(environment);
  REQUIRE(result);
  return *result;
}

cp::Credential only(const ThrowawayHome& home, Variables variables = {}) {
  auto credentials = found(home.environment(std::move(variables)));
  REQUIRE(credentials.size() == 1);
  return credentials.front();
}

/// The login of fixture G1 with one piece of text replaced.
std::string login(std::string_view from = "", std::string_view to = "") {
  std::string text =
      R"({"access_token":"ya29.fake","refresh_token":"1//rt-fake",)"
      R"("scope":"https://www.googleapis.com/auth/cloud-platform openid","token_type":"Bearer",)"
      R"("id_token":"e30.e30.x","expiry_date":4102444800000})";
  if (!from.empty()) {
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string select(std::string_view type) {
  return R"({/* mine */"security":{"auth":{"selectedType":")" + std::string{type} + R"("}}})";
}

}  // namespace

TEST_CASE("source/gemini_cli: nothing there is nothing found") {
  const ThrowawayHome home;
  CHECK(found(home.environment()).empty());
  home.write(settings, select("vertex-ai"));
  CHECK(found(home.environment()).empty());
}

TEST_CASE("source/gemini_cli: G1 a valid login whose eligibility has to be asked") {
  const ThrowawayHome home;
  home.write(store, login());
  const auto credential = only(home);
  CHECK(credential.cli == "gemini-cli");
  CHECK(credential.provider == "google-gemini-cli");
  CHECK(credential.profile_id == "google-gemini-cli:default");
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.reason_at(now) == cp::Reason::check_eligibility);
  CHECK(credential.usable_at(now));
  CHECK(credential.secret.reveal() == "ya29.fake");
  CHECK(credential.refresh_token.reveal() == "1//rt-fake");
  CHECK(credential.refresh_at == *credential.expires_at - std::chrono::seconds{300});
  CHECK(credential.scopes ==
        std::vector<std::string>{"https://www.googleapis.com/auth/cloud-platform", "openid"});
  home.write(store, login("4102444800000", "1700000000000"));
  CHECK(only(home).status_at(now) == cp::Status::expired);
  CHECK(only(home).reason_at(now) == cp::Reason::refreshable);
}

TEST_CASE("source/gemini_cli: G2 without an expiry it is unknown") {
  const ThrowawayHome home;
  for (const auto* const expiry : {R"("x")", "null", "0", "-5", "\"\"", "1e300"}) {
    CAPTURE(expiry);
    home.write(store, login("4102444800000", expiry));
    CHECK(only(home).reason_at(now) == cp::Reason::expiry_unknown);
    CHECK(only(home).usable_at(now));
  }
  home.write(store, login(R"(,"expiry_date":4102444800000)", ""));
  CHECK(only(home).reason_at(now) == cp::Reason::expiry_unknown);
}

TEST_CASE("source/gemini_cli: G3 without a refresh token it cannot be renewed") {
  const ThrowawayHome home;
  home.write(store, login(R"("refresh_token":"1//rt-fake",)", ""));
  const auto credential = only(home);
  CHECK(credential.usable_at(now));
  CHECK_FALSE(credential.refresh_at);
  CHECK(credential.detail.find("cannot be renewed") != std::string::npos);
  CHECK(credential.reason_at(*credential.expires_at) == cp::Reason::not_refreshable);
}

TEST_CASE("source/gemini_cli: G4 G5 the account's name") {
  const ThrowawayHome home;
  home.write(store, login(R"("id_token":"e30.e30.x",)", ""));
  CHECK(only(home).account.empty());
  home.write(store, login("e30.e30.x", "e30.eyJlbWFpbCI6ImpAdy50In0.x"));
  CHECK(only(home).account == "j@w.t");
  home.write(".gemini/google_accounts.json", R"({"active":"a@b.c","old":[]})");
  CHECK(only(home).account == "a@b.c");
  home.write(".gemini/google_accounts.json", R"({"active":null,"old":["a@b.c"]})");
  CHECK(only(home).account == "j@w.t");
  home.write(".gemini/google_accounts.json", R"({"active":)");
  CHECK(only(home).account == "j@w.t");
  CHECK(only(home).detail.find("google_accounts.json is malformed") != std::string::npos);
}

TEST_CASE("source/gemini_cli: tokens that are empty, missing or unsafe") {
  const ThrowawayHome home;
  home.write(store, R"({"access_token":"","refresh_token":""})");
  CHECK(only(home).reason == cp::Reason::signed_out);
  CHECK(only(home).status == cp::Status::needs_login);
  home.write(store, R"({"access_token":7})");
  CHECK(only(home).reason == cp::Reason::malformed);
  home.write(store, login("ya29.fake", "ya29\\u00e4"));
  CHECK(only(home).reason == cp::Reason::unsafe_token);
  CHECK(only(home).secret.empty());
  home.write(store, login(R"("access_token":"ya29.fake",)", ""));
  CHECK(only(home).status_at(now) == cp::Status::expired);
  CHECK(only(home).reason_at(now) == cp::Reason::refreshable);
}

TEST_CASE("source/gemini_cli: broken stores are listed") {
  const ThrowawayHome home;
  for (const auto& [text, reason] : std::vector<std::pair<std::string, cp::Reason>>{
           {"", cp::Reason::malformed},
           {"[]", cp::Reason::malformed},
           {R"({"access_token":"ya29.fa)", cp::Reason::malformed},
           {R"({"a":1,"a":2})", cp::Reason::duplicate_key},
           {std::string(200, '['), cp::Reason::too_deep},
           {std::string(2 << 20, ' '), cp::Reason::too_large}}) {
    home.write(store, text);
    CHECK(only(home).reason == reason);
    CHECK(only(home).detail.find("ya29") == std::string::npos);
  }
}

TEST_CASE("source/gemini_cli: G6 the settings select what is not there") {
  const ThrowawayHome home;
  const auto path = home.write(settings, select("oauth-personal"));
  auto credential = only(home);
  CHECK(credential.status == cp::Status::needs_login);
  CHECK(credential.reason == cp::Reason::signed_out);
  CHECK(credential.places.front().location == path.string());
  CHECK(only(home, {{"GEMINI_FORCE_ENCRYPTED_FILE_STORAGE", "true"}}).reason ==
        cp::Reason::in_keyring);

  home.write(settings, select("gemini-api-key"));
  credential = only(home);
  CHECK(credential.provider == "gemini");
  CHECK(credential.kind == cp::Kind::api_key);
  CHECK(credential.reason == cp::Reason::in_keyring);
  CHECK(found(home.environment({{"GEMINI_API_KEY", "AIzaFAKE"}})).empty());

  home.write(settings, "{");
  CHECK(only(home).reason == cp::Reason::malformed);
}

TEST_CASE("source/gemini_cli: G6 the key of a .env file, in every spelling") {
  const ThrowawayHome home;
  home.write(settings, select("gemini-api-key"));
  for (const auto* const text :
       {"GEMINI_API_KEY=AIzaFAKE", "export GEMINI_API_KEY=\"AIzaFAKE\"",
        "GEMINI_API_KEY='AIzaFAKE'\n", "# mine\nGEMINI_API_KEY=AIzaFAKE # the key",
        "A=1\r\nGEMINI_API_KEY=AIzaFAKE\r\nB=2\r\n"}) {
    CAPTURE(text);
    const auto path = home.write(".gemini/.env", text);
    const auto credential = only(home);
    CHECK(credential.secret.reveal() == "AIzaFAKE");
    CHECK(credential.provider == "gemini");
    CHECK(credential.cli == "gemini-cli");
    CHECK(credential.places.front().location == path.string());
  }
  home.write(".gemini/.env", "GEMINI_API_KEY=\n#GEMINI_API_KEY=AIzaFAKE\n");
  CHECK(only(home).reason == cp::Reason::in_keyring);
}

TEST_CASE("source/gemini_cli: one .env file is read, the nearest") {
  const ThrowawayHome home;
  const auto below = [&](std::string_view directory) {
    cp::Environment::Facts facts;
    facts.home = home.path();
    facts.working_directory = home.path() / directory;
    facts.user = ::geteuid();
    const auto credentials = found(cp::Environment{facts});
    REQUIRE(credentials.size() == 1);
    return std::string{credentials.front().secret.reveal()};
  };
  home.write(".env", "GEMINI_API_KEY=home");
  CHECK(below("a/b") == "home");
  home.write(".gemini/.env", "GEMINI_API_KEY=home-gemini");
  CHECK(below("a/b") == "home-gemini");
  home.write("a/.env", "GOOGLE_API_KEY=a\nOPENAI_API_KEY=not-read-by-gemini");
  CHECK(below("a/b") == "a");
  home.write("a/.gemini/.env", "GEMINI_API_KEY=a-gemini");
  CHECK(below("a/b") == "a-gemini");
  home.write("a/b/.env", "GEMINI_API_KEY=b");
  CHECK(below("a/b") == "b");
  CHECK(below("elsewhere") == "home-gemini");
}

TEST_CASE("source/gemini_cli: G7 the encrypted store, known answers") {
  const ThrowawayHome home;
  for (const auto& text :
       {std::string{encrypted}, std::string{encrypted_old}, std::string{encrypted} + "\n"}) {
    const auto path = home.write(encrypted_store, text);
    const auto credential = only(home);
    CHECK(credential.provider == "gemini");
    CHECK(credential.kind == cp::Kind::api_key);
    CHECK(credential.secret.reveal() == "AIzaFAKE0000");
    CHECK(credential.profile_id == "gemini:stored");
    CHECK(credential.places.front().location == path.string());
    CHECK(credential.places.front().pointer == "/gemini-cli-api-key/default-api-key");
  }
}

TEST_CASE("source/gemini_cli: G8 G9 another host, another user, one digit changed") {
  const ThrowawayHome home;
  home.write(encrypted_store, encrypted);
  cp::Environment::Facts facts;
  facts.home = home.path();
  facts.working_directory = home.path();
  facts.user = ::geteuid();
  const auto verdict = [&](std::string host, std::string user) {
    facts.host_name = std::move(host);
    facts.user_name = std::move(user);
    const auto credentials = found(cp::Environment{facts});
    REQUIRE(credentials.size() == 1);
    return credentials.front().reason;
  };
  CHECK(verdict("testhost", "tester") == cp::Reason::none);
  CHECK(verdict("otherhost", "tester") == cp::Reason::encrypted_elsewhere);
  CHECK(verdict("testhost", "other") == cp::Reason::encrypted_elsewhere);
  for (const std::size_t digit : {0U, 30U, 100U}) {
    std::string changed{encrypted};
    changed[digit] = changed[digit] == '1' ? '2' : '1';
    home.write(encrypted_store, changed);
    CHECK(only(home).reason == cp::Reason::encrypted_elsewhere);
    CHECK(only(home).status == cp::Status::invalid);
  }
  home.write(settings, select("gemini-api-key"));  // the file may hold it: nothing more is said
  CHECK(only(home).reason == cp::Reason::encrypted_elsewhere);
}

TEST_CASE("source/gemini_cli: G10 what is not of the encrypted form") {
  const ThrowawayHome home;
  const std::string iv(24, '1');
  const std::string tag(32, '0');
  for (const auto& text :
       {std::string{}, std::string{"x"}, iv + tag + "00", iv + ":" + tag + "00",
        iv + ":" + tag + ":0", iv + ":" + tag.substr(2) + ":00", iv.substr(2) + ":" + tag + ":00",
        iv + ":" + tag + ":0g", iv + ":" + tag + ":00:00", std::string{"::"}}) {
    CAPTURE(text);
    home.write(encrypted_store, text);
    CHECK(only(home).reason == cp::Reason::malformed);
  }
}

TEST_CASE("source/gemini_cli: G11 both stores are listed") {
  const ThrowawayHome home;
  home.write(store, login());
  home.write(encrypted_store, encrypted);
  const auto credentials = found(home.environment());
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].provider == "google-gemini-cli");
  CHECK(credentials[1].provider == "gemini");
}

TEST_CASE("source/gemini_cli: GEMINI_CLI_HOME replaces the home") {
  const ThrowawayHome home;
  home.write(store, login());
  home.write("elsewhere/.gemini/oauth_creds.json", login("ya29.fake", "ya29.elsewhere"));
  const auto moved = (home.path() / "elsewhere").string();
  CHECK(only(home, {{"GEMINI_CLI_HOME", moved}}).secret.reveal() == "ya29.elsewhere");
  CHECK(cp::GeminiCli{}.locations(home.environment()).front() == home.path() / store);
}

TEST_CASE("source/gemini_cli: an encrypted store that has not changed is not opened again") {
  const ThrowawayHome home;
  const auto look = [&](const cp::Environment& environment) {
    cp::OpenedStores opened{home.path() / "state/opened-stores.json", environment};
    auto result = cp::GeminiCli{}.discover(environment, &opened);
    REQUIRE(result);
    REQUIRE(opened.keep());
    return *result;
  };
  home.write(".gemini/google_accounts.json", R"({"active":"a@b.c"})");
  for (const auto text : {encrypted, encrypted_login, encrypted_array}) {
    const auto path = home.write(encrypted_store, text);
    const auto first = look(home.environment());
    ::chmod(path.c_str(), 0644);
    const auto again = look(home.environment());
    const auto fresh = found(home.environment());
    REQUIRE(first.size() == again.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      CHECK_FALSE(first[i].unread);
      REQUIRE(again[i].unread);
      CHECK(again[i].secret.empty());
      CHECK(again[i].refresh_token.empty());
      CHECK(again[i].id == fresh[i].id);
      CHECK(again[i].profile_id == fresh[i].profile_id);
      CHECK(again[i].token_hash() == fresh[i].token_hash());
      CHECK(again[i].status_at(now) == fresh[i].status_at(now));
      CHECK(again[i].reason_at(now) == fresh[i].reason_at(now));
      CHECK(again[i].detail == fresh[i].detail);
      CHECK(again[i].account == fresh[i].account);
      CHECK(again[i].expires_at == fresh[i].expires_at);
      CHECK(again[i].scopes == fresh[i].scopes);
      REQUIRE(again[i].places.size() == fresh[i].places.size());
      CHECK(again[i].places.front().location == fresh[i].places.front().location);
      CHECK(again[i].places.front().pointer == fresh[i].places.front().pointer);
      // The file is looked at all the same.
      CHECK(again[i].places.front().warnings == fresh[i].places.front().warnings);
    }
  }
  // Other bytes, another user, another host: opened.
  home.write(encrypted_store, std::string{encrypted} + "\n");
  CHECK_FALSE(look(home.environment()).front().unread);
  CHECK(look(home.environment()).front().unread);
  cp::Environment::Facts facts;
  facts.home = facts.working_directory = home.path();
  facts.user = ::geteuid();
  facts.host_name = "testhost";
  facts.user_name = "somebody";
  auto other = look(cp::Environment{facts});
  CHECK_FALSE(other.front().unread);
  CHECK(other.front().reason == cp::Reason::encrypted_elsewhere);
  other = look(cp::Environment{facts});  // that it cannot be opened is known, too
  CHECK(other.front().unread);
  CHECK(other.front().reason == cp::Reason::encrypted_elsewhere);
  facts.user_name = "tester";
  facts.host_name = "otherhost";
  CHECK_FALSE(look(cp::Environment{facts}).front().unread);
}

TEST_CASE("source/gemini_cli: a login in the encrypted store") {
  const ThrowawayHome home;
  home.write(encrypted_store, encrypted_login);
  home.write(".gemini/google_accounts.json", R"({"active":"a@b.c","old":[]})");
  auto credentials = found(home.environment());
  REQUIRE(credentials.size() == 2);
  const auto& login_found = credentials[0];
  CHECK(login_found.provider == "google-gemini-cli");
  CHECK(login_found.profile_id == "google-gemini-cli:stored");
  CHECK(login_found.secret.reveal() == "ya29.stored");
  CHECK(login_found.refresh_token.reveal() == "1//rt-stored");
  CHECK(login_found.account == "a@b.c");
  CHECK(login_found.reason_at(now) == cp::Reason::check_eligibility);
  CHECK(login_found.expires_at == cp::TimePoint{cp::Duration{4102444800000}});
  CHECK(credentials[1].provider == "gemini");
  CHECK(credentials[1].reason == cp::Reason::malformed);

  home.write(store, login());
  constexpr std::string_view unused = "the CLI uses its other login";
  credentials = found(home.environment());
  CHECK(credentials[0].detail.find(unused) == std::string::npos);
  CHECK(credentials[1].detail.find(unused) != std::string::npos);
  credentials = found(home.environment({{"GEMINI_FORCE_ENCRYPTED_FILE_STORAGE", "true"}}));
  CHECK(credentials[0].detail.find(unused) != std::string::npos);
  CHECK(credentials[1].detail.find(unused) == std::string::npos);

  home.write(encrypted_store, encrypted_array);
  CHECK(found(home.environment()).at(1).reason == cp::Reason::malformed);
}
