#pragma once
// SPDX-License-Identifier: MIT

#include "api.hpp"

namespace openclaw_token {

/// A login that a person agrees to in a browser, on any device (RFC 8628): shows the page and the
/// code, waits for the yes, asks who it is.
/// @return {management_key, email, merged}
/// @errors when it was denied, came too late, or cannot be done
credpool::Result<Json> device_login(Session& session, Api& api);

/// Keeps what a login or registration gave as the profile's configuration.
credpool::Result<void> keep_login(const Session& session, const Api& api, const Json& answer);

}  // namespace openclaw_token
