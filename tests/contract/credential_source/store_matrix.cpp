// SPDX-License-Identifier: MIT
// Every store of the table against every fault that a file can have. Whatever happens, a source
// gives a defined answer: it never crashes or blocks, never passes over something that is there,
// and never shows a secret.
#include "store_row.hpp"

#include <throwaway_home.hpp>

#include <credpool/core/encoding.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

namespace cp = credpool;

namespace {

using Credentials = std::vector<cp::Credential>;

constexpr cp::TimePoint now{std::chrono::seconds{1795000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};  // 2100-01-01

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

bool shows_a_secret(const StoreRow& row, const std::string& text) {
  const auto in_text = [&](const std::string& secret) {
    return text.find(secret) != std::string::npos;
  };
  return in_text(row.token) || std::any_of(row.canaries.begin(), row.canaries.end(), in_text);
}

/// What must hold of every answer.
void check_sane(const StoreRow& row, const Credentials& credentials) {
  for (const auto& credential : credentials) {
    CHECK_FALSE(credential.places.empty());
    CHECK_FALSE(credential.cli.empty());
    CHECK_FALSE(credential.provider.empty());
    CHECK_FALSE(credential.profile_id.empty());
    CHECK(credential.id != cp::CredentialId{});
    // What does not work says why, in a word and in a sentence.
    if (credential.status != cp::Status::active) {
      CHECK(credential.reason != cp::Reason::none);
      CHECK_FALSE(credential.detail.empty());
    }
    CHECK((credential.secret.empty() || cp::is_safe_token(credential.secret.reveal())));
    std::string shown = credential.detail + credential.profile_id + credential.account +
                        credential.account_id + credential.plan + credential.base_url +
                        credential.oauth_host;
    for (const auto& place : credential.places) {
      shown += place.location + place.pointer + place.cli;
      for (const auto& warning : place.warnings) shown += warning;
    }
    for (const auto& scope : credential.scopes) shown += scope;
    CHECK_FALSE(shows_a_secret(row, shown));
  }
}

/// A throw-away home that holds what the row needs besides its store.
class Scene {
 public:
  explicit Scene(const StoreRow& row) : row_{row} {
    for (const auto& [path, text] : row.companions) home_.write(path, text);
  }

  std::filesystem::path store() const { return home_.path() / row_.path; }
  std::filesystem::path write(std::string_view text, mode_t mode = 0600) const {
    return home_.write(row_.path, row_.seal ? row_.seal(text) : std::string{text}, mode);
  }
  /// Makes the store's directory, and makes sure that the store itself is not there.
  std::filesystem::path make_room() const {
    write("");
    std::filesystem::remove(store());
    return store();
  }
  /// A good store elsewhere, to link to.
  std::filesystem::path write_elsewhere() const {
    return home_.write("elsewhere/store", row_.seal ? row_.seal(row_.text) : row_.text);
  }

  Credentials discover() const { return discover(home_.environment(row_.variables)); }
  Credentials discover(const cp::Environment& environment) const {
    const auto found = row_.discover(environment);
    REQUIRE(found);
    check_sane(row_, *found);
    return *found;
  }
  const ThrowawayHome& home() const { return home_; }

 private:
  const StoreRow& row_;
  ThrowawayHome home_;
};

/// Whether it is the credential that holds the row's token.
bool holds(const cp::Credential& credential, const StoreRow& row) {
  const auto& secret = credential.secret.empty() ? credential.refresh_token : credential.secret;
  return secret.reveal() == row.token;
}

/// The credential of the undamaged store.
cp::Credential good(const StoreRow& row) {
  const Scene scene{row};
  scene.write(row.text);
  for (const auto& credential : scene.discover())
    if (holds(credential, row)) return credential;
  FAIL("the row's own text holds no such token");
  return {};
}

const cp::Credential* find(const Credentials& credentials, const StoreRow& row) {
  const auto found = std::find_if(credentials.begin(), credentials.end(),
                                  [&](const auto& one) { return holds(one, row); });
  return found == credentials.end() ? nullptr : &*found;
}

/// The fault makes no difference: the same credential, in the same state.
void check_as_good(const StoreRow& row, const Credentials& credentials) {
  const auto expected = good(row);
  const auto* credential = find(credentials, row);
  CHECK(credential != nullptr);
  if (credential == nullptr) return;
  CHECK(credential->status_at(now) == expected.status_at(now));
  CHECK(credential->reason_at(now) == expected.reason_at(now));
  CHECK(credential->expires_at == expected.expires_at);
}

/// The store is listed, with that reason, and nothing in it can be lent.
void check_listed(const Credentials& credentials, cp::Reason reason) {
  CHECK_FALSE(credentials.empty());
  for (const auto& credential : credentials) {
    CHECK_FALSE(credential.usable_at(now));
    CHECK(cp::to_string(credential.reason) == cp::to_string(reason));
  }
}

void for_each_row(const std::function<void(const StoreRow&)>& check, bool only_json = false) {
  int covered = 0;
  for (const auto& row : store_rows()) {
    if (only_json && row.format != Format::json) continue;
    CAPTURE(row.name);
    check(row);
    ++covered;
  }
  CHECK(covered > 0);
}

std::vector<std::string> warnings_of(const Credentials& credentials, const StoreRow& row) {
  const auto* credential = find(credentials, row);
  return credential == nullptr ? std::vector<std::string>{} : credential->places.front().warnings;
}

bool contains(const std::vector<std::string>& warnings, std::string_view text) {
  return std::any_of(warnings.begin(), warnings.end(),
                     [&](const auto& warning) { return warning.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("contract/credential_source: the undamaged store is found, without a warning") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    const auto path = scene.write(row.text);
    const auto credentials = scene.discover();
    check_as_good(row, credentials);
    CHECK(warnings_of(credentials, row).empty());
    const auto size = row.seal ? row.seal(row.text).size() : row.text.size();
    CHECK(std::filesystem::file_size(path) == size);
  });
}

TEST_CASE("contract/credential_source: a missing directory or file is nothing") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    if (row.companions.empty()) CHECK(scene.discover().empty());
    scene.make_room();
    if (row.companions.empty()) CHECK(scene.discover().empty());
    CHECK(find(scene.discover(), row) == nullptr);
  });
}

