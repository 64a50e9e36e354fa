#pragma once
// SPDX-License-Identifier: MIT

#include "cli_pool.hpp"
#include "refresher.hpp"

#include <credpool/refresh/login_providers.hpp>

#include <optional>
#include <string>
#include <vector>

namespace credpool_cli {

/// The login of a CLI, also of one that the library has no row for: then a token can be given by
/// hand.
class KnownLogin {
 public:
  /// @errors invalid_argument for a name that neither has a row nor a credential
  static credpool::Result<KnownLogin> find(
      const std::string& cli,
      const std::vector<std::shared_ptr<const credpool::Credential>>& credentials);

  credpool::LoginProvider row() const;

 private:
  const credpool::LoginProvider* known_ = nullptr;
  std::string cli_, provider_;
};

/// A way to get a login or key anew, as it is offered to a person.
struct OfferedMethod {
  credpool::LoginMethod method = credpool::LoginMethod::manual;
  bool recommended = false;
  bool available = true;
  std::string why = {};      ///< it is not available, or is recommended; may be empty
  std::string url = {};      ///< the page of api-key-web
  std::string command = {};  ///< of cli-command
};

/// For a person: "Browser login" and one sentence.
std::string title_of(credpool::LoginMethod method);
std::string sentence_of(credpool::LoginMethod method);

/// The methods for that CLI, the recommended one first.
/// @param credential what is to be refreshed; null: none is there
std::vector<OfferedMethod> offered_methods(const credpool::LoginProvider& login,
                                           const credpool::Credential* credential,
                                           const Refresher& refresher, const CliSources& sources,
                                           const credpool::Settings& settings,
                                           const credpool::Environment& environment,
                                           credpool::TimePoint now);

/// Whether that CLI's own login draws on the whole terminal, so that only a person at one can
/// use it.
bool login_needs_terminal(std::string_view cli) noexcept;

}  // namespace credpool_cli
