// SPDX-License-Identifier: MIT
// The accounts' interface over HTTP on a free port of this machine, for tests: prints its URL, and
// ends when its standard input does. Accounts live in memory.

#include <credpool/account/api.hpp>
#include <credpool/account/memory_store.hpp>
#include <credpool/account/password.hpp>
#include <credpool/core/clock.hpp>

#include <httplib.h>

#include <cstdio>
#include <string>
#include <thread>

namespace cp = credpool;

int main() {
  cp::MemoryAccountStore store;
  cp::SaltedDigestHasher passwords;
  cp::AccountApiOptions options;
  options.store = &store;
  options.passwords = &passwords;
  options.now = [] { return cp::SystemClock{}.now(); };
  options.grant_credits = true;
  options.mock_github = true;
  cp::AccountApi api{std::move(options)};

  httplib::Server server;
  const auto answer = [&](const httplib::Request& incoming, httplib::Response& outgoing) {
    cp::ApiRequest request;
    request.method = incoming.method;
    const auto question = incoming.target.find('?');
    request.path = incoming.target.substr(0, question);
    if (question != std::string::npos) request.query = incoming.target.substr(question + 1);
    request.authorization = incoming.get_header_value("Authorization");
    request.idempotency_key = incoming.get_header_value("Idempotency-Key");
    request.body = incoming.body;
    const auto response = api.handle(request);
    outgoing.status = response.status;
    for (const auto& header : response.headers) outgoing.set_header(header.name, header.value);
    outgoing.set_content(response.body, "application/json");
  };
  server.Get(".*", answer)
      .Post(".*", answer)
      .Put(".*", answer)
      .Patch(".*", answer)
      .Delete(".*", answer);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::printf("http://127.0.0.1:%d\n", port);
  std::fflush(stdout);
  std::thread end{[&] {
    while (std::getchar() != EOF) {
    }
    server.stop();
  }};
  server.listen_after_bind();
  end.join();
}