TEST_CASE("contract/credential_source: bytes that are no document are listed as malformed") {
  using namespace std::literals;
  for_each_row(
      [](const StoreRow& row) {
        const auto half = row.text.substr(0, row.text.find(row.token) + row.token.size() / 2);
        for (const auto text :
             {""sv, "\0"sv, "[]"sv, "null"sv, "\"x\""sv, "{"sv, std::string_view{half}}) {
          const auto size = text.size();
          CAPTURE(size);
          const Scene scene{row};
          scene.write(text);
          check_listed(scene.discover(), cp::Reason::malformed);
        }
        const Scene scene{row};
        scene.write(row.text + "\0trailing"s);
        check_listed(scene.discover(), cp::Reason::malformed);
      },
      true);
}

TEST_CASE("contract/credential_source: bytes that are no document lend nothing in any format") {
  using namespace std::string_view_literals;
  for_each_row([](const StoreRow& row) {
    const auto half = row.text.substr(0, row.text.find(row.token) + row.token.size() / 2);
    for (const auto text : {""sv, "\0"sv, "[]"sv, "\xff\xfe"sv, std::string_view{half}}) {
      const Scene scene{row};
      scene.write(text);
      CHECK(find(scene.discover(), row) == nullptr);
    }
  });
}

TEST_CASE("contract/credential_source: a byte order mark and CRLF make no difference") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    scene.write("\xef\xbb\xbf" + row.text);
    check_as_good(row, scene.discover());
    std::string crlf;
    for (const char c : row.text + "\n") {
      if (c == '\n') crlf += '\r';
      crlf += c;
    }
    scene.write(crlf);
    check_as_good(row, scene.discover());
  });
}

TEST_CASE("contract/credential_source: what is too deep, too large or doubled is listed as that") {
  for_each_row(
      [](const StoreRow& row) {
        const Scene scene{row};
        const std::string deep = std::string(200, '[') + std::string(200, ']');
        scene.write(replaced(row.text, "{", "{\"deep\":" + deep + ","));
        check_listed(scene.discover(), cp::Reason::too_deep);
        scene.write(replaced(row.text, "{", "{\"doubled\":1,\"doubled\":2,"));
        check_listed(scene.discover(), cp::Reason::duplicate_key);
      },
      true);
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    scene.write(row.text + std::string(2 * 1024 * 1024, '\n'));
    check_listed(scene.discover(), cp::Reason::too_large);
  });
}

