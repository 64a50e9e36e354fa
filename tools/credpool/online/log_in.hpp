#pragma once
// SPDX-License-Identifier: MIT

#include "../keep_key.hpp"

#include <credpool/refresh/interaction.hpp>
#include <credpool/refresh/login_providers.hpp>
#include <credpool/refresh/oauth_browser.hpp>

#include <string>

namespace credpool_cli {

/// A login or key that a person is to make.
struct LogIn {
  const credpool::LoginProvider* login = nullptr;
  credpool::LoginMethod method = credpool::LoginMethod::manual;  ///< one with a person
  std::string profile = {};  ///< a name for it; empty: "own", of a key "manual"
  std::string region = {};   ///< Kimi: "mainland-cn" or "global"; empty: as its CLI says
  credpool::BrowserReturn comes_back = credpool::BrowserReturn::loopback;
};

/// Whether log_in() can do it; not what the stored refresh token or the CLI itself does.
bool is_for_log_in(credpool::LoginMethod method) noexcept;

/// Logs in with the person, and keeps what came of it in our own store.
///
/// A key that the provider does not accept may be given again, up to three times in all.
/// @errors those of the method (oauth_browser.hpp, oauth_device.hpp, api_key_web.hpp, manual.hpp)
///         and of keep_key()
/// @thread_safety safe; blocks
credpool::Result<Kept> log_in(const Session& session, const LogIn& wanted,
                              credpool::Interaction& person);

}  // namespace credpool_cli
