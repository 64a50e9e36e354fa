// SPDX-License-Identifier: MIT
#include <credpool/store/audit.hpp>

#include <credpool/core/hash.hpp>
#include <credpool/store/sealed.hpp>
#include <credpool/store/sqlite.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>

#include <sys/stat.h>

namespace cp = credpool;
namespace fs = std::filesystem;
using Kind = cp::AuditFinding::Kind;

namespace {

const std::string canary = "sk-canary-0123456789abcdefghijklmnopqrstuvwxyz";

bool finds(const fs::path& place, const std::string& secret = canary) {
  const std::array known{cp::Secret{"another-secret-of-some-length"}, cp::Secret{secret}};
  const auto findings = cp::find_clear_secrets(place, known);
  for (const auto& finding : findings) {
    CHECK(finding.kind == Kind::clear_secret);
    CHECK(finding.repair.find(cp::token_hash(secret).substr(0, 19)) != std::string::npos);
    CHECK(finding.repair.find(secret) == std::string::npos);
  }
  return !findings.empty();
}

struct Finding {
  Kind kind;
  fs::path path;
  friend bool operator==(const Finding&, const Finding&) = default;
};

std::vector<Finding> audited(const ThrowawayHome& home) {
  std::vector<Finding> all;
  for (const auto& finding : cp::audit_files(home.path() / "state", home.environment()))
    all.push_back({finding.kind, finding.path});
  return all;
}

}  // namespace

TEST_CASE("store/audit: a clean directory and a missing one have no findings") {
  const ThrowawayHome home;
  CHECK(audited(home).empty());
  CHECK_FALSE(finds(home.path() / "state"));
  home.write("state/secrets.json", "{}");
  home.write("state/deeper/file", "");
  CHECK(audited(home).empty());
}

TEST_CASE("store/audit: B1 modes, with the exact command") {
  const ThrowawayHome home;
  const auto file = home.write("state/it's", "", 0640);
  REQUIRE(::chmod((home.path() / "state").c_str(), 0755) == 0);
  const auto findings = cp::audit_files(home.path() / "state", home.environment());
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].repair == "chmod 700 '" + (home.path() / "state").string() + "'");
  // The command works as it stands, whatever is in the name.
  for (const auto& finding : findings) {
    CHECK(finding.kind == Kind::wrong_mode);
    CHECK(std::system(finding.repair.c_str()) == 0);
  }
  CHECK(audited(home).empty());
}

TEST_CASE("store/audit: B2 B3 B4 B11 links, hard links, special files and left-overs") {
  const ThrowawayHome home;
  const auto state = home.path() / "state";
  home.write("outside", canary, 0644);
  home.write("state/linked", "");
  fs::create_hard_link(state / "linked", home.path() / "other-name");
  CHECK(audited(home) == std::vector<Finding>{{Kind::hard_linked, state / "linked"}});
  fs::remove(state / "linked");
  fs::create_symlink(home.path() / "outside", state / "link");
  CHECK(audited(home) == std::vector<Finding>{{Kind::not_regular, state / "link"}});
  CHECK_FALSE(finds(state));  // where it leads is not ours
  fs::remove(state / "link");
  REQUIRE(::mkfifo((state / "fifo").c_str(), 0600) == 0);
  CHECK(audited(home) == std::vector<Finding>{{Kind::not_regular, state / "fifo"}});
  CHECK_FALSE(finds(state));  // and does not hang
  fs::remove(state / "fifo");
  home.write("state/secrets.json.tmp-0011223344556677", "");
  CHECK(audited(home) ==
        std::vector<Finding>{{Kind::left_over, state / "secrets.json.tmp-0011223344556677"}});
}

TEST_CASE("store/audit: the socket of a running server is one of ours, another is not") {
  const ThrowawayHome home;
  const auto state = home.path() / "state";
  home.write("state/secrets.json", "{}");
  // A node of the file system is all that is looked at: nobody has to listen.
  REQUIRE(::mknod((state / "gateway.sock").c_str(), S_IFSOCK | 0600, 0) == 0);
  CHECK(audited(home).empty());
  REQUIRE(::chmod((state / "gateway.sock").c_str(), 0666) == 0);
  CHECK(audited(home) == std::vector<Finding>{{Kind::wrong_mode, state / "gateway.sock"}});
  fs::remove(state / "gateway.sock");
  REQUIRE(::mknod((state / "other.sock").c_str(), S_IFSOCK | 0600, 0) == 0);
  CHECK(audited(home) == std::vector<Finding>{{Kind::not_regular, state / "other.sock"}});
}

TEST_CASE("store/audit: B1 a file of another user") {
  const ThrowawayHome home;
  const auto file = home.write("state/file", "");
  // Root gives the file away; anybody else takes another user's point of view.
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  cp::Environment::Facts facts;
  facts.user = root ? 0 : ::geteuid() + 1;
  const auto findings = cp::audit_files(file, cp::Environment{facts});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].kind == Kind::foreign_owner);
}

TEST_CASE("store/audit: C8 any 20 bytes of a secret are found, wherever they stand") {
  const ThrowawayHome home;
  for (std::size_t start = 0; start + 20 <= canary.size(); ++start) {
    CAPTURE(start);
    home.write("state/file", "before " + canary.substr(start, 20) + " after");
    CHECK(finds(home.path() / "state"));
    CHECK(finds(home.path() / "state/file"));
    home.write("state/file", "before " + canary.substr(start, 19) + " after");
    CHECK_FALSE(finds(home.path() / "state"));
  }
}

TEST_CASE("store/audit: a piece is found across the chunks of a large file and at both ends") {
  const ThrowawayHome home;
  constexpr std::size_t chunk = 256 * 1024;
  for (const std::size_t at : {std::size_t{0}, chunk - 21, chunk - 20, chunk - 10, chunk - 1, chunk,
                               2 * chunk - 29, 600000 - std::size_t{20}}) {
    CAPTURE(at);
    std::string bytes(600000, '\0');
    bytes.replace(at, 20, canary.substr(5, 20));
    home.write("state/file", bytes);
    CHECK(finds(home.path() / "state"));
  }
}

TEST_CASE("store/audit: short secrets are found as a whole, tiny ones are passed over") {
  const ThrowawayHome home;
  home.write("state/file", "x=shortkey;y=tiny");
  CHECK(finds(home.path() / "state", "shortkey"));
  CHECK_FALSE(finds(home.path() / "state", "shortkez"));
  CHECK_FALSE(finds(home.path() / "state", "tiny"));
}

TEST_CASE("store/audit: C8 what our own stores write passes both checks") {
  const ThrowawayHome home;
  const auto environment = home.environment();
  const auto directory = *cp::StateDirectory::locate(environment);
  {
    cp::SealedFile secrets{directory, environment};
    REQUIRE(secrets.put({"openai:work",
                         "env",
                         "openai",
                         cp::Kind::api_key,
                         cp::Secret{canary},
                         {},
                         "",
                         "for the canary test"}));
    auto state = cp::SqliteState::open(directory, environment);
    REQUIRE(state);
    REQUIRE(state->transact(0, [](const cp::PoolState&) {
      cp::PoolDelta delta;
      delta.credentials.emplace_back().rejected_token = cp::token_hash(canary);
      return delta;
    }));
  }
  CHECK(cp::audit_files(directory.path(), environment).empty());
  CHECK_FALSE(finds(directory.path()));
  home.write(".local/state/credpool/notes", canary);
  CHECK(finds(directory.path()));
}
