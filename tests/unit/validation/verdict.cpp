// SPDX-License-Identifier: MIT
#include <credpool/validation/verdict.hpp>

#include <credpool/credential/credential.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using cp::Finding;
using cp::Reason;
using cp::Status;

namespace {

cp::Verdict probed(Finding finding) {
  cp::Verdict verdict;
  verdict.finding = finding;
  verdict.probed = true;
  verdict.detail = "words";
  return verdict;
}

cp::Credential key() {
  return cp::Credential::api_key("env", "openai", cp::Secret{"sk-FAKE"});
}

}  // namespace

TEST_CASE("validation/verdict: what each finding makes of a working credential") {
  struct Row {
    Finding finding;
    Status status;
    Reason reason;
  };
  const Row rows[] = {
      {Finding::valid, Status::active, Reason::none},
      {Finding::expired, Status::needs_login, Reason::not_refreshable},
      {Finding::rejected, Status::revoked, Reason::rejected},
      {Finding::client_not_allowed, Status::active, Reason::client_not_allowed},
      {Finding::missing_scope, Status::active, Reason::missing_scope},
      {Finding::no_subscription, Status::active, Reason::no_subscription},
      {Finding::out_of_quota, Status::active, Reason::out_of_quota},
      {Finding::rate_limited, Status::active, Reason::none},
      {Finding::not_eligible, Status::active, Reason::service_ended},
      {Finding::request_error, Status::active, Reason::could_not_tell},
      {Finding::transient, Status::active, Reason::could_not_tell},
      {Finding::could_not_tell, Status::active, Reason::could_not_tell},
  };
  for (const auto& row : rows) {
    CAPTURE(cp::to_string(row.finding));
    auto credential = key();
    cp::apply(probed(row.finding), credential);
    CHECK(credential.status == row.status);
    CHECK(credential.reason == row.reason);
  }
}

TEST_CASE("validation/verdict: an expired login with a refresh token is refreshable") {
  auto credential = key();
  credential.refresh_token = cp::Secret{"rt-fake"};
  cp::apply(probed(Finding::expired), credential);
  CHECK(credential.status == Status::expired);
  CHECK(credential.reason == Reason::refreshable);
}

TEST_CASE("validation/verdict: the store's standing word is never overruled") {
  auto credential = cp::Credential::unusable("codex-cli", "openai", "s", Reason::in_keyring, "why");
  credential.secret = cp::Secret{"at"};
  cp::apply(probed(Finding::valid), credential);
  CHECK(credential.status == Status::invalid);
  CHECK(credential.reason == Reason::in_keyring);
  CHECK(credential.detail == "why");

  auto ended = key();
  ended.reason = Reason::service_ended;
  cp::apply(probed(Finding::valid), ended);
  CHECK(ended.reason == Reason::service_ended);

  auto disabled = key();
  disabled.status = Status::disabled;
  cp::apply(probed(Finding::rejected), disabled);
  CHECK(disabled.status == Status::disabled);
}

TEST_CASE("validation/verdict: a verdict without a probe changes nothing") {
  auto credential = key();
  auto verdict = probed(Finding::expired);
  verdict.probed = false;
  cp::apply(verdict, credential);
  CHECK(credential.status == Status::active);
}

TEST_CASE(
    "validation/verdict: a later verdict replaces an earlier one, a failure to ask does not") {
  auto credential = key();
  cp::apply(probed(Finding::rejected), credential);
  cp::apply(probed(Finding::transient), credential);
  CHECK(credential.status == Status::revoked);
  cp::apply(probed(Finding::valid), credential);
  CHECK(credential.status == Status::active);
  CHECK(credential.reason == Reason::none);
  CHECK(credential.detail.empty());
  cp::apply(probed(Finding::out_of_quota), credential);
  cp::apply(probed(Finding::transient), credential);
  CHECK(credential.reason == Reason::out_of_quota);
}

TEST_CASE("validation/verdict: quotas, plan and address are taken over") {
  auto credential = key();
  auto verdict = probed(Finding::valid);
  verdict.quotas.push_back({"five_hour", 12.0, {}, {}, {}, {}});
  verdict.plan = "plus";
  verdict.base_url = "https://a.example/v1";
  cp::apply(verdict, credential);
  REQUIRE(credential.quotas.size() == 1);
  CHECK(credential.quotas[0].percent() == 12.0);
  CHECK(credential.plan == "plus");
  CHECK(credential.base_url == "https://a.example/v1");
}
