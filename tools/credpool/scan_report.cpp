// SPDX-License-Identifier: MIT
#include "scan_report.hpp"

#include "table.hpp"

#include <credpool/core/iso8601.hpp>

#include <algorithm>
#include <map>

namespace credpool_cli {

namespace cp = credpool;

namespace {

Json validation_json(const cp::Verdict& verdict) {
  return {{"verdict", cp::to_string(verdict.finding)},
          {"probed", verdict.probed},
          {"detail", harmless(verdict.detail)},
          {"httpStatus", verdict.http_status ? Json(*verdict.http_status) : Json(nullptr)},
          {"retryAt", time_json(verdict.retry_at)},
          {"quota", quotas_json(verdict.quotas)}};
}

std::string where(const cp::Credential& credential, const cp::Environment& environment) {
  if (credential.places.empty()) return "-";
  const auto& first = credential.places.front();
  std::string text = short_path(first.location, environment);
  if (!first.pointer.empty()) text += " " + first.pointer;
  if (credential.places.size() > 1)
    text += " (+" + std::to_string(credential.places.size() - 1) + ")";
  return text;
}

/// "readable_by_others: chmod 600 ..." as a person reads it: the kind in words, then what to do.
std::string in_words(const std::string& warning) {
  auto text = harmless(warning);
  std::replace(text.begin(),
               text.begin() + static_cast<std::ptrdiff_t>(std::min(text.find(':'), text.size())),
               '_', ' ');
  return text;
}

std::string count(std::size_t number, const char* one, const char* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

/// What a person has to know about single credentials, one line each.
std::vector<std::string> notes(const ScanReport& report, const Session& session) {
  std::vector<std::string> lines;
  for (const auto& credential : report.discovery.credentials) {
    if (!credential.detail.empty())
      lines.push_back(credential.profile_id + " (" + credential.cli +
                      "): " + harmless(credential.detail));
    for (const auto& place : credential.places)
      for (const auto& warning : place.warnings)
        lines.push_back(short_path(place.location, session.environment()) + ": " +
                        in_words(warning));
  }
  std::map<std::string, std::string> failed;  // one line for what failed alike for several CLIs
  for (const auto& failure : report.discovery.failures) {
    auto& clis = failed[harmless(failure.error.message())];
    clis += (clis.empty() ? "" : ", ") + failure.cli;
  }
  for (const auto& [message, clis] : failed) lines.push_back(clis + ": " + message);
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  return lines;
}

std::string nothing_found(const ScanReport& report, const Session& session) {
  std::string text = "No login found. Looked for:\n\n";
  Table table{{"CLI", "PROGRAM...", "FILES..."}};
  for (const auto& cli : report.discovery.clis) {
    std::string files;
    for (const auto& file : cli.files_looked_at)
      files += (files.empty() ? "" : ", ") + short_path(file.string(), session.environment());
    if (files.empty() && !cli.program) continue;
    table.add({cli.cli,
               cli.program          ? cli.program->string()
               : cli.names_programs ? std::string{"not on PATH"}
                                    : std::string{"-"},
               files});
  }
  text += table.render(session.out());
  text +=
      "\nNext: log in with one of these CLIs and run `credpool scan` again,\n"
      "      keep an API key with `credpool import-manual codex-cli`,\n"
      "      or see it all work with made-up logins: `credpool demo`\n";
  return text;
}

}  // namespace

Json clis_json(const std::vector<cp::CliFacts>& facts) {
  Json clis = Json::array();
  for (const auto& cli : facts) {
    Json files = Json::array();
    for (const auto& file : cli.files_found) files.push_back(file.string());
    Json looked = Json::array();
    for (const auto& file : cli.files_looked_at) looked.push_back(file.string());
    clis.push_back({{"cli", cli.cli},
                    {"provider", cli.provider},
                    {"program", cli.program ? Json(cli.program->string()) : Json(nullptr)},
                    {"login", {{"found", !files.empty()}, {"files", files}, {"looked", looked}}},
                    {"environment", cli.variables_set}});
  }
  return clis;
}

Json quotas_json(const std::vector<cp::QuotaWindow>& quotas) {
  Json list = Json::array();
  for (const auto& quota : quotas) {
    const auto number = [](const std::optional<double>& value) {
      return value ? Json(*value) : Json(nullptr);
    };
    list.push_back({{"name", harmless(quota.name)},
                    {"usedPercent", number(quota.percent())},
                    {"used", number(quota.used)},
                    {"limit", number(quota.limit)},
                    {"resetsAt", time_json(quota.resets_at)},
                    {"lengthSeconds", quota.length ? Json(quota.length->count()) : Json(nullptr)},
                    {"partial", quota.partial}});
  }
  return list;
}

Json scan_json(const ScanReport& report, const cp::Settings& settings) {
  Json credentials = Json::array();
  for (const auto& credential : report.discovery.credentials) {
    auto entry = credential_json(credential, report.scanned_at);
    entry["policy"] = policy_json(credential, settings);
    entry["imported"] = report.lendable.contains(credential.id);
    if (const auto verdict = report.verdicts.find(credential.id); verdict != report.verdicts.end())
      entry["validation"] = validation_json(verdict->second);
    credentials.push_back(std::move(entry));
  }
  Json errors = Json::array();
  for (const auto& failure : report.discovery.failures)
    errors.push_back({{"cli", failure.cli},
                      {"code", cp::to_string(failure.error.errc())},
                      {"message", harmless(failure.error.message())}});
  Json imported = Json::array();
  for (const auto& id : report.imported) imported.push_back(id.hex());
  return {{"version", 1},
          {"scannedAt", cp::format_iso8601(report.scanned_at)},
          {"elapsedMs", report.elapsed.count()},
          {"credentials", credentials},
          {"clis", clis_json(report.discovery.clis)},
          {"imported", imported},
          {"errors", errors}};
}

std::string scan_text(const ScanReport& report, const Session& session) {
  const auto& credentials = report.discovery.credentials;
  if (credentials.empty()) return nothing_found(report, session);

  Table table{
      {"CLI", "?PROVIDER", "PROFILE...", "?KIND", "STATUS", "EXPIRES", "OWNERSHIP", "?WHERE..."}};
  std::size_t usable = 0;
  std::size_t lendable = 0;
  std::set<std::string> clis;
  for (const auto& credential : credentials) {
    const bool works =
        credential.usable_at(report.scanned_at) && !report.used_up.contains(credential.id);
    usable += works ? 1 : 0;
    lendable += works && report.lendable.contains(credential.id) ? 1 : 0;
    clis.insert(credential.cli);
    table.add(
        {credential.cli,
         credential.provider,
         credential.profile_id,
         std::string{cp::to_string(credential.kind)},
         {status_words(credential, report.scanned_at), status_style(credential, report.scanned_at)},
         credential.expires_at ? relative_time(credential.expires_at, report.scanned_at)
                               : std::string{"-"},
         ownership_words(credential),
         where(credential, session.environment())});
  }
  std::string text = table.render(session.out());
  if (const auto lines = notes(report, session); !lines.empty()) {
    text += "\n" + styled(session.out(), Style::bold, "To know") + "\n";
    for (const auto& line : lines) text += wrapped(session.out(), "  " + line, 4) + "\n";
  }
  text += "\n" + count(credentials.size(), "login", "logins") + " of " +
          count(clis.size(), "CLI", "CLIs") + ", " + std::to_string(usable) + " usable, " +
          std::to_string(lendable) + " to be lent.\n";
  if (lendable < usable) text += "Next: credpool scan --import (lets all of them be lent)\n";
  if (report.verdicts.empty()) text += "Next: credpool scan --validate (asks the providers)\n";
  return text;
}

}  // namespace credpool_cli
