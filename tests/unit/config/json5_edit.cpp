// SPDX-License-Identifier: MIT
#include <credpool/config/json5_edit.hpp>

#include <credpool/config/json5.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace cp = credpool;
using Path = std::vector<std::string>;

namespace {

std::string set(std::string_view text, const Path& path, const cp::Json5Value& value) {
  auto edited = cp::edit_json5(text, path, value);
  CAPTURE(text);
  REQUIRE_MESSAGE(edited, edited.error().message());
  return *edited;
}

std::string without(std::string_view text, const Path& path) {
  auto edited = cp::remove_json5(text, path);
  CAPTURE(text);
  REQUIRE_MESSAGE(edited, edited.error().message());
  return *edited;
}

}  // namespace

TEST_CASE("config/json5_edit: replaces a value and nothing else") {
  CHECK(set("{a: 1, /* keep */ b: 'x', // end\n}", {"b"}, "y") ==
        "{a: 1, /* keep */ b: 'y', // end\n}");
  CHECK(set("{\"a\":{\"b\":[1,2]}}", {"a", "b"}, cp::Json5Value::Array{3}) ==
        "{\"a\":{\"b\":[3]}}");
  CHECK(set("{a:\t1}", {"a"}, cp::Json5Value{}) == "{a:\tnull}");
}

TEST_CASE("config/json5_edit: a new member follows its neighbours") {
  CHECK(set("{\n  a: 1, // one\n}\n", {"b"}, 2) == "{\n  a: 1, // one\n  b: 2,\n}\n");
  CHECK(set("{\n    \"a\": 1 // one\n}\n", {"b"}, 2) ==
        "{\n    \"a\": 1, // one\n    \"b\": 2\n}\n");
  CHECK(set("{a:1}", {"b"}, true) == "{a:1, b:true}");
  CHECK(set("{ 'a': 1 }", {"b"}, "x") == "{ 'a': 1, 'b': 'x' }");
  CHECK(set("{\r\n\ta: 'q',\r\n}", {"b-c"}, "it's") == "{\r\n\ta: 'q',\r\n\t'b-c': 'it\\'s',\r\n}");
}

TEST_CASE("config/json5_edit: missing parents are made") {
  CHECK(set("{}", {"plugins", "entries", "x", "enabled"}, true) ==
        "{\n  \"plugins\": {\n    \"entries\": {\n      \"x\": {\n        \"enabled\": true\n"
        "      }\n    }\n  }\n}");
  CHECK(set("{\n  plugins: {\n    // none yet\n  },\n}", {"plugins", "a"}, 1) ==
        "{\n  plugins: {\n    // none yet\n    a: 1,\n  },\n}");
  CHECK(set("{a:{}}", {"a", "b"}, 1) == "{a:{b:1}}");
}

TEST_CASE("config/json5_edit: plain JSON stays plain JSON") {
  const std::string text = "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n";
  CHECK(set(text, {"a", "c", "d"}, "x\n\"y\"") ==
        "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": {\n      \"d\": \"x\\n\\\"y\\\"\"\n    }\n  "
        "}\n}\n");
}

TEST_CASE("config/json5_edit: removes a member with its comma, and its line") {
  CHECK(without("{a:1, b:2, c:3}", {"a"}) == "{ b:2, c:3}");
  CHECK(without("{a:1, b:2, c:3}", {"b"}) == "{a:1, c:3}");
  CHECK(without("{a:1, b:2, c:3}", {"c"}) == "{a:1, b:2}");
  CHECK(without("{ a: 1 }", {"a"}) == "{  }");
  CHECK(without("{\n  a: 1,\n  b: 2\n}", {"b"}) == "{\n  a: 1\n}");
  CHECK(without("{\n  a: 1,\n  b: 2,\n}", {"a"}) == "{\n  b: 2,\n}");
  CHECK(without("{\n  // about a\n  a: 1, // more\n  b: 2,\n}", {"a"}) ==
        "{\n  // about a\n  // more\n  b: 2,\n}");
  CHECK(without("{a: 1 /* c */, b: {c: 2}}", {"b", "c"}) == "{a: 1 /* c */, b: {}}");
}

TEST_CASE("config/json5_edit: says what cannot be done") {
  CHECK(cp::edit_json5("{a:1}", Path{}, 1).error().errc() == cp::Errc::invalid_argument);
  const auto error = cp::edit_json5("{\n a: 1}", Path{"a", "b"}, 1).error();
  CHECK(error.errc() == cp::Errc::invalid_argument);
  CHECK(error.place == "2:5");
  CHECK(cp::edit_json5("{a:", Path{"a"}, 1).error().errc() == cp::Errc::malformed);
  CHECK(cp::remove_json5("{a:1}", Path{"b"}).error().errc() == cp::Errc::not_found);
  CHECK(cp::remove_json5("{a:1}", Path{"a", "b"}).error().errc() == cp::Errc::not_found);
  CHECK(cp::edit_json5("{a:1}", Path{"b"}, "\xff").error().errc() == cp::Errc::malformed);
}

namespace {

/// Writes random documents in random styles, comments everywhere.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_{seed} {}

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_);
  }
  template <std::size_t N> std::string one_of(const char* const (&choices)[N]) {
    return choices[below(N)];
  }

  std::string blank() {
    static constexpr const char* blanks[] = {
        "", " ", "\n", "\n  ", "\t", "\r\n", "/*,}*/", "//{,\n", " // c\r\n    ", " /*\n*/ "};
    return below(2) == 0 ? std::string{} : one_of(blanks);
  }
  std::string key(std::size_t number) {
    const auto name = "k" + std::to_string(number);
    switch (below(3)) {
      case 0:
        return name;
      case 1:
        return "'" + name + "'";
      default:
        return '"' + name + '"';
    }
  }
  std::string value(int depth) {
    static constexpr const char* scalars[] = {"1", "-.5", "'a,b'", "\"}\"", "null", "0x1F", "true"};
    const auto kind = below(depth > 3 ? 1 : 3);
    return kind == 0 ? one_of(scalars) : kind == 1 ? object(depth) : array(depth);
  }
  std::string object(int depth) {
    std::string out = "{" + blank();
    const auto count = below(4);
    for (std::size_t i = 0; i < count; ++i) {
      out += key(i) + blank() + ":" + blank() + value(depth + 1) + blank();
      if (i + 1 < count || below(2) == 0) out += "," + blank();
    }
    return out + "}";
  }
  std::string array(int depth) {
    std::string out = "[" + blank();
    const auto count = below(3);
    for (std::size_t i = 0; i < count; ++i) out += value(depth + 1) + "," + blank();
    return out + "]";
  }

 private:
  std::mt19937 random_;
};

