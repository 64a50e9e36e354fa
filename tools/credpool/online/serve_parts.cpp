// SPDX-License-Identifier: MIT
#include "serve_parts.hpp"

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<ServeParts> ServeParts::of(const ServeOptions& options) {
  const auto refuse = [](std::string hint) {
    return cp::fail(cp::Errc::invalid_argument, "choosing parts of the server", {},
                    std::move(hint));
  };
  ServeParts parts;
  if (!options.only.empty()) {
    const auto has = [&](std::string_view name) {
      return std::find(options.only.begin(), options.only.end(), name) != options.only.end();
    };
    parts = {.accounts = has("accounts"),
             .proxy = has("proxy"),
             .gateway = has("gateway"),
             .ui = has("ui"),
             .refresh = has("refresh"),
             .named = true};
    if (parts.ui && !parts.gateway) return refuse("the pages need the gateway: --only gateway,ui");
    if (options.open && parts.accounts) return refuse("--open is without accounts");
    if (parts.proxy && !parts.accounts && !options.open)
      return refuse("the proxy needs accounts, or --open");
  }
  if (options.open) parts.accounts = false;
  if (options.no_ui) parts.ui = false;
  return parts;
}

}  // namespace credpool_cli
