// SPDX-License-Identifier: MIT
#include <credpool/config/json5.hpp>

#include <doctest/doctest.h>
#include <public_vectors.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

namespace cp = credpool;
namespace fs = std::filesystem;

namespace {

cp::Json5Value read(std::string_view text) {
  auto value = cp::parse_json5(text);
  CAPTURE(text);
  REQUIRE_MESSAGE(value, value.error().message());
  return *value;
}

cp::Error refused(std::string_view text) {
  const auto value = cp::parse_json5(text);
  CAPTURE(text);
  REQUIRE_FALSE(value);
  return value.error();
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

constexpr auto suite = "json5-tests";
const fs::path vectors = PublicVectors::folder(suite);

}  // namespace

TEST_CASE("config/json5: the official vectors" * PublicVectors{suite}) {
  int accepted = 0;
  int refused_ones = 0;
  for (const auto& entry : fs::recursive_directory_iterator{vectors}) {
    const auto kind = entry.path().extension();
    const auto name = entry.path().filename().string();
    CAPTURE(name);
    if (kind == ".json" || kind == ".json5") {
      cp::Json5Rules rules;
      rules.allow_duplicate_keys = true;
      const auto value = cp::parse_json5(bytes_of(entry.path()), rules);
      CHECK_MESSAGE(value, value.error().message());
      ++accepted;
    } else if (kind == ".txt") {
      CHECK_FALSE(cp::parse_json5(bytes_of(entry.path())));
      ++refused_ones;
    }
  }
  CHECK(accepted == 80);
  CHECK(refused_ones == 25);
}

TEST_CASE("config/json5: errors stand where the official vectors put them" * PublicVectors{suite}) {
  int checked = 0;
  for (const auto& entry : fs::recursive_directory_iterator{vectors}) {
    auto path = entry.path();
    if (path.extension() != ".errorSpec") continue;
    const auto spec = read(bytes_of(path));  // itself JSON5
    path.replace_extension(".txt");
    if (!fs::exists(path)) continue;
    CAPTURE(path.string());
    const auto text = bytes_of(path);
    // "at" is the offending character, counted from 1; the columns of the vectors are of two minds.
    const auto offset = static_cast<std::size_t>(*spec.find("at")->number()) - 1;
    CHECK(refused(text).place == cp::position_of(text, offset).text());
    ++checked;
  }
  CHECK(checked == 7);
}

TEST_CASE("config/json5: values") {
  CHECK(read("null") == cp::Json5Value{});
  CHECK(read(" true ") == cp::Json5Value{true});
  CHECK(read("[1,'a',]") == cp::Json5Value{cp::Json5Value::Array{1, "a"}});
  CHECK(read("{a:1,\"b\":{}}") ==
        cp::Json5Value{cp::Json5Value::Object{{"a", 1}, {"b", cp::Json5Value::Object{}}}});
  CHECK_FALSE(read("{a:1,b:2}") == read("{b:2,a:1}"));
  CHECK(read("\xef\xbb\xbf/*c*/ 1 // end") == cp::Json5Value{1});
  CHECK(read("\xc2\xa0\xe2\x80\xa8\xe3\x80\x80\v\f1") == cp::Json5Value{1});
  CHECK(read("{null:1,true:2,Infinity:3}").find("true")->number() != nullptr);
}

TEST_CASE("config/json5: numbers") {
  const auto number = [](std::string_view text) { return *read(text).number(); };
  CHECK(number("+1.5e3") == 1500);
  CHECK(number(".5") == 0.5);
  CHECK(number("5.") == 5);
  CHECK(number("-0xDECAF") == -912559);
  CHECK(number("0xc8e4") == 0xc8e4);
  CHECK(std::signbit(number("-0")));
  CHECK(std::isnan(number("-NaN")));
  CHECK(number("-Infinity") == -std::numeric_limits<double>::infinity());
  CHECK(number("1e400") == std::numeric_limits<double>::infinity());
  CHECK(number("1e-400") == 0);
  CHECK(number("0.000001e-400") == 0);
  CHECK(number("123456789012345678901234567890e300") == std::numeric_limits<double>::infinity());
  CHECK(number("1e99999999999999999999") == std::numeric_limits<double>::infinity());
  CHECK(number("0e99999") == 0);
  CHECK(number("0xffffffffffffffffffffff") == 309485009821345068724781055.0);
  CHECK(number("0x" + std::string(400, 'f')) == std::numeric_limits<double>::infinity());
  for (const auto* text : {"010", "-010", "00", "0x", "1e", "1e+", ".", "+", "--1", "1a", "0x1g",
                           "1_0", "1\\u0061", "Infinit", "nan", "1 2", "08"}) {
    CAPTURE(text);
    CHECK_FALSE(cp::parse_json5(text));
  }
}

TEST_CASE("config/json5: strings") {
  const auto text = [](std::string_view source) { return *read(source).string(); };
  CHECK(text(R"('it\'s "x"')") == "it's \"x\"");
  CHECK(text(R"("\b\f\n\r\t\v\\\/\a\z")") == "\b\f\n\r\t\v\\/az");
  CHECK(text(R"('\0')") == std::string(1, '\0'));
  CHECK(text(R"('\x41\u00e9\ud83d\ude00')") == "A\xc3\xa9\xf0\x9f\x98\x80");
  CHECK(text("'a\\\nb\\\r\nc\\\rd\\\xe2\x80\xa9"
             "e'") == "abcde");
  CHECK(text("'\xe2\x80\xa8'") == "\xe2\x80\xa8");
  for (const auto* source : {R"('\1')", R"('\01')", R"('\x4')", R"('\u00g0')", R"('\ud83d')",
                             R"('\ud83d\u0041')", R"('\udc00')", "'a\nb'", "'a", "'a\\", "\"a'"}) {
    CAPTURE(source);
    CHECK_FALSE(cp::parse_json5(source));
  }
}

TEST_CASE("config/json5: keys") {
  CHECK(read("{$_a1:1}").find("$_a1") != nullptr);
  CHECK(read(R"({\u0061b\u0063:1})").find("abc") != nullptr);
  CHECK(read("{\xc3\xa9t\xc3\xa9:1}").find("\xc3\xa9t\xc3\xa9") != nullptr);
  CHECK(read("{a\xcc\x81:1}").object()->size() == 1);
  const auto prototype = read("{__proto__:{admin:true}}");
  CHECK(prototype.object()->front().key == "__proto__");
  for (const auto* text : {"{1a:1}", "{a-b:1}", R"({\x61:1})", R"({a\u002d:1})", "{:1}", "{,}",
                           "{a}", "{a:}", "{a:1 b:2}", "{a:1", "{\xcc\x81:1}", R"({\u0031:1})"}) {
    CAPTURE(text);
    CHECK_FALSE(cp::parse_json5(text));
  }
}

TEST_CASE("config/json5: a key that is there twice is named with its place") {
  const auto error = refused("{\n  a: 1,\n  'a': 2}");
  CHECK(error.errc() == cp::Errc::duplicate_key);
  CHECK(error.place == "3:3");
  CHECK(error.hint.find("\"a\"") != std::string::npos);
  CHECK(refused("{'a\\u001b[2J':1,'a\\u001b[2J':1}").hint.find('\x1b') == std::string::npos);
  cp::Json5Rules rules;
  rules.allow_duplicate_keys = true;
  CHECK(*cp::parse_json5("{a:1,b:2,a:3}", rules) == read("{a:3,b:2}"));
}

TEST_CASE("config/json5: caps and bad bytes") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(cp::parse_json5(nested(64)));
  CHECK(refused(nested(65)).errc() == cp::Errc::too_deep);
  CHECK(refused(std::string(100000, '[')).errc() == cp::Errc::too_deep);
  CHECK(refused(std::string(1024 * 1024 + 1, ' ')).errc() == cp::Errc::too_large);
  CHECK(refused("'a\n").place == "1:3");
  const auto error = refused("{\n a: '\xff'}");
  CHECK(error.errc() == cp::Errc::malformed);
  CHECK(error.place == "2:1");
  CHECK_FALSE(cp::parse_json5(std::string_view{"1\0", 2}));
  CHECK_FALSE(cp::parse_json5("'\xed\xa0\x80'"));
  CHECK_FALSE(cp::parse_json5("/* "));
  CHECK_FALSE(cp::parse_json5(""));
  CHECK_FALSE(cp::parse_json5("// only a comment"));
}

