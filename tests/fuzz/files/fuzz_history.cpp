// SPDX-License-Identifier: MIT
// The history's readers on any bytes: the first byte chooses document or chain.
#include <credpool/history/document.hpp>

#include <throwaway_home.hpp>

#include <cstdint>
#include <cstdlib>

namespace cp = credpool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ThrowawayHome home;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (text.empty()) return 0;
  const bool chain = text.front() % 2 == 0;
  home.write(
      "h/history.json",
      chain ? "{\"discovered\": [], \"chain\": {\"records\": 2, \"head\": \"\"}}" : text.substr(1));
  home.write("h/history.json.chain.jsonl", chain ? text.substr(1) : "");

  cp::HistoryDocument history{home.path() / "h/history.json", home.environment()};
  (void)!history.verify();
  const auto entries = history.entries();
  auto key =
      cp::Credential::api_key("codex-cli", "openai", cp::Secret{std::string_view{"sk-fuzz"}});
  const auto now = cp::TimePoint{std::chrono::milliseconds{1795000000000}};
  const auto change = history.record_discovered(std::span{&key, 1}, now);
  // Whatever stood there, the write works (or refuses a newer version) and loses no entry.
  if (!change && change.error().errc() != cp::Errc::unsupported) std::abort();
  if (change && entries && history.entries()->size() < entries->size()) std::abort();
  if (change && change->set_aside) std::filesystem::remove(*change->set_aside);
  return 0;
}
