// SPDX-License-Identifier: MIT
#include <credpool/rpc/dispatcher.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace cp = credpool;
using Json = nlohmann::json;

namespace {

constexpr auto any_object = R"({"type":"object"})";
const cp::RpcCaller everybody{cp::Scopes::all(), "test", true};
const cp::RpcCaller reader{{cp::Scope::read}, "reader", true};

/// A dispatcher with a few methods, and what was called.
struct World {
  std::vector<std::string> calls;
  std::vector<std::string> faults;
  cp::RpcDispatcher dispatcher;

  explicit World(cp::RpcLimits limits = {}) : dispatcher{{}, limits} {
    add("echo", cp::Scope::read,
        R"({"type":"object","properties":{
             "text":{"type":"string","maxLength":5,"description":"What comes back."},
             "count":{"type":"integer","minimum":1,"maximum":9},
             "names":{"type":["string","array"],"items":{"type":"string"},"maxItems":2},
             "mode":{"enum":["slow","fast"]},
             "map":{"type":"object","additionalProperties":{"type":"boolean"}}},
            "additionalProperties":false})",
        [](std::string_view params) { return cp::Result<std::string>{std::string{params}}; });
    add("needs.text", cp::Scope::read,
        R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"]})",
        [](std::string_view) { return cp::Result<std::string>{"1"}; });
    add("change", cp::Scope::admin, any_object,
        [](std::string_view) { return cp::Result<std::string>{"true"}; });
    add("fails", cp::Scope::read, any_object, [](std::string_view) -> cp::Result<std::string> {
      cp::Error error{cp::Errc::rate_limited, "asking", "host.example", "wait"};
      error.retry_at = cp::TimePoint{cp::Duration{1'000}};
      return cp::fail(error);
    });
    add("throws", cp::Scope::read, any_object, [](std::string_view) -> cp::Result<std::string> {
      throw std::runtime_error{"sk-very-secret"};
    });
    dispatcher.on_fault([this](std::string_view method, std::string_view what) {
      faults.push_back(std::string{method} + ": " + std::string{what});
    });
  }

  template <class Run>
  void add(const char* name, cp::Scope scope, const char* schema, const Run& run) {
    dispatcher.add({name, scope, "A sentence.", schema, any_object,
                    [this, run, name](std::string_view params, const cp::RpcCaller&) {
                      calls.push_back(name);
                      return run(params);
                    }});
  }

  Json ask(const std::string& text, const cp::RpcCaller& caller = everybody) const {
    const auto answer = dispatcher.handle(text, caller);
    CAPTURE(text);
    REQUIRE_FALSE(answer.empty());
    return Json::parse(answer);
  }
  int code(const std::string& text, const cp::RpcCaller& caller = everybody) const {
    const auto answer = ask(text, caller);
    return answer.contains("error") ? answer["error"]["code"].get<int>() : 0;
  }
  /// What is wrong with parameters of echo.
  Json refusal(const std::string& params, const std::string& method = "echo") const {
    const auto answer =
        ask(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}");
    CAPTURE(params);
    REQUIRE(answer.contains("error"));
    CHECK(answer["error"]["code"] == -32602);
    return answer["error"]["data"];
  }
};

}  // namespace

TEST_CASE("rpc/dispatcher: a request is answered with its id, of whatever kind it may be") {
  const World world;
  for (const std::string id : {"1", "\"one\"", "null", "-7", "0", "18446744073709551615", "\"\""}) {
    const auto answer =
        world.ask(R"({"jsonrpc":"2.0","method":"echo","params":{"text":"a"},"id":)" + id + "}");
    CHECK(answer == Json{{"jsonrpc", "2.0"}, {"id", Json::parse(id)}, {"result", {{"text", "a"}}}});
  }
  // Without parameters, or with none by position, a method gets an empty object.
  CHECK(world.ask(R"({"jsonrpc":"2.0","id":1,"method":"echo"})")["result"] == Json::object());
  CHECK(world.ask(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":[]})")["result"] ==
        Json::object());
}

