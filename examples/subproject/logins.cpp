// SPDX-License-Identifier: MIT
// Lists the logins of kimi-cli on this machine: what each is and whether it can be used.

#include <credpool/credpool.hpp>

#include <iostream>

int main() {
  const auto environment = credpool::Environment::of_process();
  const auto found = credpool::KimiCli{}.discover(environment);
  if (!found) {
    std::cerr << found.error().message() << '\n';
    return credpool::exit_code(found.error());
  }
  std::cout << found->size() << " login(s) of " << credpool::KimiCli::cli << '\n';
  for (const auto& credential : *found)
    std::cout << credential.profile_id << ' ' << credential.token_hash() << '\n';
}