TEST_CASE("contract/credential_source: a store that others can read is used with a warning") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    const auto path = scene.write(row.text, 0644);
    const auto credentials = scene.discover();
    check_as_good(row, credentials);
    CHECK(contains(warnings_of(credentials, row), "chmod 600 '" + path.string() + "'"));
  });
}

TEST_CASE("contract/credential_source: somebody else's store is refused") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    const auto path = scene.write(row.text);
    // Root gives the file away; anybody else plays another user.
    cp::Environment::Facts facts;
    facts.variables = row.variables;
    facts.home = facts.working_directory = scene.home().path();
    facts.user = ::geteuid();
    if (facts.user == 0) {
      REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    } else {
      ++facts.user;
    }
    check_listed(scene.discover(cp::Environment{facts}), cp::Reason::unsafe_file);
  });
}

TEST_CASE("contract/credential_source: a link is followed, one that leads nowhere is told") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    const auto target = scene.write_elsewhere();
    const auto link = scene.make_room();
    std::filesystem::create_symlink(target, link);
    check_as_good(row, scene.discover());
    std::filesystem::remove(target);
    check_listed(scene.discover(), cp::Reason::unsafe_file);
    CHECK(std::filesystem::is_symlink(link));
    std::filesystem::remove(link);
    std::filesystem::create_symlink(link.filename(), link);
    check_listed(scene.discover(), cp::Reason::unsafe_file);
  });
}

TEST_CASE("contract/credential_source: a second name of the file is warned about") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    std::filesystem::create_hard_link(scene.write_elsewhere(), scene.make_room());
    const auto credentials = scene.discover();
    check_as_good(row, credentials);
    CHECK(contains(warnings_of(credentials, row), "hard_linked"));
  });
}

TEST_CASE("contract/credential_source: what is no regular file is refused at once") {
  for_each_row([](const StoreRow& row) {
    const Scene scene{row};
    const auto path = scene.make_room();
    std::filesystem::create_directory(path);
    check_listed(scene.discover(), cp::Reason::unsafe_file);
    std::filesystem::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);  // a reader that opens it carelessly hangs
    check_listed(scene.discover(), cp::Reason::unsafe_file);
    std::filesystem::remove(path);
    std::filesystem::create_symlink("/dev/zero", path);
    check_listed(scene.discover(), cp::Reason::unsafe_file);
  });
}

TEST_CASE("contract/credential_source: an odd expiry is listed, whatever it means") {
  int covered = 0;
  for (const auto& row : store_rows()) {
    if (row.expiry.empty()) continue;
    CAPTURE(row.name);
    for (const std::string_view value :
         {R"("soon")", R"("")", R"("NaN")", R"("1e400")", "-1", "0", "1e300", "1e400", "null",
          "true", "[]", "{}", "18446744073709551616"}) {
      CAPTURE(value);
      const Scene scene{row};
      scene.write(replaced(row.text, row.expiry, value));
      const auto credentials = scene.discover();
      CHECK_FALSE(credentials.empty());
      for (const auto& credential : credentials) CHECK(credential.expires_at != far);
    }
    for (const std::string_view value : {"4102444800", "4102444800000"}) {  // seconds, milliseconds
      CAPTURE(value);
      const Scene scene{row};
      scene.write(replaced(row.text, row.expiry, value));
      const auto credentials = scene.discover();
      CHECK(std::any_of(credentials.begin(), credentials.end(),
                        [](const auto& one) { return one.expires_at == far; }));
    }
    ++covered;
  }
  CHECK(covered > 0);
}

TEST_CASE("contract/credential_source: a token that may not stand in a header is never lent") {
  for_each_row([](const StoreRow& row) {
    std::vector<std::string> endings{"\xc3\xa9", " x"};
    if (row.format != Format::other)
      endings.insert(endings.end(), {"\\n", "\\r\\nX-Evil: 1", "\\u00e9"});
    for (const auto& ending : endings) {
      CAPTURE(ending);
      const Scene scene{row};
      scene.write(replaced(row.text, row.token, row.token + ending));
      const auto credentials = scene.discover();
      CHECK_FALSE(credentials.empty());
      for (const auto& credential : credentials) {
        CHECK_FALSE(credential.usable_at(now));
        CHECK(credential.secret.empty());
      }
    }
  });
}