TEST_CASE("rpc/dispatcher: what is no request is refused with the code of the specification") {
  const World world;
  CHECK(world.code("") == -32700);
  CHECK(world.code("{") == -32700);
  CHECK(world.code(R"({"jsonrpc":"2.0","method":"foobar,"params":"bar","baz])") == -32700);
  CHECK(world.code("\xff") == -32700);
  CHECK(world.code(std::string{R"({"jsonrpc":"2.0","id":1,"method":"echo"})"} + '\0') == -32700);
  CHECK(world.code("1") == -32600);
  CHECK(world.code("null") == -32600);
  CHECK(world.code("{}") == -32600);
  CHECK(world.code(R"({"jsonrpc":"1.0","id":1,"method":"echo"})") == -32600);
  CHECK(world.code(R"({"jsonrpc":2.0,"id":1,"method":"echo"})") == -32600);
  CHECK(world.code(R"({"id":1,"method":"echo"})") == -32600);
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1})") == -32600);
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":1,"params":"bar"})") == -32600);
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":"bar"})") == -32600);
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":null})") == -32600);
  CHECK(world.calls.empty());
}

TEST_CASE("rpc/dispatcher: an id of another type is refused and answered with null") {
  const World world;
  for (const std::string id : {"true", "{}", "[1]", "1.5", "1e400"}) {
    const auto answer = Json::parse(
        world.dispatcher.handle(R"({"jsonrpc":"2.0","method":"echo","id":)" + id + "}", everybody));
    CHECK(answer["id"].is_null());
    CHECK(answer["error"]["code"] == (id == "1e400" ? -32700 : -32600));
  }
  CHECK(world.calls.empty());
  // The id of a request that is wrong elsewhere comes back.
  CHECK(world.ask(R"({"jsonrpc":"1.0","id":"x","method":"echo"})")["id"] == "x");
}

TEST_CASE("rpc/dispatcher: what was called, for a log: names of ours, never the caller's words") {
  const World world;
  const auto called = [&](const std::string& text) {
    std::string name;
    (void)world.dispatcher.handle(text, everybody, &name);
    return name;
  };
  const std::string one = R"({"jsonrpc":"2.0","id":1,"method":"echo"})";
  CHECK(called(one) == "echo");
  CHECK(called("[" + one + "," + one + "," + one + "]") == "echo +2");
  CHECK(called("[" + one + "]") == "echo");
  CHECK(called(R"({"jsonrpc":"2.0","id":1,"method":"sk-secret"})") == "unknown");
  CHECK(called("[1,2]") == "unknown +1");
  CHECK(called("{") == "");
  CHECK(called("[]") == "");
}

TEST_CASE("rpc/dispatcher: a notification is done and never answered") {
  const World world;
  CHECK(world.dispatcher.handle(R"({"jsonrpc":"2.0","method":"echo"})", everybody) == "");
  CHECK(world.calls == std::vector<std::string>{"echo"});
  CHECK(world.dispatcher.handle(R"({"jsonrpc":"2.0","method":"nobody"})", everybody) == "");
  CHECK(world.dispatcher.handle(R"({"jsonrpc":"2.0","method":"echo","params":[1]})", everybody) ==
        "");
  CHECK(world.dispatcher.handle(R"({"jsonrpc":"2.0","method":"fails"})", everybody) == "");
  // Without the scope it is not done either.
  CHECK(world.dispatcher.handle(R"({"jsonrpc":"2.0","method":"change"})", reader) == "");
  CHECK(world.calls == std::vector<std::string>{"echo", "fails"});
}

TEST_CASE("rpc/dispatcher: a batch is answered in its order, without its notifications") {
  const World world;
  const auto answers = world.ask(R"([
    {"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"a"}},
    {"jsonrpc":"2.0","method":"echo"},
    {"foo":"boo"},
    7,
    [],
    {"jsonrpc":"2.0","id":"5","method":"nobody"},
    {"jsonrpc":"2.0","id":9,"method":"echo"}])");
  REQUIRE(answers.size() == 6);
  CHECK(answers[0]["id"] == 1);
  CHECK(answers[0]["result"] == Json{{"text", "a"}});
  for (const auto at : {1, 2, 3}) {
    CHECK(answers[at]["id"].is_null());
    CHECK(answers[at]["error"]["code"] == -32600);
  }
  CHECK(answers[4]["error"]["code"] == -32601);
  CHECK(answers[5]["id"] == 9);

  CHECK(world.dispatcher.handle(
            R"([{"jsonrpc":"2.0","method":"echo"},{"jsonrpc":"2.0","method":"echo"}])",
            everybody) == "");
}

