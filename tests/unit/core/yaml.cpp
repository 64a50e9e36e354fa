// SPDX-License-Identifier: MIT
#include <credpool/impl/core/yaml.hpp>

#include <doctest/doctest.h>

#include <string>

namespace cp = credpool;
using cp::detail::parse_yaml;
using cp::detail::YamlNode;

namespace {

cp::Errc refusal(std::string_view text) {
  const auto parsed = parse_yaml(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message().find("secret") == std::string::npos);
  return parsed.error().errc();
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("core/yaml: mappings, sequences and scalars in block and flow style") {
  const auto parsed = parse_yaml("a: 1\nb:\n  - x\n  - {c: 'y z', d: \"\\u0041\"}\ne:\n");
  REQUIRE(parsed);
  CHECK(parsed->type == YamlNode::Type::mapping);
  CHECK(parsed->text_of("a") == "1");
  const auto* list = parsed->member("b");
  REQUIRE(list != nullptr);
  REQUIRE(list->items.size() == 2);
  CHECK(list->items[0].text == "x");
  CHECK(list->items[1].text_of("c") == "y z");
  CHECK(list->items[1].text_of("d") == "A");
  CHECK(parsed->member("e")->text.empty());
  CHECK(parsed->member("f") == nullptr);
  CHECK(parsed->text_of("b").empty());
}

TEST_CASE("core/yaml: nothing is an empty scalar") {
  for (const std::string_view text :
       {std::string_view{}, std::string_view{""}, std::string_view{"# only a comment\n"},
        std::string_view{"\n\n"}}) {
    const auto parsed = parse_yaml(text);
    REQUIRE(parsed);
    CHECK(parsed->type == YamlNode::Type::scalar);
    CHECK(parsed->text.empty());
  }
}

TEST_CASE("core/yaml: anchors, aliases and tags are refused") {
  CHECK(refusal("a: &secret x\nb: *secret\n") == cp::Errc::unsupported);
  CHECK(refusal("a: &secret [x]\n") == cp::Errc::unsupported);
  CHECK(refusal("a: &secret {x: y}\n") == cp::Errc::unsupported);
  CHECK(refusal("a: !!binary c2VjcmV0\n") == cp::Errc::unsupported);
  CHECK(refusal("a: *secret\n") == cp::Errc::unsupported);
}

TEST_CASE("core/yaml: the same key twice is refused, with its place") {
  const auto parsed = parse_yaml("a: 1\nb: 2\na: secret\n");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().errc() == cp::Errc::duplicate_key);
  CHECK(parsed.error().place == "line 3, column 1");
}

TEST_CASE("core/yaml: a key that is no scalar is refused") {
  CHECK(refusal("? [a, secret]\n: b\n") == cp::Errc::unsupported);
}

TEST_CASE("core/yaml: at most 64 deep") {
  CHECK(parse_yaml(nested(64)));
  CHECK(refusal(nested(65)) == cp::Errc::too_deep);
  CHECK(refusal(nested(20000)) == cp::Errc::too_deep);
}

TEST_CASE("core/yaml: at most 4096 values") {
  const auto list = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "- x\n";
    return text;
  };
  CHECK(parse_yaml(list(4095)));
  CHECK(refusal(list(4096)) == cp::Errc::too_large);
}

TEST_CASE("core/yaml: what is no YAML, or more than one document") {
  for (const std::string_view text : {"a: [secret", "a: \"secret", "\tsecret: x", "a: b: secret",
                                      "--- a\n--- secret\n", "a: \xff secret"})
    CHECK(refusal(text) == cp::Errc::malformed);
}
