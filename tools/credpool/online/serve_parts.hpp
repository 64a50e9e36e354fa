#pragma once
// SPDX-License-Identifier: MIT

#include "../commands.hpp"

#include <credpool/core/result.hpp>

namespace credpool_cli {

/// Which parts of `serve` are started.
struct ServeParts {
  bool accounts = true;  ///< keys with credits
  bool proxy = true;     ///< the endpoint for models
  bool gateway = true;   ///< RPC, events, metrics
  bool ui = true;        ///< the Control UI
  bool refresh = true;   ///< tokens are renewed in time
  bool named = false;    ///< as the command line said

  /// As --only, --open and --no-ui say.
  /// @errors invalid_argument for parts that do not go together
  static credpool::Result<ServeParts> of(const ServeOptions& options);
};

}  // namespace credpool_cli