TEST_CASE("rpc/dispatcher: an empty batch and one over the limit get one refusal") {
  const World world{{.max_batch = 2}};
  CHECK(world.code("[]") == -32600);
  CHECK(world.ask("[1,2]").size() == 2);
  const auto refused = world.ask("[1,2,3]");
  REQUIRE(refused.is_object());
  CHECK(refused["error"]["code"] == -32600);
  CHECK(refused["error"]["data"]["code"] == "too_large");
  CHECK(world.calls.empty());
}

TEST_CASE("rpc/dispatcher: size, depth and doubled members are bounded") {
  const World world{{.max_bytes = 200, .max_depth = 4}};
  const auto large =
      world.ask(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(200, 'x') + "\"}");
  CHECK(large["error"]["code"] == -32600);
  CHECK(large["error"]["data"]["code"] == "too_large");
  const auto deep = world.ask(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":[[[1]]]}})");
  CHECK(deep["error"]["code"] == -32700);
  CHECK(deep["error"]["data"]["code"] == "too_deep");
  const auto doubled = world.ask(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"echo"})");
  CHECK(doubled["error"]["code"] == -32700);
  CHECK(doubled["error"]["data"]["code"] == "duplicate_key");
  CHECK(world.calls.empty());

  const World usual;
  CHECK(usual.code(std::string(100'000, '[')) == -32700);
}

TEST_CASE("rpc/dispatcher: parameters by position are refused and told how to write them") {
  const World world;
  const auto data = world.refusal("[1]");
  CHECK(data["message"] == "parameters go by name here, not by position");
  CHECK(data["hint"] == R"(give an object: {"name": value})");
  CHECK(data["path"] == "params");
}

TEST_CASE("rpc/dispatcher: parameters that do not fit the schema never reach the method") {
  const World world;
  CHECK(world.refusal(R"({"text":7})")["path"] == "params.text");
  CHECK(world.refusal(R"({"text":7})")["message"] == "echo: text is no string");
  CHECK(world.refusal(R"({"text":"abcdef"})")["message"] ==
        "echo: text is longer than 5 characters");
  CHECK(world.refusal(R"({"count":0})")["message"] == "echo: count is below 1");
  CHECK(world.refusal(R"({"count":10})")["message"] == "echo: count is over 9");
  CHECK(world.refusal(R"({"count":1.5})")["message"] == "echo: count is no integer");
  CHECK(world.refusal(R"({"names":7})")["message"] == "echo: names is no string or array");
  CHECK(world.refusal(R"({"names":["a",7]})")["path"] == "params.names[1]");
  CHECK(world.refusal(R"({"names":["a","b","c"]})")["message"] ==
        "echo: names has more than 2 items");
  CHECK(world.refusal(R"({"mode":"warp"})")["hint"] == "it is slow or fast");
  CHECK(world.refusal(R"({"map":{"secret-name":1}})")["path"] == "params.map.*");
  CHECK(world.refusal("{}", "needs.text")["message"] == "needs.text: text is missing");
  CHECK(world.calls.empty());

  // Characters count, not bytes; 2.0 is an integer.
  for (const std::string params :
       {R"({"text":"\u00e4\u00e4\u00e4\u00e4\u00e4"})", R"({"count":2.0})", R"({"names":"a"})",
        R"({"names":[]})", R"({"map":{"a":true}})", R"({"mode":"fast"})"})
    CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"echo","params":)" + params + "}") == 0);
}

TEST_CASE("rpc/dispatcher: a parameter that there is not is answered with the nearest one") {
  const World world;
  const auto data = world.refusal(R"({"texs":"a"})");
  CHECK(data["message"] == R"(echo: there is no such parameter: key "texs")");
  CHECK(data["hint"] == R"(did you mean "text"?)");
  CHECK(data["code"] == "invalid_argument");
  // A token where a name should stand is not repeated.
  const std::string token(60, 'k');
  CHECK(world.refusal("{\"" + token + "\":1}").dump().find(token) == std::string::npos);
}

TEST_CASE("rpc/dispatcher: an unknown method is answered with the nearest one") {
  const World world;
  const auto answer = world.ask(R"({"jsonrpc":"2.0","id":1,"method":"chnage"})");
  CHECK(answer["error"]["code"] == -32601);
  CHECK(answer["error"]["message"] == "Method not found");
  CHECK(answer["error"]["data"]["hint"] == "did you mean change?");
}

TEST_CASE("rpc/dispatcher: without its scope no method runs, whatever else is wrong") {
  const World world;
  const auto answer =
      world.ask(R"({"jsonrpc":"2.0","id":1,"method":"change","params":{}})", reader);
  CHECK(answer["error"]["code"] == -32001);
  CHECK(answer["error"]["data"]["code"] == "forbidden");
  CHECK(answer["error"]["data"]["hint"] == "it needs the scope admin");
  CHECK(world.calls.empty());
  // No scope holds another.
  for (const auto scope : {cp::Scope::read, cp::Scope::operate, cp::Scope::secrets})
    CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"change"})", {{scope}, "", true}) ==
          -32001);
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"echo"})", {{}, "", true}) == -32001);
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"rpc.discover"})", {{}, "", true}) ==
        -32001);
  // What a request says of itself counts for nothing.
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"change","scopes":["admin"]})", reader) ==
        -32001);
  CHECK(world.code(R"({"jsonrpc":"2.0","id":1,"method":"change"})",
                   {{cp::Scope::admin}, "", true}) == 0);
}

