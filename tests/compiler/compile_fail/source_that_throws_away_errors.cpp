// SPDX-License-Identifier: MIT
// discover() must be able to say that not even looking was possible.
// expect: discover
#include <credpool/source/concept.hpp>

struct AcmeCli {
  static constexpr std::string_view cli = "acme-cli";
  static constexpr std::string_view provider = "acme";
#if defined(BAD_LINE)
  std::vector<credpool::Credential> discover(const credpool::Environment&) const {
    return {};
  }
#else
  credpool::Result<std::vector<credpool::Credential> > discover(
      const credpool::Environment&) const {
    return std::vector<credpool::Credential>{};
  }
#endif
};
static_assert(credpool::CredentialSource<AcmeCli>);
