// SPDX-License-Identifier: MIT
#include <credpool/store/sealed_source.hpp>

#include <credpool/source/concept.hpp>
#include <credpool/store/memory_secrets.hpp>
#include <credpool/store/sealed.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

static_assert(cp::CredentialSource<cp::SealedSource<cp::MemorySecrets>>);
static_assert(cp::CredentialSource<cp::SealedSource<cp::SealedFile>>);

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};

cp::SecretRecord record_of(cp::Kind kind, std::string_view secret) {
  return {"kimi-code:work",   "kimi-cli", "kimi-code",           kind,
          cp::Secret{secret}, now,        "https://api.example", "a note"};
}

}  // namespace

TEST_CASE("store/sealed_source: a manual import is found like any other login") {
  const ThrowawayHome home;
  cp::MemorySecrets store;
  REQUIRE(store.put(record_of(cp::Kind::api_key, "sk-fake")));
  const auto found = cp::SealedSource{store}.discover(home.environment());
  REQUIRE(found->size() == 1);
  const auto& credential = found->front();
  CHECK(credential.cli == "kimi-cli");
  CHECK(credential.provider == "kimi-code");
  CHECK(credential.profile_id == "kimi-code:work");
  CHECK(credential.kind == cp::Kind::api_key);
  CHECK(credential.ownership == cp::Ownership::adopt);
  CHECK(credential.base_url == "https://api.example");
  CHECK(credential.secret.reveal() == "sk-fake");
  CHECK(credential.usable_at(now));
  REQUIRE(credential.places.size() == 1);
  CHECK(credential.places[0].location == "memory");
  CHECK(credential.places[0].pointer == "kimi-code:work");
  CHECK(credential.places[0].cli == "kimi-cli");
  // A key is named by itself, so that the same key in a CLI's store is the same credential.
  CHECK(credential.id == cp::Credential::api_key("x", "kimi-code", cp::Secret{"sk-fake"}).id);
}

TEST_CASE("store/sealed_source: a token stays a token") {
  cp::MemorySecrets store;
  REQUIRE(store.put(record_of(cp::Kind::token, "tok-fake")));
  const ThrowawayHome home;
  CHECK(cp::SealedSource{store}.discover(home.environment())->front().kind == cp::Kind::token);
}

TEST_CASE("store/sealed_source: a secret that cannot be unsealed is listed with its reason") {
  const ThrowawayHome home;
  const auto environment = home.environment();
  const auto directory = *cp::StateDirectory::locate(environment);
  cp::SealedFile store{directory, environment};
  REQUIRE(store.put(record_of(cp::Kind::api_key, "sk-fake")));
  std::filesystem::remove(directory.key_file());
  const auto found = cp::SealedSource{store}.discover(environment);
  REQUIRE(found->size() == 1);
  CHECK(found->front().reason == cp::Reason::encrypted_elsewhere);
  CHECK(found->front().status_at(now) == cp::Status::invalid);
  CHECK(found->front().profile_id == "kimi-code:work");
  CHECK(found->front().places[0].location == directory.secrets_file().string());
  CHECK(found->front().detail.find("import the secret again") != std::string::npos);
  home.write(".local/state/credpool/key", "x", 0600);
  CHECK(cp::SealedSource{store}.discover(environment)->front().reason == cp::Reason::unreadable);
}

TEST_CASE("store/sealed_source: a file that cannot be read is an error, not an empty list") {
  const ThrowawayHome home;
  const auto environment = home.environment();
  cp::SealedFile store{*cp::StateDirectory::locate(environment), environment};
  CHECK(cp::SealedSource{store}.discover(environment)->empty());
  home.write(".local/state/credpool/secrets.json", "{");
  CHECK(cp::SealedSource{store}.discover(environment).error().errc() == cp::Errc::malformed);
}
