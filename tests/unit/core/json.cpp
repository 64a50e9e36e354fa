// SPDX-License-Identifier: MIT
// The strict JSON and TOML readers. The vectors are those of the public JSONTestSuite.
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/core/toml.hpp>

#include <doctest/doctest.h>
#include <public_vectors.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

namespace cp = credpool;
using cp::detail::parse_json;

namespace {

constexpr auto suite = "json-parsing";

/// The suite's files whose names begin that way.
std::map<std::string, std::string> vectors(std::string_view prefix) {
  std::map<std::string, std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator{PublicVectors::folder(suite)}) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    std::ifstream file{entry.path(), std::ios::binary};
    found.emplace(name, std::string{std::istreambuf_iterator<char>{file}, {}});
  }
  return found;
}

cp::Errc refusal(std::string_view text) {
  const auto document = parse_json(text);
  REQUIRE_FALSE(document);
  return document.error().errc();
}

}  // namespace

TEST_CASE("core/json: every valid vector of the suite is read, but for doubled keys" *
          PublicVectors{suite}) {
  // RFC 8259 leaves doubled keys open; which of two tokens is meant cannot be guessed (fault B7).
  const std::map<std::string, cp::Errc> refused{
      {"y_object_duplicated_key.json", cp::Errc::duplicate_key},
      {"y_object_duplicated_key_and_value.json", cp::Errc::duplicate_key}};
  const auto valid = vectors("y_");
  CHECK(valid.size() == 95);
  for (const auto& vector : valid) {
    const auto& name = vector.first;
    const auto& text = vector.second;
    CAPTURE(name);
    const auto document = parse_json(text);
    const auto exception = refused.find(name);
    CHECK(document.has_value() == (exception == refused.end()));
    if (!document && exception != refused.end())
      CHECK(document.error().errc() == exception->second);
  }
}

TEST_CASE("core/json: every invalid vector of the suite is refused" * PublicVectors{suite}) {
  const auto invalid = vectors("n_");
  CHECK(invalid.size() == 188);
  for (const auto& vector : invalid) {
    const auto& name = vector.first;
    const auto& text = vector.second;
    CAPTURE(name);
    CHECK_FALSE(parse_json(text));
  }
}

TEST_CASE("core/json: the answer to what the standard leaves open" * PublicVectors{suite}) {
  enum Answer { accepted, refused };
  const std::map<std::string, Answer> answers{
      // Numbers beyond a double are refused, those that merely lose digits are read.
      {"i_number_double_huge_neg_exp.json", accepted},  // becomes 0
      {"i_number_huge_exp.json", refused},
      {"i_number_neg_int_huge_exp.json", refused},
      {"i_number_pos_double_huge_exp.json", refused},
      {"i_number_real_neg_overflow.json", refused},
      {"i_number_real_pos_overflow.json", refused},
      {"i_number_real_underflow.json", accepted},  // becomes 0
      {"i_number_too_big_neg_int.json", accepted},
      {"i_number_too_big_pos_int.json", accepted},
      {"i_number_very_big_negative_int.json", accepted},
      // Half of a surrogate pair is no character.
      {"i_object_key_lone_2nd_surrogate.json", refused},
      {"i_string_1st_surrogate_but_2nd_missing.json", refused},
      {"i_string_1st_valid_surrogate_2nd_invalid.json", refused},
      {"i_string_incomplete_surrogate_and_escape_valid.json", refused},
      {"i_string_incomplete_surrogate_pair.json", refused},
      {"i_string_incomplete_surrogates_escape_valid.json", refused},
      {"i_string_invalid_lonely_surrogate.json", refused},
      {"i_string_invalid_surrogate.json", refused},
      {"i_string_inverted_surrogates_U+1D11E.json", refused},
      {"i_string_lone_second_surrogate.json", refused},
      // Only valid UTF-8 is text.
      {"i_string_UTF-16LE_with_BOM.json", refused},
      {"i_string_UTF-8_invalid_sequence.json", refused},
      {"i_string_UTF8_surrogate_U+D800.json", refused},
      {"i_string_invalid_utf-8.json", refused},
      {"i_string_iso_latin_1.json", refused},
      {"i_string_lone_utf8_continuation_byte.json", refused},
      {"i_string_not_in_unicode_range.json", refused},
      {"i_string_overlong_sequence_2_bytes.json", refused},
      {"i_string_overlong_sequence_6_bytes.json", refused},
      {"i_string_overlong_sequence_6_bytes_null.json", refused},
      {"i_string_truncated-utf-8.json", refused},
      {"i_string_utf16BE_no_BOM.json", refused},
      {"i_string_utf16LE_no_BOM.json", refused},
      // Deeper than 64 levels is no login and no configuration.
      {"i_structure_500_nested_arrays.json", refused},
      // Editors on Windows write it.
      {"i_structure_UTF-8_BOM_empty_object.json", accepted},
  };
  const auto open = vectors("i_");
  CHECK(open.size() == answers.size());
  for (const auto& vector : open) {
    const auto& name = vector.first;
    const auto& text = vector.second;
    CAPTURE(name);
    REQUIRE(answers.contains(name));
    CHECK(parse_json(text).has_value() == (answers.at(name) == accepted));
  }
}

