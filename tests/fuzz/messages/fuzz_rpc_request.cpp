// SPDX-License-Identifier: MIT
// Any bytes as a message to the dispatcher: the answer is JSON of the specification's shape, no
// method runs with parameters that do not fit, and none without its scope.
#include <credpool/rpc/dispatcher.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace cp = credpool;

namespace {

using Json = nlohmann::json;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_answer(const Json& answer) {
  must(answer.is_object() && answer["jsonrpc"] == "2.0" && answer.contains("id"));
  const auto& id = answer["id"];
  must(id.is_null() || id.is_string() || id.is_number_integer());
  must(answer.contains("result") != answer.contains("error"));
  if (!answer.contains("error")) return;
  const auto& error = answer["error"];
  must(error["code"].is_number_integer() && error["message"].is_string());
  must(error["data"]["code"].is_string() && error["data"]["message"].is_string());
}

const cp::RpcDispatcher& dispatcher() {
  static const auto made = [] {
    auto all = std::make_unique<cp::RpcDispatcher>();
    all->add({"look", cp::Scope::read, "",
              R"({"type":"object","properties":{"name":{"type":"string","maxLength":4},
                  "count":{"type":"integer","minimum":0,"maximum":9},
                  "list":{"type":"array","items":{"enum":["a",1,null]},"maxItems":2}},
                  "required":["name"],"additionalProperties":false})",
              R"({"type":"object"})",
              [](std::string_view text, const cp::RpcCaller&) -> cp::Result<std::string> {
                const auto params = Json::parse(text);
                must(params.at("name").is_string());
                if (params.contains("count"))
                  must(params["count"].get<double>() >= 0 && params["count"].get<double>() <= 9);
                if (params.contains("list")) must(params["list"].size() <= 2);
                must(params.size() <= 3);
                return std::string{text};
              }});
    all->add(
        {"change", cp::Scope::admin, "", R"({"type":"object"})", R"({"type":"object"})",
         [](std::string_view, const cp::RpcCaller&) -> cp::Result<std::string> { std::abort(); }});
    return all;
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto answer = dispatcher().handle(text, {{cp::Scope::read}, "fuzz", true});
  if (answer.empty()) return 0;
  const auto parsed = Json::parse(answer, nullptr, false);
  must(!parsed.is_discarded());
  if (!parsed.is_array()) {
    check_answer(parsed);
    return 0;
  }
  must(!parsed.empty() && parsed.size() <= 50);
  for (const auto& one : parsed) check_answer(one);
  return 0;
}
