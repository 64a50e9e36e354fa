// SPDX-License-Identifier: MIT
// Any head at the gateway's door: nobody gets in without a credential of it, whatever the headers
// say. Each line of the input is a header; the first is method and path.
#include <credpool/gateway/access.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace cp = credpool;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

struct Gate {
  Gate() {
    access.hosts().add_listener(*cp::ListenAddress::parse("127.0.0.1:8484"), false);
    access.hosts().add_listener(*cp::ListenAddress::parse("[::]:8485"), true);
    (void)access.hosts().add_name("pool.example");
    access.tokens().set_main(cp::Secret{"cpg-a-token-that-no-input-guesses-0123456789"}, {});
    const auto code = access.sessions().make_code(cp::Scopes::all(), {});
    (void)access.sessions().open(code->reveal(), {});
  }
  cp::GatewayAccess access{[] { return cp::TimePoint{}; }};
};

constexpr cp::GatewayRoute routes[] = {
    {"/rpc", "POST", cp::GatewayDoor::inside, {}, true},
    {"/events", "GET", cp::GatewayDoor::inside, cp::Scope::read},
    {"/ui/session", "POST DELETE", cp::GatewayDoor::entrance, {}, true},
    {"/ui/", "GET HEAD", cp::GatewayDoor::page},
    {"/healthz", "GET HEAD", cp::GatewayDoor::open},
};

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Gate gate;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  cp::RequestHead head;
  const auto first = next_line(text);
  head.method = first.substr(0, first.find(' '));
  head.target = "/";
  while (!text.empty() && head.headers.size() < 100) {
    const auto line = next_line(text);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    head.headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  for (const auto& route : routes) {
    const auto decision = gate.access.decide(route, head, "127.0.0.1");
    if (const auto* const answer = std::get_if<cp::Answer>(&decision)) {
      must(answer->status >= 400 && answer->status < 500 && !answer->body.empty());
      continue;
    }
    must(!std::get<std::optional<cp::GatewayIdentity>>(decision));
    must(route.door != cp::GatewayDoor::inside);
    if (route.door == cp::GatewayDoor::open) continue;
    // Then its Host was one of ours.
    const auto host = head.header("host");
    must(host && gate.access.hosts().allows(*host));
    if (route.door == cp::GatewayDoor::entrance)
      must(gate.access.hosts().is_own_origin(head.header("origin").value_or(""), *host));
  }
  for (const auto& header : head.headers) {
    for (const auto value : cp::cookie_values(header.value, header.name))
      must(value.size() <= size);
    (void)cp::is_json_type(header.value);
    (void)cp::TokenBook::parse(header.value);
    must(cp::bearer_token(header.value).size() <= header.value.size());
  }
  return 0;
}