TEST_CASE("core/json: B6 depth is bounded before anything recurses") {
  const auto nested = [](int depth, std::string_view open, std::string_view close) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += open;
    text += "1";
    for (int i = 0; i < depth; ++i) text += close;
    return text;
  };
  CHECK(parse_json(nested(64, "[", "]")));
  CHECK(refusal(nested(65, "[", "]")) == cp::Errc::too_deep);
  CHECK(refusal(nested(65, R"({"a":)", "}")) == cp::Errc::too_deep);
  CHECK(refusal(nested(1000000, "[", "]")) == cp::Errc::too_deep);
  CHECK(refusal(std::string(1000000, '[')) == cp::Errc::too_deep);
}

TEST_CASE("core/json: B7 a doubled key is named, unless its name should not be shown") {
  CHECK(refusal(R"({"refresh_token":"a","refresh_token":"b"})") == cp::Errc::duplicate_key);
  const auto place = [](std::string_view text) { return parse_json(text).error().place; };
  CHECK(place(R"({"refresh_token":"a","refresh_token":"b"})") == "key \"refresh_token\"");
  // The same key spelled with an escape is the same key.
  CHECK(place(R"({"a":1,"\u0061":2})") == "key \"a\"");
  CHECK(parse_json(R"([{"a":1},{"a":{"a":2}}])"));
  CHECK(place(R"({"\u001b[2J":1,"\u001b[2J":2})") == "a key");
  CHECK(place(R"({"sk-ant-FAKE-0123456789-0123456789-0123456789":1,)"
              R"("sk-ant-FAKE-0123456789-0123456789-0123456789":1})") == "a key");
}

TEST_CASE("core/json: B7 a doubled key is seen wherever it stands among many") {
  constexpr int names = 40;
  for (int doubled = -1; doubled < names; ++doubled) {
    std::string text = "{\"in\":{\"n0\":0},";
    for (int i = 0; i < names; ++i) text += "\"n" + std::to_string(i) + "\":0,";
    text += "\"n" + (doubled < 0 ? "ew" : std::to_string(doubled)) + "\":{\"n1\":0}}";
    CAPTURE(text);
    const auto document = parse_json(text);
    REQUIRE(document.has_value() == (doubled < 0));
    if (!document) {
      CHECK(document.error().errc() == cp::Errc::duplicate_key);
      CHECK(document.error().place == "key \"n" + std::to_string(doubled) + "\"");
    }
  }
}

TEST_CASE("core/json: B8 bytes that are no JSON text") {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, " "sv, "\0"sv, "{}\0"sv, "{}\0{\"a\":1}"sv, "{\"a\":\"\0\"}"sv, "{} x"sv, "{}{}"sv,
        "\xff\xfe{\0}\0"sv, "{\"a\":\"\xc3\"}"sv, "{'a':1}"sv}) {
    CHECK(refusal(text) == cp::Errc::malformed);
  }
  CHECK(parse_json("\xef\xbb\xbf{}"));
  CHECK(parse_json("{\r\n\"a\":\r\n1}\r\n"));
  // The text itself is never part of the error.
  const auto error = parse_json(R"({"access_token":"sk-canary" "x"})").error();
  CHECK(error.message().find("canary") == std::string::npos);
  CHECK(error.place.starts_with("byte "));
}

TEST_CASE("core/json: comments are an option, not a habit") {
  CHECK_FALSE(parse_json("{} // end"));
  CHECK(parse_json("/* a */ {} // end", {.allow_comments = true}));
}

