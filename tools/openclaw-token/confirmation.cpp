// SPDX-License-Identifier: MIT
#include "confirmation.hpp"

#include "fault.hpp"
#include "prompt.hpp"

namespace openclaw_token {

credpool::Result<bool> confirmed(const Session& session, const Arguments& arguments,
                                 const std::string& question, const std::string& when_not) {
  if (arguments.has("--yes")) return true;
  auto answer = credpool_cli::confirm(credpool_cli::harmless(question));
  if (!answer && answer.error().code == credpool::Errc::cancelled) answer = false;
  if (!answer)
    return mistake("This has to be confirmed, and there is no terminal to ask on.",
                   "Give --yes to confirm it.");
  if (*answer) return true;
  if (session.json())
    session.print_json(Json{{"cancelled", true}});
  else
    session.print(when_not + "\n");
  return false;
}

}  // namespace openclaw_token
