// SPDX-License-Identifier: MIT
// A type without discover() is no source, and the compiler names what is missing.
// expect: discover
#include <credpool/source/concept.hpp>

struct AcmeCli {
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
#if !defined(BAD_LINE)
  credpool::Result<std::vector<credpool::Credential>> discover(const credpool::Environment&) const {
    return std::vector<credpool::Credential>{};
  }
#endif
};
static_assert(credpool::CredentialSource<AcmeCli>);