TEST_CASE("core/json: B9 only a finite number is a number") {
  for (const std::string_view text :
       {"NaN", "[Infinity]", "-Infinity", "1e400", "-1e400", "01", "1.", "+1"}) {
    CAPTURE(text);
    CHECK(refusal(text) == cp::Errc::malformed);
  }
  const auto number = [](std::string_view text) {
    return cp::detail::number_of(*parse_json(text));
  };
  CHECK(number("18446744073709551616") == 18446744073709551616.0);
  CHECK(number("-0") == 0.0);
  CHECK(number(R"("1.5e3")") == 1500.0);
  for (const std::string_view text :
       {R"("nan")", R"("inf")", R"("1e400")", R"("")", R"(" 1")", R"("1x")", R"("0x10")", "true",
        "null", "[1]", R"({"a":1})"}) {
    CAPTURE(text);
    CHECK_FALSE(number(text));
  }
}

TEST_CASE("core/json: members are asked for by name and type") {
  const auto document = parse_json(R"({"text":"t","number":1})");
  REQUIRE(document);
  CHECK(cp::detail::text_member(*document, "text") == "t");
  CHECK_FALSE(cp::detail::text_member(*document, "number"));
  CHECK(cp::detail::text_or_empty(*document, "none").empty());
  CHECK(cp::detail::member(cp::detail::Json(5), "text") == nullptr);
}

TEST_CASE("core/json: what cannot be text is replaced when it is written") {
  CHECK(cp::detail::dump_json(cp::detail::Json("a\xff")) == "\"a\xef\xbf\xbd\"");
}

TEST_CASE("core/toml: B6 depth is bounded, whatever makes it") {
  const auto refused = [](const std::string& text) {
    const auto table = cp::detail::parse_toml(text);
    REQUIRE_FALSE(table);
    return table.error().errc();
  };
  const auto many = [](int count, std::string_view part) {
    std::string text;
    for (int i = 0; i < count; ++i) text += part;
    return text;
  };
  constexpr int deep = 100000;
  CHECK(refused("a = " + std::string(deep, '[') + std::string(deep, ']')) == cp::Errc::too_deep);
  CHECK(refused("a = " + many(deep, "{a=") + "1" + many(deep, "}")) == cp::Errc::too_deep);
  CHECK(refused(many(deep, "a.") + "a = 1") == cp::Errc::too_deep);
  CHECK(refused(many(deep, "\"a\".") + "a = 1") == cp::Errc::too_deep);
  CHECK(refused("[" + many(deep, "a.") + "a]") == cp::Errc::too_deep);
  // Closing brackets in a string do not make room for opening ones.
  CHECK(refused("a = [\"\"\"\n]]]]\"\"\"\", " + many(deep, "[\n\"\"\"\n]\"\"\",")) ==
        cp::Errc::too_deep);
  CHECK(refused("a = ['''\n']]''', {" + many(deep, "a.") + "a = 1}]") == cp::Errc::too_deep);
}

TEST_CASE("core/toml: what only looks deep is read") {
  const std::string dots(200, '.');
  const std::string brackets(200, '[');
  const auto table =
      cp::detail::parse_toml("a = \"" + brackets + dots + "\\\"" + brackets + "\"\n# " + brackets +
                             dots + "\nb = \"\"\"\n" + brackets + "\n\"" + dots + "\"\"\"\nc = '" +
                             brackets + "'\nd = [1.5, 2.5, \"x\"]\n");
  REQUIRE(table);
  CHECK((*table)["c"].value_or(std::string{}) == brackets);
  std::string floats = "a = [";
  for (int i = 0; i < 1000; ++i) floats += "0.5, ";
  CHECK(cp::detail::parse_toml(floats + "]"));
}

TEST_CASE("core/toml: a broken file is told by its place, never by its text") {
  for (const std::string_view text : {"[providers.", "a = \"canary", "a = canary", "a = 1\na = 2",
                                      "a = '''canary", "\"canary", "a = \"\\"}) {
    CAPTURE(text);
    const auto table = cp::detail::parse_toml(text);
    REQUIRE_FALSE(table);
    CHECK(table.error().errc() == cp::Errc::malformed);
    CHECK(table.error().place.starts_with("line "));
    CHECK(table.error().message().find("canary") == std::string::npos);
  }
}
