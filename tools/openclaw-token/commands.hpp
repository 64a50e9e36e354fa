#pragma once
// SPDX-License-Identifier: MIT

#include "arguments.hpp"
#include "session.hpp"

namespace openclaw_token {

// Every command: reads its arguments, does it, prints, returns the exit code (0 or 1).

int auth_register(Session& session, const Arguments& arguments);
int auth_login(Session& session, const Arguments& arguments);
int auth_logout(Session& session, const Arguments& arguments);
int auth_rotate(Session& session, const Arguments& arguments);
int auth_whoami(Session& session, const Arguments& arguments);

int credits_balance(Session& session, const Arguments& arguments);
int credits_buy(Session& session, const Arguments& arguments);
int credits_history(Session& session, const Arguments& arguments);
int credits_auto_topup(Session& session, const Arguments& arguments);

int keys_create(Session& session, const Arguments& arguments);
int keys_list(Session& session, const Arguments& arguments);
int keys_info(Session& session, const Arguments& arguments);
int keys_update(Session& session, const Arguments& arguments);
int keys_rotate(Session& session, const Arguments& arguments);
int keys_revoke(Session& session, const Arguments& arguments);
int keys_revoke_all(Session& session, const Arguments& arguments);
int keys_export(Session& session, const Arguments& arguments);
int keys_import(Session& session, const Arguments& arguments);
int keys_usage(Session& session, const Arguments& arguments);

int integrate(Session& session, const Arguments& arguments);

int profile_create(Session& session, const Arguments& arguments);
int profile_switch(Session& session, const Arguments& arguments);
int profile_list(Session& session, const Arguments& arguments);
int profile_current(Session& session, const Arguments& arguments);
int profile_delete(Session& session, const Arguments& arguments);

int audit_show(Session& session, const Arguments& arguments);
int audit_clear(Session& session, const Arguments& arguments);

int config_get(Session& session, const Arguments& arguments);
int config_set(Session& session, const Arguments& arguments);
int config_list(Session& session, const Arguments& arguments);
int config_show(Session& session, const Arguments& arguments);
int config_reset(Session& session, const Arguments& arguments);

}  // namespace openclaw_token
