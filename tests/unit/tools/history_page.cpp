// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/history_page.hpp"

#include "throwaway_home.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace credpool_cli;
namespace cp = credpool;

namespace {

/// Entries of user0, user1, ...; each was found a second later than the one before.
std::string document(int count) {
  std::string entries;
  for (int i = 0; i < count; ++i)
    entries += std::string{i == 0 ? "" : ","} + R"({"cli":")" + (i % 2 ? "odd" : "even") +
               R"(","provider":"acme","profileId":"acme:User)" + std::to_string(i) +
               R"(","detectedAt":"2026-01-01T00:00:)" + (i < 10 ? "0" : "") + std::to_string(i) +
               R"(Z","usageCount":0,"tokenHash":"sha256:)" + std::string(64, 'a') +
               R"(","status":")" + (i == 3 ? "revoked" : "active") +
               R"(","consecutiveFailures":0})";
  return R"({"version":1,"discovered":[)" + entries + "]}";
}

struct World {
  ThrowawayHome home;
  HistoryPages pages;
  cp::HistoryDocument history{home.path() / "history.json", home.environment({})};

  explicit World(int count) { home.write("history.json", document(count)); }
  std::vector<std::string> names(const HistoryQuery& query) {
    const auto page = pages.page(history, query);
    REQUIRE_MESSAGE(page, page.error().message());
    std::vector<std::string> all;
    for (const auto& entry : page->entries) all.push_back(entry.profile_id);
    return all;
  }
};
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("gateway/history_page: newest first, page by page, or the other way round") {
  World world{5};
  CHECK(world.names({.limit = 2}) == Names{"acme:User4", "acme:User3"});
  CHECK(world.names({.offset = 2, .limit = 2}) == Names{"acme:User2", "acme:User1"});
  CHECK(world.names({.offset = 4, .limit = 2}) == Names{"acme:User0"});
  CHECK(world.names({.offset = 5}).empty());
  CHECK(world.names({.limit = 2, .oldest_first = true}) == Names{"acme:User0", "acme:User1"});
}

TEST_CASE("gateway/history_page: filters count what fits, and all there is") {
  World world{5};
  CHECK(world.names({.cli = "odd"}) == Names{"acme:User3", "acme:User1"});
  CHECK(world.names({.status = "revoked"}) == Names{"acme:User3"});
  CHECK(world.names({.text = "uSER2"}) == Names{"acme:User2"});
  CHECK(world.names({.cli = "odd", .text = "user2"}).empty());
  const auto page = world.pages.page(world.history, {.cli = "even", .limit = 1});
  REQUIRE(page);
  CHECK(page->total == 5);
  CHECK(page->matching == 3);
  CHECK(page->entries.size() == 1);
}

TEST_CASE("gateway/history_page: a file that changed is read again") {
  World world{2};
  CHECK(world.names({}).size() == 2);
  world.home.write("history.json", document(3));
  CHECK(world.names({}).size() == 3);
  std::filesystem::remove(world.home.path() / "history.json");
  CHECK(world.names({}).empty());
  world.home.write("history.json", "{");
  CHECK_FALSE(world.pages.page(world.history, {}));
}

TEST_CASE("gateway/history_page: the verdict is that of the files as they are") {
  World world{2};
  auto fresh = cp::HistoryDocument{world.home.path() / "other.json", world.home.environment({})};
  auto credential = cp::Credential::api_key("acme-cli", "acme", cp::Secret{"key"});
  REQUIRE(fresh.record_discovered(std::span{&credential, 1}, cp::TimePoint{cp::Duration{1}}));
  REQUIRE(world.pages.verdict(fresh));
  CHECK(world.pages.verdict(fresh)->ok());
  world.home.write("other.json", document(2));
  CHECK_FALSE(world.pages.verdict(fresh)->ok());
}
