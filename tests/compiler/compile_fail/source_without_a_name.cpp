// SPDX-License-Identifier: MIT
// A source says which CLI it reads.
// expect: cli
#include <credpool/source/concept.hpp>

struct AcmeCli {
#if !defined(BAD_LINE)
  static constexpr std::string_view cli = "acme-cli";
#endif
  static constexpr std::string_view provider = "acme";
  credpool::Result<std::vector<credpool::Credential>> discover(const credpool::Environment&) const {
    return std::vector<credpool::Credential>{};
  }
};
static_assert(credpool::CredentialSource<AcmeCli>);
