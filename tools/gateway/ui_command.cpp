// SPDX-License-Identifier: MIT
// ui: a link that opens the Control UI of the running server once.
#include "rpc_client.hpp"

#include "../credpool/cli_pool.hpp"
#include "../credpool/commands.hpp"
#include "../credpool/terminal_interaction.hpp"

#include <credpool/core/file.hpp>
#include <credpool/core/iso8601.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// A page that leads to the link, for its owner only: the arguments of a browser are for everybody
/// on this machine to see.
cp::Result<std::filesystem::path> page_to(const std::string& link,
                                          const std::filesystem::path& directory) {
  // The link is of letters, digits and ":/#=-_.[]"; nothing of it is special in HTML.
  auto file = directory / "open-ui.html";
  auto written = cp::replace_file(file,
                                  "<!doctype html><meta charset=utf-8>"
                                  "<meta name=referrer content=no-referrer>"
                                  "<meta http-equiv=refresh content=\"0;url=" +
                                      link + "\">\n",
                                  0600, false, false);
  if (!written) return cp::fail(written.error());
  return file;
}

bool is_plain(const std::string& link) {
  return (link.starts_with("http://") || link.starts_with("https://")) &&
         std::all_of(link.begin(), link.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view{":/#=-_.[]"}.find(c) != std::string_view::npos;
         });
}

cp::Error refused(std::string doing, const RpcRefusal& refusal) {
  return {refusal.errc, std::move(doing), {}, refusal.hint};
}

int sign_all_out(Session& session, const RpcPlace& server) {
  const auto answer = call_method(session, server, "gateway.sessions.end", Json::object());
  if (!answer) return session.fail(answer.error());
  if (answer->refusal) return session.fail(refused("signing browsers out", *answer->refusal));
  if (session.options().json) {
    session.print_json(answer->result);
    return 0;
  }
  const auto ended = answer->result.value("ended", 0);
  session.print(ended == 1 ? "1 browser is signed out.\n"
                           : std::to_string(ended) + " browsers are signed out.\n");
  return 0;
}

}  // namespace

int run_ui(Session& session, const UiOptions& options) {
  const auto server = find_server(session);
  if (!server) return session.fail(server.error());
  if (options.sign_out) return sign_all_out(session, *server);
  const auto answer = call_method(session, *server, "gateway.link", Json::object());
  if (!answer) return session.fail(answer.error());
  if (answer->refusal)
    return session.fail(refused("making a link to the Control UI", *answer->refusal));
  const auto link = answer->result.value("url", std::string{});
  if (!is_plain(link))
    return session.fail({cp::Errc::malformed,
                         "making a link to the Control UI",
                         {},
                         "the server gave none that can be opened"});
  bool opened = false;
  if (!options.no_browser && browser_opener(session.environment())) {
    const auto settings = settings_of(session);
    const auto directory =
        settings ? open_state_directory(session, *settings) : cp::fail(settings.error());
    if (directory)
      if (const auto page = page_to(link, directory->path()))
        opened = open_in_browser("file://" + page->string(), session.environment());
  }
  if (session.options().json) {
    session.print_json(Json{{"url", link},
                            {"expiresAt", answer->result.value("expiresAt", Json(nullptr))},
                            {"opened", opened}});
    return 0;
  }
  session.print(link + "\n");
  session.note(opened ? "It opens in the browser; the link works once, within two minutes."
                      : "Open it in a browser of this machine; it works once, within two minutes.");
  return 0;
}

}  // namespace credpool_cli
