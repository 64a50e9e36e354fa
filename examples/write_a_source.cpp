// SPDX-License-Identifier: MIT
// How do I teach the pool another CLI? Nothing to inherit, nothing to register.

#include <credpool/credpool.hpp>

#include <iostream>

namespace cp = credpool;

/// A CLI that keeps its key in one environment variable.
struct AcmeCli {
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";

  cp::Result<std::vector<cp::Credential>> discover(const cp::Environment& environment) const {
    const auto key = environment.variable("ACME_API_KEY");
    if (!key) return std::vector<cp::Credential>{};  // not there is not an error
    auto credential = cp::Credential::api_key(cli, provider, cp::Secret{*key});
    credential.places.push_back({"env:ACME_API_KEY", {}});
    return std::vector{credential};
  }
};
static_assert(cp::CredentialSource<AcmeCli>);  // one line; a readable diagnosis when it fails

int main() {
  const auto environment =
      cp::Environment::of_process().with_variable("ACME_API_KEY", "acme-fake-key");
  const auto discovery = cp::Sources{cp::KimiCli{}, AcmeCli{}}.discover_all(environment);
  for (const auto& credential : discovery.credentials)
    std::cout << credential.cli << ": " << credential.profile_id << " in "
              << credential.places.front().location << '\n';
}