TEST_CASE("config/json5: errors say where and what was expected, never the text") {
  const auto error = refused("{\n  token: 'sk-secret-value' 'more'\n}");
  CHECK(error.place == "2:28");
  CHECK(error.hint == "expected \",\" or \"}\" after a member");
  CHECK(error.message().find("secret") == std::string::npos);
}

TEST_CASE("config/json5: ranges are those of the text") {
  const std::string text = "/* c */ { key : [ 1.50, 'x' ], }";
  cp::Json5Rules rules;
  rules.source = 7;
  const auto document = *cp::parse_json5(text, rules);
  const auto& member = document.object()->front();
  const auto slice = [&](const cp::Json5Range& range) {
    CHECK(range.source == 7);
    return text.substr(range.begin, range.end - range.begin);
  };
  CHECK(slice(document.range) == "{ key : [ 1.50, 'x' ], }");
  CHECK(slice(member.key_range) == "key");
  CHECK(slice(member.value.range) == "[ 1.50, 'x' ]");
  CHECK(slice((*member.value.array())[0].range) == "1.50");
}

TEST_CASE("config/json5: positions") {
  const std::string text = "a\r\nb\rc\n\xc3\xa9x";
  CHECK(cp::position_of(text, 0).text() == "1:1");
  CHECK(cp::position_of(text, 3).text() == "2:1");
  CHECK(cp::position_of(text, 5).text() == "3:1");
  CHECK(cp::position_of(text, 9).text() == "4:2");
  CHECK(cp::position_of(text, 999).text() == "4:3");
}
