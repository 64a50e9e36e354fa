// SPDX-License-Identifier: MIT
// Any bytes as secrets.json: refused or read, never a crash, never changed by looking; and what was
// read once is still there after a secret was added.
#include <credpool/core/encoding.hpp>
#include <credpool/store/sealed.hpp>

#include <throwaway_home.hpp>

#include <cstdint>
#include <cstdlib>

namespace cp = credpool;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ThrowawayHome home;
  static const cp::Environment environment = home.environment();
  static const auto directory = *cp::StateDirectory::locate(environment);
  static const auto key = home.write(".local/state/credpool/key", std::string(64, '1'));
  static cp::SealedFile store{directory, environment};

  home.write(".local/state/credpool/secrets.json", {reinterpret_cast<const char*>(data), size});
  const auto listed = store.list();
  if (!listed) {
    must(!store.get("a:one"));
    return 0;
  }
  for (const auto& label : *listed) {
    must(label.secret.empty());
    const auto record = store.get(label.profile_id);
    if (record) must(cp::is_safe_token(record->secret.reveal()));
    if (!record) must(record.error().errc() == cp::Errc::login_needed);
  }
  // Writing waits for the disk: only for one file in eight.
  if (size % 8 != 0) return 0;
  const cp::SecretRecord added{
      "fuzz:added", "cli", "provider", cp::Kind::token, cp::Secret{"added-secret"}, {}, "", ""};
  if (!store.put(added)) return 0;
  must(store.get("fuzz:added")->secret == added.secret);
  const auto after = store.list();
  must(after && after->size() >= listed->size());
  for (const auto& label : *listed)
    must(store.get(label.profile_id).has_value() ||
         store.get(label.profile_id).error().errc() == cp::Errc::login_needed);
  return 0;
}
