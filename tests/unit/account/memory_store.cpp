// SPDX-License-Identifier: MIT
#include <credpool/account/memory_store.hpp>

#include <contract/account/account_spending.hpp>

namespace cp = credpool;
using namespace account_contract;

namespace {

/// A world in which everything has happened once.
cp::MemoryAccountStore lived_in() {
  cp::MemoryAccountStore store;
  accounts(store);
  credits(store);
  answers(store);
  REQUIRE(store.put_device_session({"d", "t", "c", "", start, "s"}));
  usage(store);
  return store;
}

}  // namespace

TEST_CASE("account/memory_store: a document holds the whole world") {
  auto store = lived_in();
  const auto text = store.document();
  auto again = cp::MemoryAccountStore::from_document(text);
  REQUIRE(again);
  CHECK(again->document() == text);
  const auto account = uuid("oda");
  check_books(*again, account);
  CHECK(again->balance(account)->usage == store.balance(account)->usage);
  CHECK(again->usage_rows(account, "", {})->total == store.usage_rows(account, "", {})->total);
  CHECK((*again->account_by_github(43))->email == "anna@example.com");
  CHECK((*again->device_session("d"))->sealed == "s");
  // What was held has gone back.
  CHECK(store.balance(account)->reserved > cp::Money{});
  CHECK(again->balance(account)->reserved == cp::Money{});
  // The order of things goes on where it was.
  add_account(*again, "zoe");
  CHECK(again->accounts({1, 0})->items.at(0).email == "zoe@example.com");
}

TEST_CASE("account/memory_store: a document that is none is refused") {
  using cp::MemoryAccountStore;
  for (const std::string_view text : {"", "{", "[]", "{}", "null", "{\"version\":1}"}) {
    INFO(text);
    refused(MemoryAccountStore::from_document(text), cp::Errc::malformed);
  }
  const auto text = lived_in().document();
  refused(MemoryAccountStore::from_document(text.substr(0, text.size() / 2)), cp::Errc::malformed);
  const auto changed = [&](const std::string& from, const std::string& to) {
    auto copy = text;
    const auto at = copy.find(from);
    REQUIRE(at != std::string::npos);
    return copy.replace(at, from.size(), to);
  };
  refused(MemoryAccountStore::from_document(changed("\"version\":1", "\"version\":2")),
          cp::Errc::unsupported);
  refused(MemoryAccountStore::from_document(
              changed("\"limit_reset\":\"never\"", "\"limit_reset\":\"bogus\"")),
          cp::Errc::malformed);
  refused(MemoryAccountStore::from_document(changed("\"usage\":", "\"usage\":\"1\",\"x\":")),
          cp::Errc::malformed);
  refused(MemoryAccountStore::from_document(changed("\"keys\":", "\"kez\":")), cp::Errc::malformed);
  // A key of nobody.
  refused(MemoryAccountStore::from_document(
              changed("\"account\":\"" + uuid("oda") + "\",\"counted_from",
                      "\"account\":\"" + uuid("eva") + "\",\"counted_from")),
          cp::Errc::malformed);
}

TEST_CASE("account/memory_store: no key is in the document, only digests") {
  const auto text = lived_in().document();
  CHECK(text.find("sk-") == std::string::npos);
  CHECK(text.find(digest("key odak")) != std::string::npos);
}
