// SPDX-License-Identifier: MIT
#include "../validator.hpp"

#include "spinner.hpp"

#include <credpool/transport/httplib.hpp>
#include <credpool/validation/http_validator.hpp>

namespace credpool_cli {

namespace cp = credpool;

namespace {

cp::ValidatorOptions options_of(const cp::Settings& settings) {
  cp::ValidatorOptions options;
  options.base_urls = settings.base_urls;
  return options;
}

}  // namespace

std::vector<cp::Verdict> validate_all(const Session& session, const cp::Settings& settings,
                                      std::vector<cp::Credential>& credentials) {
  cp::HttplibTransport transport{cp::HttplibOptions::from(session.environment())};
  cp::HttpValidator validator{transport, options_of(settings)};
  Spinner spinner{session.err(), "asking the providers"};
  return validator.validate_all(credentials, session.now(), {},
                                [&](std::size_t done, std::size_t total, std::size_t, const auto&) {
                                  spinner.text("asking the providers: " + std::to_string(done) +
                                               " of " + std::to_string(total));
                                });
}

cp::Verdict validate_one(const Session& session, const cp::Settings& settings,
                         const cp::Credential& credential) {
  cp::HttplibTransport transport{cp::HttplibOptions::from(session.environment())};
  cp::HttpValidator validator{transport, options_of(settings)};
  const Spinner spinner{session.err(), "asking " + credential.provider};
  return validator.validate(credential, session.now());
}

}  // namespace credpool_cli