TEST_CASE("rpc/dispatcher: an error of a method comes with all that a person needs") {
  const World world;
  const auto error = world.ask(R"({"jsonrpc":"2.0","id":1,"method":"fails"})")["error"];
  CHECK(error["code"] == -32000);
  CHECK(error["data"]["code"] == "rate_limited");
  CHECK(error["data"]["hint"] == "wait");
  CHECK(error["data"]["path"] == "host.example");
  CHECK(error["data"]["retryAt"] == "1970-01-01T00:00:01Z");
  CHECK(error["message"] == error["data"]["message"]);
}

TEST_CASE("rpc/dispatcher: what a method throws is for the log, not for the caller") {
  const World world;
  const auto answer =
      world.dispatcher.handle(R"({"jsonrpc":"2.0","id":1,"method":"throws"})", everybody);
  CHECK(Json::parse(answer)["error"]["code"] == -32603);
  CHECK(answer.find("sk-very-secret") == std::string::npos);
  CHECK(world.faults == std::vector<std::string>{"throws: sk-very-secret"});
}

TEST_CASE("rpc/dispatcher: the OpenRPC document names every method and what it takes") {
  const World world;
  const auto document = Json::parse(world.dispatcher.openrpc());
  CHECK(document["openrpc"] == "1.3.2");
  std::vector<std::string> names;
  for (const auto& method : document["methods"]) names.push_back(method["name"]);
  CHECK(names == world.dispatcher.methods());
  CHECK(names == std::vector<std::string>{"change", "echo", "fails", "needs.text", "rpc.discover",
                                          "throws"});
  const auto& echo = document["methods"][1];
  CHECK(echo["paramStructure"] == "by-name");
  CHECK(echo["x-scope"] == "read");
  CHECK(echo["params"][0]["name"] == "text");
  CHECK(echo["params"][0]["description"] == "What comes back.");
  CHECK(echo["params"][0]["required"] == false);
  CHECK(echo["params"][0]["schema"]["maxLength"] == 5);
  CHECK(document["methods"][3]["params"][0]["required"] == true);
  CHECK(world.ask(R"({"jsonrpc":"2.0","id":1,"method":"rpc.discover"})")["result"] == document);
}

TEST_CASE("rpc/dispatcher: a method that cannot be served is a mistake of the program") {
  World world;
  const auto add = [&](const char* name, const char* schema) {
    world.dispatcher.add(
        {name, cp::Scope::read, "", schema, any_object,
         [](std::string_view, const cp::RpcCaller&) { return cp::Result<std::string>{"1"}; }});
  };
  CHECK_THROWS_AS(add("echo", any_object), std::logic_error);
  CHECK_THROWS_AS(add("rpc.mine", any_object), std::logic_error);
  CHECK_THROWS_AS(add("a", "{"), std::logic_error);
  CHECK_THROWS_AS(add("a", R"({"type":"array"})"), std::logic_error);
  // A rule that nobody would look at.
  CHECK_THROWS_AS(add("a", R"({"type":"object","properties":{"x":{"pattern":"a"}}})"),
                  std::logic_error);
  CHECK_NOTHROW(add("a", any_object));
}