/// What the edit should say, done on values.
bool apply(cp::Json5Value& document, const Path& path, const cp::Json5Value* value) {
  auto* object = &document;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (object->object() == nullptr) return false;
    const bool last = i + 1 == path.size();
    auto* member = object->member(path[i]);
    if (member == nullptr && value == nullptr) return false;
    if (member == nullptr) {
      object->object()->push_back({path[i], cp::Json5Value{cp::Json5Value::Object{}}});
      member = &object->object()->back();
    }
    if (last && value != nullptr) {
      member->value = *value;
    } else if (last) {
      object->object()->erase(object->object()->begin() + (member - object->object()->data()));
    } else {
      object = &member->value;
    }
  }
  return true;
}

/// Whether `text` holds every comment of the generator as often as `original` does.
bool keeps_comments(const std::string& original, const std::string& text,
                    std::string_view removed) {
  const auto count = [](std::string_view in, std::string_view what) {
    std::size_t found = 0;
    for (auto at = in.find(what); at != std::string_view::npos; at = in.find(what, at + 1)) ++found;
    return found;
  };
  for (const auto* comment : {"/*,}*/", "//{,", "// c", "/*\n*/"})
    if (count(original, comment) != count(text, comment) + count(removed, comment)) return false;
  return true;
}

}  // namespace

TEST_CASE("config/json5_edit: property: the edited text says what the edited value says") {
  int done = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    Generator generate{seed};
    const auto text = generate.blank() + generate.object(0) + generate.blank();
    CAPTURE(seed);
    CAPTURE(text);
    Path path;
    for (std::size_t i = 0; i <= generate.below(3); ++i)
      path.push_back("k" + std::to_string(generate.below(4)));
    const cp::Json5Value value = generate.below(2) == 0
                                     ? cp::Json5Value{"new"}
                                     : cp::Json5Value{cp::Json5Value::Object{
                                           {"n", 1}, {"m-m", cp::Json5Value::Array{2, "x"}}}};
    auto before = cp::parse_json5(text);
    REQUIRE(before);

    auto wanted = *before;
    const auto edited = cp::edit_json5(text, path, value);
    const bool can = apply(wanted, path, &value);
    REQUIRE_MESSAGE(edited.has_value() == can, (edited ? "" : edited.error().message()));
    if (can) {
      ++done;
      CAPTURE(*edited);
      CHECK(*cp::parse_json5(*edited) == wanted);
      // What a replaced value held goes with it; nothing else does.
      const auto* old = &*before;
      for (const auto& key : path) old = old == nullptr ? nullptr : old->find(key);
      const auto gone = old == nullptr
                            ? std::string{}
                            : text.substr(old->range.begin, old->range.end - old->range.begin);
      CHECK(keeps_comments(text, *edited, gone));
      if (old != nullptr) {
        CHECK(edited->starts_with(text.substr(0, old->range.begin)));
        CHECK(edited->ends_with(text.substr(old->range.end)));
      }
    }

    wanted = *before;
    const auto shorter = cp::remove_json5(text, path);
    REQUIRE(shorter.has_value() == apply(wanted, path, nullptr));
    if (shorter) {
      CAPTURE(*shorter);
      CHECK(*cp::parse_json5(*shorter) == wanted);
      const auto* object = &*before;
      for (std::size_t i = 0; i + 1 < path.size(); ++i) object = object->find(path[i]);
      const auto& member = *object->member(path.back());
      CHECK(keeps_comments(
          text, *shorter,
          text.substr(member.key_range.begin, member.value.range.end - member.key_range.begin)));
    }
  }
  CHECK(done > 2000);
}
