// SPDX-License-Identifier: MIT
#include <credpool/history/reader.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace cp = credpool;

namespace {

std::string entry(int number, const std::string& more = {}) {
  return R"({"cli": "kimi-cli", "profileId": "acme:)" + std::to_string(number) +
         R"(", "usageCount": )" + std::to_string(number) + more + "}";
}

std::string document(const std::string& entries) {
  return R"({"version": 1, "chain": {"records": 3, "head": "x,[{\"]"}, "discovered": [)" + entries +
         R"(], "more": {"discovered": [1, {"cli": "no"}]}})";
}

/// Reads with a reader that has seen the texts before, and whole, each time.
struct World {
  ThrowawayHome home;
  cp::HistoryReader reader;
  cp::HistoryDocument history{home.path() / "history.json", home.environment({})};

  /// The profiles that the reader finds; "error" when it says so. Both must be as the whole says.
  std::vector<std::string> read(const std::string& text) {
    home.write("history.json", text);
    CAPTURE(text);
    const auto whole = history.entries();
    const auto read = reader.read(history);
    REQUIRE(read.has_value() == whole.has_value());
    if (!read) {
      CHECK(read.error().message() == whole.error().message());
      return {"error"};
    }
    REQUIRE(read->size() == whole->size());
    std::vector<std::string> profiles;
    for (std::size_t i = 0; i < whole->size(); ++i) {
      CHECK((*read)[i]->profile_id == (*whole)[i].profile_id);
      CHECK((*read)[i]->usage_count == (*whole)[i].usage_count);
      CHECK((*read)[i]->status == (*whole)[i].status);
      profiles.push_back((*read)[i]->profile_id);
    }
    return profiles;
  }
};
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("history/reader: what is appended, changed and removed is seen, the rest is not parsed") {
  World world;
  CHECK(world.read(document(entry(1) + ",\n" + entry(2))) == Names{"acme:1", "acme:2"});
  const auto first = world.reader.read(world.history)->at(0);
  CHECK(world.read(document(entry(1) + ",\n" + entry(2) + ",\n" + entry(3))) ==
        Names{"acme:1", "acme:2", "acme:3"});
  CHECK(world.reader.read(world.history)->at(0) == first);
  CHECK(world.read(document(entry(3) + "," + entry(1, R"(, "status": "revoked")"))) ==
        Names{"acme:3", "acme:1"});
  CHECK(world.read(document("")) == Names{});
  CHECK(world.read(document(" \n ")) == Names{});
  CHECK(world.read(document(entry(1) + "," + entry(1))) == Names{"acme:1", "acme:1"});
  world.home.write("history.json", document(entry(1)));
  std::filesystem::remove(world.home.path() / "history.json");
  CHECK(world.reader.read(world.history)->empty());
}

TEST_CASE("history/reader: texts that only look plain are read as the whole is") {
  World world;
  const auto one = entry(1);
  for (const std::string& text :
       {std::string{},
        std::string{"{}"},
        std::string{"[]"},
        std::string{"null"},
        std::string{"{\"discovered\": null}"},
        std::string{"{\"discovered\": {}}"},
        std::string{"{\"discovered\": []"},
        std::string{"{\"discovered\": [}]"},
        std::string{"[\"discovered\", [" + one + "]]"},
        document("1, \"a,b\", [2, 3], " + one),
        document(one + ","),
        document("," + one),
        document(one + " " + one),
        document("// a comment, {\n" + one),
        document("/* " + one + " */ " + one),
        document(R"({"profileId": "a\"]},{[", "usageCount": 1})"),
        document(R"({"profileId": "\\"}, {"profileId": "//"})"),
        document(R"({"profileId": "unended)"),
        document(R"({"profileId": "\)"),
        document(R"({"profileId": "x", "profileId": "y"})"),
        document("{]"),
        document("]["),
        document("}{"),
        document(one + "]], [["),
        document("\xff"),
        document(entry(1, ":")),
        "{\"discovered\": [" + one + "], \"discovered\": [" + entry(2) + "]}",
        "{\"disc\\u006fvered\": [" + one + "]}",
        "\xef\xbb\xbf" + document(one),
        document(one) + document(one),
        document(one) + "x",
        std::string{"{\"discovered\": ["},
        "{\"a\": \"discovered\", \"b\": [" + one + "]}",
        document(R"({"x": )" + std::string(80, '[') + std::string(80, ']') + "}"),
        document(R"({"x": )" + std::string(61, '[') + std::string(61, ']') + "}"),
        document(R"({"x": )" + std::string(62, '[') + std::string(62, ']') + "}"),
        document(one + std::string(1, '\0'))}) {
    (void)world.read(text);
    (void)world.read(text);
  }
}

TEST_CASE("history/reader: any damage to a text is told as it is of the whole") {
  World world;
  const auto good = document(entry(1) + ", " + entry(2, R"(, "status": "a\"b\\")") + ", 7");
  std::mt19937 random{20'261'121};
  const std::string bytes = "{}[]\",:\\/ 1ax\n";
  for (int round = 0; round < 300; ++round) {
    auto text = good;
    for (int edits = 1 + static_cast<int>(random() % 3); edits > 0; --edits) {
      const auto at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 3);
          break;
        default:
          text.insert(at, 1, bytes[random() % bytes.size()]);
      }
    }
    (void)world.read(text);
  }
}
