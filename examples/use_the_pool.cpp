// SPDX-License-Identifier: MIT
// How do I lend the logins of this machine from my own program?

#include <credpool/credpool.hpp>

#include <iostream>

namespace cp = credpool;

int main() {
  cp::Pool pool{cp::Sources{cp::KimiCli{}, cp::CodexCli{}}, cp::LeastUsed{}};
  const auto found = pool.scan();
  if (!found) return cp::exit_code(found.error());
  for (const auto& credential : found->credentials)
    std::cout << credential.profile_id << " of " << credential.cli << '\n';

  auto lease = pool.acquire({.provider = "openai"});
  if (!lease) return cp::exit_code(lease.error());
  std::cout << "lent: " << lease->credential().profile_id << '\n';
  // Call the provider with lease->secret().reveal() here, then say how it went:
  lease->report(cp::Outcome::ok());
}
